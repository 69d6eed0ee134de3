"""`sluiceway clusters`: where jobs run; registering, changing, draining and removing it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from cyclopts import Parameter
from msgspec import Struct

from sluiceway.cli import tables
from sluiceway.cli.answers import each, read
from sluiceway.cli.options import Common, Flag, Names, Words, commands, or_default
from sluiceway.cli.output import Failed, complain, say
from sluiceway.cli.password import ask_password

Kind = Literal["session", "application"]
Maybe = Annotated[str | None, Parameter(show_default=False)]
File = Annotated[Path | None, Parameter(show_default=False)]
_PEM: Final = 200_000  # bytes of a file that are read at most

clusters_app = commands("clusters", "Register Flink clusters, and see which answer.")


class Health(Struct, frozen=True):
    """What was last seen of a cluster."""

    answers: bool
    since: str
    reason: str
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
    trouble: str
    health: Health | None


class TriedAddress(Struct, frozen=True):
    """What one address answered."""

    address: str
    answers: bool
    reason: str
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
    storage_reason: str


class ClusterFile(Struct, frozen=True):
    """A file that clusters are read from."""

    path: str
    trouble: str
    since: str | None


class _Listed(Struct, frozen=True):
    clusters: list[dict[str, Any]]
    files: list[dict[str, Any]]


@clusters_app.command(name="list")
def list_(*, common: Common | None = None) -> int:
    """List the clusters that the project may use, and whether they answer.

    Nobody asks a cluster without jobs: `sluiceway clusters test NAME` does.

    Example: `sluiceway clusters list`
    """
    common = or_default(common)
    found = read(common.client().clusters().data, _Listed)
    if common.json:
        tables.document({"clusters": found.clusters, "files": found.files})
        return 0
    rows = [_row(cluster) for cluster in each(found.clusters, Cluster)]
    tables.table(["cluster", "kind", "answers", "since", "flink", "runs", "labels", "source", "note"], rows)
    for file in each(found.files, ClusterFile):
        if file.trouble:
            complain(
                f"{file.path} is not taken since {tables.moment(file.since)}, and what it held stays: {file.trouble}"
            )
    return 0


@clusters_app.command
def show(name: str, /, *, common: Common | None = None) -> int:
    """Show one cluster: where it is, who may use it, how it is protected, and why it does not answer.

    Example: `sluiceway clusters show prod`
    """
    common = or_default(common)
    return _tell(common, common.client().cluster(name).data)


@clusters_app.command
def add(
    name: str,
    address: Annotated[tuple[str, ...], Parameter(negative=())],
    /,
    *,
    kind: Kind = "session",
    label: Names = (),
    only_for: Names = (),
    max_savepoints: int | None = None,
    header_file: File = None,
    user: Words = "",
    ca: File = None,
    cert: File = None,
    key: File = None,
    common: Common | None = None,
) -> int:
    """Register a cluster. Jobs may be put there at once, and no service has to start again.

    Needs the role admin in every project. Passwords and headers are sealed, and never shown.

    Example: `sluiceway clusters add prod http://jm-1:8081 http://jm-2:8081 --label env=prod`

    Parameters
    ----------
    name
        What jobs call it: up to 128 letters, digits and . _ -. DLI's API calls it a queue.
    address
        Of the REST API of its JobManager; where several stand by for each other, of each. A path is kept.
    kind
        session takes jobs; application runs those of one program, and goes with them.
    label
        KEY=VALUE; may be repeated.
    only_for
        A project that may use it; may be repeated. Default: all.
    max_savepoints
        Savepoints that may be under way there at once. Default: the service's setting.
    header_file
        A file with headers to send with each request, one `Name: value` on a line.
    user
        The user of basic authentication. The password is asked for; through a pipe, the first line is taken.
    ca
        A file with the certificates (PEM) of who has signed the cluster's own.
    cert
        A file with the certificate (PEM) to show, for mutual TLS. Needs --key.
    key
        A file with its private key (PEM).
    """
    common = or_default(common)
    body: dict[str, Any] = {"name": name, "addresses": list(address), "kind": kind}
    body |= {"labels": _labels(label), "projects": list(only_for), "max_savepoints": max_savepoints}
    body |= _secrets(name, header_file, user, ca, cert, key)
    made = common.client().add_cluster(body).data
    if common.json:
        tables.document(made)
    else:
        say(f"Cluster {name} is registered. See what works there: sluiceway clusters test {name}")
    return 0


@clusters_app.command
def edit(
    name: str,
    /,
    *,
    address: Names = (),
    kind: Kind | None = None,
    label: Names = (),
    no_labels: Flag = False,
    only_for: Names = (),
    for_all: Flag = False,
    max_savepoints: int | None = None,
    header_file: File = None,
    user: Words = "",
    ca: File = None,
    cert: File = None,
    key: File = None,
    open_: Annotated[bool, Parameter(name="--open", negative=(), show_default=False)] = False,
    common: Common | None = None,
) -> int:
    """Change a cluster; what is not named stays. It holds at once, in every service on the database.

    Needs the role admin in every project.

    Example: `sluiceway clusters edit prod --address http://jm-3:8081 --label env=prod`

    Parameters
    ----------
    name
        The cluster's name.
    address
        In place of the addresses that it has; several after one another.
    kind
        session or application.
    label
        KEY=VALUE, in place of the labels that it has.
    no_labels
        Take its labels away.
    only_for
        The projects that may use it, in place of those that might.
    for_all
        Let all projects use it.
    max_savepoints
        Savepoints that may be under way there at once.
    header_file
        A file with headers, in place of those that were sent.
    user
        The user of basic authentication; the password is asked for.
    ca
        A file with the certificates (PEM) of who has signed the cluster's own.
    cert
        A file with the certificate (PEM) to show.
    key
        A file with its private key (PEM).
    open_
        Forget headers, user, password and certificates, before others that are given here.
    """
    common = or_default(common)
    change: dict[str, Any] = {}
    change |= {"addresses": list(address)} if address else {}
    change |= {"kind": kind} if kind else {}
    change |= {"labels": _labels(label)} if label or no_labels else {}
    change |= {"projects": list(only_for)} if only_for or for_all else {}
    change |= {"max_savepoints": max_savepoints} if max_savepoints is not None else {}
    change |= {"headers": {}, "basic": None, "ca": None, "certificate": None, "key": None} if open_ else {}
    change |= _secrets(name, header_file, user, ca, cert, key)
    if not change:
        raise Failed("Nothing to change was named. See sluiceway clusters edit --help.", code=2)
    return _tell(common, common.client().edit_cluster(name, change).data)


@clusters_app.command
def drain(name: str, /, *, undo: Flag = False, common: Common | None = None) -> int:
    """Let no job be started on a cluster any more. What runs there runs on, and can be stopped.

    Needs the role admin in every project.

    Example: `sluiceway clusters drain prod`

    Parameters
    ----------
    name
        The cluster's name.
    undo
        Let jobs be started there again.
    """
    common = or_default(common)
    data = common.client().edit_cluster(name, {"draining": not undo}).data
    if common.json:
        tables.document(data)
        return 0
    if undo:
        say(f"Jobs may be started on {name} again.")
        return 0
    say(f"No job is started on {name} any more.")
    if left := read(data, Cluster).runs:
        say(
            f"{tables.jobs(left)} may run there. Stop them, each with a savepoint: sluiceway stop --queue {name} --wait"
            "\nin each project that has some; start them elsewhere by giving them another queue first."
        )
    return 0


@clusters_app.command
def remove(name: str, /, *, force: Flag = False, common: Common | None = None) -> int:
    """End a cluster's registration. Jobs keep their history; Flink itself is not touched.

    Needs the role admin in every project.

    Example: `sluiceway clusters remove old`

    Parameters
    ----------
    name
        The cluster's name.
    force
        Also while jobs may run there: they run on, and what is open waits until the name is registered again.
    """
    common = or_default(common)
    data = common.client().remove_cluster(name, force=force).data
    if common.json:
        tables.document(data)
    else:
        say(f"Cluster {name} is no longer registered.")
    return 0


@clusters_app.command(name="test")
def try_(  # not `test`, which pytest would take for one
    what: Annotated[tuple[str, ...], Parameter(negative=())],
    /,
    *,
    header_file: File = None,
    user: Words = "",
    ca: File = None,
    cert: File = None,
    key: File = None,
    common: Common | None = None,
) -> int:
    """Ask a cluster once what works there: each address, Flink's version, slots, jars, and the service's storage.

    Exits with 1 where nothing answers, the addresses are of several clusters, or the cluster does not see the storage.
    Needs the role admin in every project, as the service asks whatever address it is given.

    Example: `sluiceway clusters test http://jobmanager:8081`

    Parameters
    ----------
    what
        The name of a registered cluster; or the address of a JobManager, or of each of one cluster.
    header_file
        A file with headers to send, for addresses; one `Name: value` on a line.
    user
        The user of basic authentication, for addresses; the password is asked for.
    ca
        A file with the certificates (PEM) of who has signed the cluster's own, for addresses.
    cert
        A file with the certificate (PEM) to show, for addresses.
    key
        A file with its private key (PEM).
    """
    common = or_default(common)
    if len(what) == 1 and "://" not in what[0]:
        if user or any((header_file, ca, cert, key)):
            raise Failed(f"{what[0]} is a registered cluster, and is opened as it is registered.", code=2)
        data = common.client().try_cluster(what[0]).data
    else:
        secrets = _secrets("the cluster", header_file, user, ca, cert, key)
        data = common.client().try_addresses({"addresses": list(what), **secrets}).data
    found = read(data, Tried)
    if common.json:
        tables.document(data)
    else:
        tables.table(["address", "answers", "flink", "high availability", "jobs", "reason"], _addresses(found))
        say("")
        tables.table(["what", "works", "note"], _findings(found))
    return 0 if found.answers and found.same_cluster and found.storage != "no" else 1


# Forms. ---------------------------------------------------------------------------------------------------------------


def _labels(given: Sequence[str]) -> dict[str, str]:
    """Labels from KEY=VALUE. Raises `Failed`."""
    found = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise Failed(f"--label {text} is not KEY=VALUE; write for example env=prod.", code=2)
        found[key] = value
    return found


def _secrets(
    name: str, headers: Path | None, user: str, ca: Path | None, cert: Path | None, key: Path | None
) -> dict[str, Any]:
    """What opens the cluster, as far as it was given. Raises `Failed`."""
    found: dict[str, Any] = {}
    if headers is not None:
        found["headers"] = _headers(headers)
    if user:
        found["basic"] = {"user": user, "password": ask_password(f"Password of {user} at {name}")}
    named: Mapping[str, Path | None] = {"ca": ca, "certificate": cert, "key": key}
    return found | {field: _text(path) for field, path in named.items() if path is not None}


def _headers(path: Path) -> dict[str, str]:
    found = {}
    for line in filter(str.strip, _text(path).splitlines()):
        name, colon, value = line.partition(":")
        if not colon:
            raise Failed(f"{path}: a line is not `Name: value`.", code=2)
        found[name.strip()] = value.strip()
    return found


def _text(path: Path) -> str:
    try:
        with path.expanduser().open(encoding="utf-8") as file:
            text = file.read(_PEM + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}.", code=2
        ) from error
    if len(text) > _PEM:
        raise Failed(f"{path} is longer than {_PEM} characters.", code=2)
    return text


def _tell(common: Common, data: Any) -> int:
    if common.json:
        tables.document(data)
        return 0
    cluster = read(data, Cluster)
    tables.table(["cluster", cluster.name], list(_lines(cluster)))
    return 0


def _lines(cluster: Cluster) -> list[tuple[str, str]]:
    health, limit = cluster.health, cluster.max_savepoints
    lines = [
        ("addresses", ", ".join(cluster.addresses)),
        ("kind", cluster.kind),
        ("labels", _pairs(cluster.labels)),
        ("projects", ", ".join(cluster.projects) or "all"),
        ("protected by", _guards(cluster.guards)),
        ("savepoints at once", "the service's setting" if limit is None else str(limit)),
        ("draining", tables.yes(cluster.draining)),
        ("registered by", cluster.origin or cluster.source),
        ("runs there", str(cluster.runs)),
        ("answers", _answers(cluster)),
        ("since", tables.moment(health.since) if health else ""),
        ("reason", cluster.trouble or (health.reason if health else "")),
        ("flink", health.flink_version if health else ""),
    ]
    return [line for line in lines if line[1]]


def _addresses(found: Tried) -> list[tuple[str, ...]]:
    return [
        (at.address, tables.yes(at.answers), at.flink_version, at.high_availability, str(at.jobs), at.reason)
        for at in found.addresses
    ]


def _findings(found: Tried) -> list[tuple[str, ...]]:
    submits = "unknown" if found.submits is None else tables.yes(found.submits)
    jars = "" if found.submits is not False else "web.submit.enable is off: no Jar job can be started there"
    one = "" if found.same_cluster else "the addresses are of several clusters; register each under its own name"
    slots = f"{found.free_slots} of {found.slots} free, on {found.taskmanagers} TaskManagers"
    return [
        ("REST API", tables.yes(found.answers), ""),
        ("one cluster", tables.yes(found.same_cluster), one),
        ("slots", tables.yes(found.slots > 0), slots),
        ("jars", submits, jars),
        ("storage", found.storage, found.storage_reason),
    ]


def _row(cluster: Cluster) -> tuple[str, ...]:
    health = cluster.health
    notes = ["default"] if cluster.default else []
    notes += ["draining"] if cluster.draining else []
    notes += [why] if (why := cluster.trouble or (health.reason if health else "")) else []
    return (
        cluster.name,
        cluster.kind,
        _answers(cluster),
        tables.moment(health.since) if health else "",
        health.flink_version if health else "",
        str(cluster.runs),
        _pairs(cluster.labels),
        cluster.source,
        "; ".join(notes),
    )


def _answers(cluster: Cluster) -> str:
    if cluster.trouble:
        return "no"
    return "not asked" if cluster.health is None else tables.yes(cluster.health.answers)


def _pairs(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _guards(guards: Guards) -> str:
    found = [f"headers {', '.join(guards.headers)}"] if guards.headers else []
    found += [f"the password of {guards.user}"] if guards.user else []
    found += ["a certificate authority of its own"] if guards.ca else []
    found += ["a certificate of ours"] if guards.certificate else []
    return ", ".join(found) or "nothing"
