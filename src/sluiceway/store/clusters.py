"""The clusters that people have registered. What opens them arrives here sealed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

import msgspec
from sqlalchemy import RowMapping, ScalarSelect, Select, case, func, insert, select, text, union, update
from sqlalchemy.dialects.sqlite import insert as upsert

from sluiceway.domain.access import EVERY_PROJECT
from sluiceway.domain.clusters import Cluster, Guards, Health, Kind, Listed, Source
from sluiceway.store import ledger
from sluiceway.store.bulk import given
from sluiceway.store.database import Database, epoch_ms, instant
from sluiceway.store.events import event
from sluiceway.store.reserve import Use
from sluiceway.store.rows import to_json
from sluiceway.store.schema import (
    LIVE_OR_LOST,
    OPEN_SAVE,
    UNSETTLED,
    cluster_health,
    clusters,
    jobs,
    runs,
    saves,
    stops,
)
from sluiceway.store.trouble import unique_name

ALL: Final = "*"  # what `Database.changes` counts the changes of all clusters' registrations under


class ClusterNameInUse(Exception):
    """A cluster of this name is registered."""


class ClustersFull(Exception):
    """As many clusters are registered as may be."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A registered cluster as it is stored."""

    id: int
    listed: Listed
    sealed: str | None  # what opens it

    @property
    def name(self) -> str:
        """Its name."""
        return self.listed.cluster.name

    @property
    def key(self) -> str:
        """A name for what opens it, which no other version of it has; empty where it is open."""
        return "" if self.sealed is None else f"{self.id}.{self.listed.version}"


async def registered(db: Database) -> list[Stored]:
    """Those that are registered now, the oldest registration first."""
    wanted = select(clusters).where(clusters.c.removed_at.is_(None)).order_by(clusters.c.id)
    async with db.read() as connection:
        return [_stored(row) for row in (await connection.execute(wanted)).mappings()]


async def cluster(db: Database, name: str) -> Stored | None:
    """One that is registered now."""
    wanted = select(clusters).where(clusters.c.name == name, clusters.c.removed_at.is_(None))
    async with db.read() as connection:
        row = (await connection.execute(wanted)).mappings().one_or_none()
    return None if row is None else _stored(row)


async def add(db: Database, new: Cluster, sealed: str | None, most: int, now: datetime, who: str) -> None:
    """Register one. Raises `ClusterNameInUse`, and `ClustersFull` when there are `most` already."""
    at = epoch_ms(now)
    row = {"name": new.name, **_columns(new), "sealed": sealed, "user": who, "created_at": at, "updated_at": at}
    count = select(func.count()).select_from(clusters).where(clusters.c.removed_at.is_(None))
    async with unique_name("clusters", ClusterNameInUse), db.write() as connection:
        if (await connection.execute(count)).scalar_one() >= most:
            raise ClustersFull
        await connection.execute(insert(clusters), [row])
        await ledger.tell(connection, [_event("cluster_added", at, who, f"{new.name} at {_places(new)}")])


async def change(
    db: Database, seen: Stored, to: Cluster, sealed: str | None, now: datetime, who: str, told: str
) -> bool:
    """Change one that is still as it was seen; whether it was. `told` is what the audit has of it."""
    at = epoch_ms(now)
    columns = {**_columns(to), "sealed": sealed, "updated_at": at, "version": clusters.c.version + 1}
    async with db.write() as connection:
        changed = (await connection.execute(update(clusters).where(*_same(seen)).values(**columns))).rowcount == 1
        if changed:
            await ledger.tell(connection, [_event("cluster_changed", at, who, f"{to.name}: {told}")])
        return changed


async def remove(db: Database, seen: Stored, now: datetime, who: str) -> bool:
    """End the registration of one that is still as it was seen; whether it was. Its secrets go, the rest stays."""
    at = epoch_ms(now)
    ended = {"removed_at": at, "sealed": None, "version": clusters.c.version + 1}
    async with db.write(Use.MAKES_ROOM) as connection:
        removed = (await connection.execute(update(clusters).where(*_same(seen)).values(**ended))).rowcount == 1
        if removed:
            await ledger.tell(connection, [_event("cluster_removed", at, who, seen.name)])
        return removed


async def with_open_work(db: Database) -> set[str]:
    """The clusters, registered or not, on which a run may live, or a stop or savepoint has not settled."""
    parts = [
        select(runs.c.cluster).where(text(LIVE_OR_LOST)).distinct(),
        select(stops.c.cluster).where(text(UNSETTLED)).distinct(),
        select(saves.c.cluster).where(text(OPEN_SAVE)).distinct(),
    ]
    async with db.read() as connection:
        return {name for name in (await connection.execute(union(*parts))).scalars() if name is not None}


async def live_runs(db: Database, name: str) -> int:
    """How many runs may live on a cluster."""
    wanted = select(func.count()).select_from(runs).where(text(LIVE_OR_LOST), runs.c.cluster == name)
    async with db.read() as connection:
        return int((await connection.execute(wanted)).scalar_one())


async def live_runs_of_all(db: Database) -> Mapping[str, int]:
    """How many runs may live on each cluster that has any."""
    wanted = select(runs.c.cluster, func.count()).where(text(LIVE_OR_LOST)).group_by(runs.c.cluster)
    async with db.read() as connection:
        return {name: int(count) for name, count in await connection.execute(wanted)}


# What was seen of them. -----------------------------------------------------------------------------------------------


async def health(db: Database, names: Sequence[str] | None = None) -> dict[str, Health]:
    """What was last seen of these clusters, or of all; those that nobody has looked at are left out."""
    wanted = select(cluster_health)
    if names is not None:
        wanted = wanted.where(cluster_health.c.cluster.in_(names))
    async with db.read() as connection:
        rows = (await connection.execute(wanted)).mappings()
        return {
            row["cluster"]: Health(bool(row["answers"]), instant(row["since"]), row["reason"], row["flink_version"])
            for row in rows
        }


async def kinds_seen(db: Database, names: Sequence[str]) -> dict[str, Kind]:
    """What the JobManagers of these clusters have said that they are; those of which nobody was told are left out.

    They are asked when an adopted job is first asked about (`runs.traits`). The newest run that may live there counts,
    and where none does, that of the job that came last.
    """
    async with db.read() as connection:
        rows = await connection.execute(_kinds_seen(), {"names": to_json(names)})
        return {name: Kind.APPLICATION if told else Kind.SESSION for name, told in rows if told is not None}


@cache
def _kinds_seen() -> Select[Any]:
    asked = given("names")
    told = func.json_extract(runs.c.traits, "$.application")
    # Of runs that were begun here nobody asks, and where nobody was adopted there is nothing to look for.
    here = jobs.c.cluster == asked.c.value, jobs.c.deleted_at.is_(None), jobs.c.adopted_as.is_not(None)
    living = select(told).where(text(LIVE_OR_LOST), runs.c.cluster == asked.c.value, runs.c.checkpoints.is_(None))
    adopted = select(told).select_from(jobs.join(runs, runs.c.id == jobs.c.run_id)).where(*here)

    def newest(of: Select[Any]) -> ScalarSelect[Any]:
        known = of.where(told.is_not(None)).order_by(runs.c.id.desc()).limit(1)
        return known.correlate(asked).scalar_subquery()

    some = select(jobs.c.id).where(*here).correlate(asked).exists()
    return select(asked.c.value, case((some, func.coalesce(newest(living), newest(adopted)))))


async def note_health(db: Database, seen: Mapping[str, Health]) -> None:
    """Store what was seen of clusters, by their names."""
    rows = [
        {
            "cluster": name,
            "answers": each.answers,
            "since": epoch_ms(each.since),
            "reason": each.reason,
            "flink_version": each.flink_version,
        }
        for name, each in seen.items()
    ]
    new = upsert(cluster_health)
    told = {column: new.excluded[column] for column in rows[0] if column != "cluster"}
    async with db.write(Use.UPKEEP) as connection:
        await connection.execute(new.on_conflict_do_update(index_elements=["cluster"], set_=told), rows)


# Rows. ----------------------------------------------------------------------------------------------------------------


def _columns(of: Cluster) -> dict[str, Any]:
    return {
        "kind": of.kind.value,
        "addresses": to_json(of.addresses),
        "labels": to_json(of.labels),
        "projects": to_json(sorted(of.projects)),
        "max_savepoints": of.max_savepoints,
        "draining": of.draining,
        "guards": to_json(of.guards),
    }


def _stored(row: RowMapping) -> Stored:
    found = Cluster(
        name=row["name"],
        addresses=msgspec.json.decode(row["addresses"], type=tuple[str, ...]),
        kind=Kind(row["kind"]),
        labels=msgspec.json.decode(row["labels"], type=dict[str, str]),
        projects=msgspec.json.decode(row["projects"], type=frozenset[str]),
        max_savepoints=row["max_savepoints"],
        draining=bool(row["draining"]),
        guards=msgspec.json.decode(row["guards"], type=Guards),
    )
    made, changed = instant(row["created_at"]), instant(row["updated_at"])
    listed = Listed(found, Source.DATABASE, "", row["version"], made, changed, row["user"])
    return Stored(row["id"], listed, row["sealed"])


def _same(seen: Stored) -> tuple[Any, ...]:
    return clusters.c.id == seen.id, clusters.c.version == seen.listed.version, clusters.c.removed_at.is_(None)


def _event(kind: str, at: int, who: str, detail: str) -> dict[str, Any]:
    """Clusters serve all projects, so each has it in its audit."""
    return event(kind, at, EVERY_PROJECT, who=who, detail=detail)


def _places(of: Cluster) -> str:
    return ", ".join(of.addresses)
