"""Registered clusters as the service answers them, and as tables."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from sluiceway.cli import tables
from sluiceway.cli.answers import each, read
from sluiceway.cli.client import Client
from sluiceway.cli.columns import Column, Kind
from sluiceway.cli.language import t
from sluiceway.cli.output import Failed, complain, one_line
from sluiceway.cli.reasons import Reason

OF_ADDRESSES: Final = ("address", "answers", "flink", "high availability", "jobs", "reason")


class Health(Struct, frozen=True):
    """What was last seen of a cluster."""

    answers: bool
    since: str
    reason: Reason
    flink_version: str


class Guards(Struct, frozen=True):
    """How a cluster is protected."""

    headers: list[str]
    user: str
    ca: bool
    certificate: bool


class Cluster(Struct, frozen=True):
    """A registered cluster."""

    name: str
    addresses: list[str]
    kind: str
    labels: dict[str, str]
    projects: list[str]
    max_savepoints: int | None
    draining: bool
    guards: Guards
    source: str
    origin: str
    default: bool
    runs: int
    trouble: Reason
    health: Health | None
    kind_seen: str | None = None  # not told by an older service


class TriedAddress(Struct, frozen=True):
    """What one address answered."""

    address: str
    answers: bool
    reason: Reason
    flink_version: str
    high_availability: str
    jobs: int


class Tried(Struct, frozen=True):
    """What works at a cluster."""

    answers: bool
    addresses: list[TriedAddress]
    same_cluster: bool
    flink_version: str
    submits: bool | None
    taskmanagers: int
    slots: int
    free_slots: int
    storage: str
    storage_reason: Reason
    kind: str = "session"  # not told by an older service


class Jar(Struct, frozen=True):
    """A jar that somebody has uploaded to a cluster."""

    id: str
    name: str
    uploaded_at: str | None
    classes: list[str]


class Jars(Struct, frozen=True):
    """The jars of a cluster, the newest first."""

    jars: list[dict[str, Any]]  # each a `Jar`
    reason: Reason  # why they are not known now


class ClusterFile(Struct, frozen=True):
    """A file that clusters are read from."""

    path: str
    trouble: Reason
    since: str | None


class Clusters(Struct, frozen=True):
    clusters: list[dict[str, Any]]
    files: list[dict[str, Any]]


# Tables. --------------------------------------------------------------------------------------------------------------


def _note(cluster: Cluster) -> str:
    health = cluster.health
    notes = ["default"] if cluster.default else []
    notes += ["draining"] if cluster.draining else []
    notes += [why] if (why := cluster.trouble or (health.reason if health else "")) else []
    return "; ".join(notes)


def lines(cluster: Cluster) -> list[tuple[str, str]]:
    """One cluster as names and values."""
    health, limit = cluster.health, cluster.max_savepoints
    told = [
        ("addresses", ", ".join(cluster.addresses)),
        ("kind", _kind(cluster)),
        ("labels", _pairs(cluster.labels)),
        ("projects", ", ".join(cluster.projects) or "all"),
        ("protected by", _guards(cluster.guards)),
        ("savepoints at once", t("the service's setting") if limit is None else str(limit)),
        ("draining", tables.yes(cluster.draining)),
        ("registered by", cluster.origin or cluster.source),
        ("runs there", str(cluster.runs)),
        ("answers", _answers(cluster)),
        ("since", tables.moment(health.since) if health else ""),
        ("reason", cluster.trouble or (health.reason if health else "")),
        ("flink", health.flink_version if health else ""),
    ]
    return [line for line in told if line[1]]


def addresses(found: Tried) -> list[tuple[str, ...]]:
    """Each address that was tried; see `OF_ADDRESSES`."""
    return [
        (at.address, tables.yes(at.answers), at.flink_version, at.high_availability, str(at.jobs), at.reason)
        for at in found.addresses
    ]


def findings(found: Tried) -> list[tuple[str, ...]]:
    """The findings of a try, each with a note."""
    submits = "unknown" if found.submits is None else tables.yes(found.submits)
    jars = "" if found.submits is not False else t("web.submit.enable is off: no Jar job can be started there")
    one = "" if found.same_cluster else t("the addresses are of several clusters; register each under its own name")
    goes = t("it goes with its jobs, which can be stopped, and not started there")
    slots = t(
        "{free_slots} of {slots} free, on {taskmanagers} TaskManagers",
        free_slots=found.free_slots,
        slots=found.slots,
        taskmanagers=found.taskmanagers,
    )
    return [
        ("REST API", tables.yes(found.answers), ""),
        ("one cluster", tables.yes(found.same_cluster), one),
        ("kind", found.kind, goes if found.kind == "application" else ""),
        ("slots", tables.yes(found.slots > 0), slots),
        ("jars", submits, jars),
        ("storage", found.storage, found.storage_reason),
    ]


def complain_of_silence(client: Client) -> None:
    """Name the clusters with jobs that do not answer: what is shown of these jobs is as old."""
    try:
        found = read(client.clusters().data, Clusters).clusters
    except Failed:
        return  # a caller who may not see them, or a service that has none
    for cluster in each(found, Cluster):
        if cluster.runs and (health := cluster.health) and not health.answers:
            silence = tables.silent(cluster.name, health.since, health.reason)
            complain(
                one_line(
                    t(
                        "{silence} What is shown of its {jobs} is as old.",
                        silence=silence,
                        jobs=tables.jobs(cluster.runs),
                    )
                )
            )


def _answers(cluster: Cluster) -> str:
    if cluster.trouble:
        return "no"
    return "not asked" if cluster.health is None else tables.yes(cluster.health.answers)


def _kind(cluster: Cluster) -> str:
    """As it is registered, or found where its JobManager says more: one that is registered as such takes no starts."""
    if cluster.kind_seen in {None, cluster.kind}:
        return cluster.kind
    if cluster.kind == "application":
        return t("application (its JobManager says: session)")
    return t("application (found)")


def _pairs(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _guards(guards: Guards) -> str:
    found = [t("headers {names}", names=", ".join(guards.headers))] if guards.headers else []
    found += [t("the password of {user}", user=guards.user)] if guards.user else []
    found += [t("a certificate authority of its own")] if guards.ca else []
    found += [t("a certificate of ours")] if guards.certificate else []
    return ", ".join(found) or "nothing"


CLUSTERS: Final = Kind(
    Cluster,
    (
        Column("cluster", lambda cluster: cluster.name),
        Column("kind", _kind, spare=True),
        Column("answers", _answers),
        Column("since", lambda cluster: tables.moment(cluster.health.since) if cluster.health else "", spare=True),
        Column("flink", lambda cluster: cluster.health.flink_version if cluster.health else "", spare=True),
        Column("runs", lambda cluster: str(cluster.runs)),
        Column("labels", lambda cluster: _pairs(cluster.labels), spare=True),
        Column("source", lambda cluster: cluster.source, spare=True),
        Column("addresses", lambda cluster: ", ".join(cluster.addresses), wide=True),
        Column("projects", lambda cluster: ", ".join(cluster.projects) or "all", wide=True),
        Column("note", _note),
    ),
    lambda cluster: cluster.name,
)
JARS: Final = Kind(
    Jar,
    (
        Column("jar", lambda jar: jar.name),
        Column("uploaded", lambda jar: tables.moment(jar.uploaded_at), spare=True),
        Column("main class", lambda jar: ", ".join(jar.classes)),
        Column("id", lambda jar: jar.id, spare=True),
    ),
    lambda jar: jar.name,
)
