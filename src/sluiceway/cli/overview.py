"""What `sluiceway` alone shows: the fleet in a few lines, where a service answers."""

from collections.abc import Sequence
from typing import Final

from sluiceway.cli import tables, words
from sluiceway.cli.answers import each, read
from sluiceway.cli.client import Client
from sluiceway.cli.cluster_answers import Cluster, Clusters
from sluiceway.cli.job_answers import Fare
from sluiceway.cli.language import t
from sluiceway.cli.options import Common, commands, or_default
from sluiceway.cli.order_answers import MoveHead, Moves, ResumeHead, Resumes, StopHead, Stops
from sluiceway.cli.output import one_line, say

LATEST: Final = 50  # orders of each kind that are looked at
_LABEL: Final = 13  # cells
SHOWN: Final = 5  # of what is under way, and of what needs a hand
_COUNTED: Final = (("status", "running"), ("status", "stopped"), ("status", "failed"), ("status", "stop_failed"))
_AILING: Final = (("health", "restarting"), ("health", "no_slots"))


app = commands("sluiceway")
app.exit_on_error = app.print_error = False  # as of the app whose place it takes


@app.default
def tell(*, common: Common | None = None) -> int:
    """Show it. Raises `Failed`, also where no service answers."""
    common = or_default(common)
    client = common.client()
    lines = [(t("clusters"), _clusters(client)), (t("jobs"), _jobs(client)), (t("under way"), _orders(client))]
    lines.append((t("needs a hand"), _ailing(client)))
    say(t("Sluiceway at {server}, project {project}", server=common.server, project=common.project))
    for name, text in lines:
        say(f"  {tables.padded(name, _LABEL)}{one_line(text) or t('nothing')}")
    say(f"  {tables.padded(t('see'), _LABEL)}sluiceway --help")
    return 0


def _clusters(client: Client) -> str:
    found = list(each(read(client.clusters().data, Clusters).clusters, Cluster))
    silent = [tables.silent(c.name, c.health.since, "") for c in found if c.health and not c.health.answers]
    return " ".join([t("{count} registered.", count=len(found)), *silent[:SHOWN]])


def _jobs(client: Client) -> str:
    counts = {word: _count(client, kind, word) for kind, word in (*_COUNTED, *_AILING)}
    total = _count(client, "", "")
    return (
        f"{total}: " + ", ".join(f"{count} {word}" for word, count in counts.items() if count) if total else t("none")
    )


def _count(client: Client, kind: str, word: str) -> int:
    return client.listed([(kind, word)] if kind else [], 1)[1]


def _orders(client: Client) -> str:
    stops = list(each(read(client.stops(LATEST).data, Stops).stops, StopHead))
    resumes = list(each(read(client.resumes(LATEST).data, Resumes).resumes, ResumeHead))
    moves = list(each(read(client.moves(LATEST).data, Moves).moves, MoveHead))
    found = [
        t(
            "stop {id} ({state}, {jobs_settled} of {jobs_total})",
            id=one.id,
            state=one.state,
            jobs_settled=one.jobs_settled,
            jobs_total=one.jobs_total,
        )
        for one in stops
        if not one.settled
    ]
    found += [
        t("resume {id} ({state}, {counts})", id=one.id, state=one.state, counts=tables.counts(one.phases))
        for one in resumes
        if not one.settled
    ]
    found += [
        t("move {id} ({state}, {counts})", id=one.id, state=one.state, counts=tables.counts(one.phases))
        for one in moves
        if not one.settled
    ]
    return _some(found)


def _ailing(client: Client) -> str:
    found = list(each(client.all_fares(SHOWN + 1, ailing=True), Fare))
    return _some(
        [t("job {job} {name} ({state})", job=fare.job_id, name=fare.name, state=words.state_of(fare)) for fare in found]
    )


def _some(found: Sequence[str]) -> str:
    return "; ".join(found[:SHOWN]) + (t("; and more") if len(found) > SHOWN else "")
