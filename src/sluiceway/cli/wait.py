"""`sluiceway wait`: wait until jobs, orders or clusters are as somebody needs them, for scripts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final, Literal

from cyclopts import Parameter

from sluiceway.cli import tables, words
from sluiceway.cli.answers import each, read
from sluiceway.cli.choice import Choice, nothing, tell_unjudged
from sluiceway.cli.client import Client
from sluiceway.cli.cluster_answers import Cluster
from sluiceway.cli.columns import Column, Kind
from sluiceway.cli.job_answers import Fare
from sluiceway.cli.language import in_english, t
from sluiceway.cli.options import Common, Seconds, commands, once, or_default
from sluiceway.cli.order_answers import Move, Resume, Stop
from sluiceway.cli.output import TIME_UP, Failed, complain
from sluiceway.cli.output_options import ColumnNames
from sluiceway.cli.progress import Board, Line, looks

Condition = Literal["running", "proven", "stopped", "settled", "answering"]

_OF_JOBS: Final = ("running", "proven", "stopped")
# After these nothing follows unless somebody does something: whoever waits for another state would wait for ever.
_OVER: Final = frozenset({"failed", "finished", "submit_failed"})
_PROVEN: Final = frozenset({"given", "none"})  # the second takes no periodic checkpoints
MOST_AT_ONCE: Final = 100  # jobs in one question

Targets = Annotated[
    tuple[str, ...],
    Parameter(
        negative=(), show_default=False, help="Ids or exact names of jobs; or stop/7, resume/9, move/4, cluster/NAME."
    ),
]
wait_app = commands("wait")


@dataclass(frozen=True, slots=True)
class Seen:
    """What is waited for, at the last look."""

    what: str
    state: str
    why: Callable[[], str] = str  # in the language of the moment: documents have it in English
    met: bool = False
    never: bool = False  # it will not be unless somebody does something
    job_id: int | None = None

    @property
    def shown(self) -> dict[str, object]:
        """The same for programs."""
        return {"what": self.what, "job_id": self.job_id, "state": self.state, "why": self.why(), "met": self.met}


@wait_app.default
def wait(
    targets: Targets = (),
    /,
    *,
    for_: Annotated[Condition, Parameter(name="--for")],
    choice: Choice | None = None,
    timeout: Seconds = None,
    columns: ColumnNames = None,
    common: Common | None = None,
) -> int:
    """Wait until all of these are as needed: jobs `running` (all tasks), `proven` (with a first checkpoint where they
    take any) or `stopped`; orders `settled`; clusters `answering`.

    Exits with 0 when all are, with 1 when one of them will not be unless somebody does something, and with 6 when the
    time is up. Ctrl-C ends the waiting and nothing else.

    Example: `sluiceway wait --for=stopped -l team=payments --timeout 600`

    Then: `sluiceway wait --for=settled stop/7`

    Parameters
    ----------
    for_
        What to wait for.
    timeout
        How long to wait at most, such as 90s or 1h30m. Default: for ever.
    """
    choice, common = choice or Choice(), or_default(common)
    client = common.client()
    seen: Sequence[Seen] = ()
    with Board(t("Waiting for {for_}", for_=for_)) as board:
        for seen in looks(_looking(client, targets, choice, for_), timeout, board.say):
            board.show([Line(one.job_id, one.what, one.state, one.why(), done=one.met) for one in seen])
            if any(one.never for one in seen) or all(one.met for one in seen):
                break
    with in_english(wanted=common.json):
        rows = [one.shown for one in seen]
    common.show(_waited(for_), rows, {"for": for_, "waited": rows}, columns)
    return _code(seen, for_)


def _waited(wanted: Condition) -> Kind[dict[str, Any]]:
    columns: Sequence[Column[dict[str, Any]]] = (
        Column("id", lambda one: str(one["job_id"] or "")),
        Column("what", lambda one: one["what"]),
        Column("state", lambda one: one["state"]),
        Column(wanted, lambda one: tables.yes(one["met"])),
        Column("why", lambda one: one["why"]),
    )
    return Kind(dict[str, Any], columns, lambda one: str(one["what"]))


def _code(seen: Sequence[Seen], wanted: Condition) -> int:
    if all(one.met for one in seen):
        return 0
    if lost := [one.what for one in seen if one.never]:
        complain(t("This will not be {wanted} by itself: {lost}", wanted=wanted, lost=", ".join(lost[:5])))
        return 1
    count = sum(not one.met for one in seen)
    complain(t("The time is up; {count} of {all} are not {wanted}.", count=count, all=len(seen), wanted=wanted))
    return TIME_UP


def _looking(client: Client, targets: Sequence[str], choice: Choice, wanted: Condition) -> Callable[[], list[Seen]]:
    """What makes one look. Raises `Failed` for targets that cannot be in this condition, or are none."""
    named = [target for target in targets if "/" not in target]
    others = [(kind, name) for kind, _, name in (target.partition("/") for target in targets if "/" in target)]
    for kind, name in others:
        if kind not in _LOOKS:
            known = ", ".join(f"{kind}/…" for kind in _LOOKS)
            raise Failed(t("{kind}/{name} is none of {known}, or a job.", kind=kind, name=name, known=known), code=2)
        if (condition := _LOOKS[kind][0]) != wanted:
            raise Failed(
                t("{kind}/{name} is waited for with --for={condition}.", kind=kind, name=name, condition=condition),
                code=2,
            )
    if others and not (named or choice):
        return lambda: [_LOOKS[kind][1](client, name) for kind, name in others]
    if wanted not in _OF_JOBS or others:
        of_jobs = wanted in _OF_JOBS
        raise Failed(
            t("--for={wanted} is for jobs.", wanted=wanted)
            if of_jobs
            else t("--for={wanted} is for stop/7, or cluster/prod.", wanted=wanted),
            code=2,
        )
    job_ids = _jobs(client, named, choice)
    return lambda: [_job(fare, wanted) for fare in _fares(client, job_ids)]


def _jobs(client: Client, named: Sequence[str], choice: Choice) -> list[int]:
    """The jobs that are meant when the waiting begins. Raises `Failed` where there are none."""
    if bool(named) == bool(choice):
        raise Failed(t("Say which jobs, in one way: their ids or names, or what they have in common."), code=2)
    if named:
        return once(client, named)
    found, _, unjudged = client.listed(choice.query(), None)
    tell_unjudged(unjudged)
    return [fare.job_id for fare in each(found, Fare)] or nothing(client, choice, t("can be waited for"))


def _fares(client: Client, job_ids: Sequence[int]) -> Iterator[Fare]:
    for first in range(0, len(job_ids), MOST_AT_ONCE):
        some = job_ids[first : first + MOST_AT_ONCE]
        found = client.fares(some)
        missing = {"queue": None, "status": "deleted", "why": "", "deleted_at": None, "health": None}
        yield from each([found.get(i, {"job_id": i, "name": str(i), **missing}) for i in some], Fare)


def _job(fare: Fare, wanted: Condition) -> Seen:
    health = fare.health
    up = fare.status == "running" and health is not None and health.condition == "running" and health.up_at is not None
    met = fare.status == "stopped" if wanted == "stopped" else up
    if wanted == "proven":
        met = up and health is not None and health.proof in _PROVEN
    never = not met and fare.status in _OVER
    return Seen(fare.name, words.state(fare.status, health), partial(words.why, fare), met, never, fare.job_id)


def _stop(client: Client, name: str) -> Seen:
    return _order("stop", name, read(client.show_stop(_number("stop", name)).data, Stop))


def _resume(client: Client, name: str) -> Seen:
    return _order("resume", name, read(client.show_resume(_number("resume", name)).data, Resume))


def _move(client: Client, name: str) -> Seen:
    return _order("move", name, read(client.show_move(_number("move", name)).data, Move))


def _order(kind: str, name: str, order: Stop | Resume | Move) -> Seen:
    paused = order.state == "paused"
    why = order.state_reason if paused else tables.counts(order.phases)
    return Seen(f"{kind} {name}", order.state, lambda: why, order.settled, never=paused and not order.settled)


def _number(kind: str, name: str) -> int:
    if not name.isascii() or not name.isdigit() or len(name) > 18:
        raise Failed(t("{kind}/{name} has no number of a {kind}, as in {kind}/7.", kind=kind, name=name), code=2)
    return int(name)


def _cluster(client: Client, name: str) -> Seen:
    cluster = read(client.cluster(name).data, Cluster)
    health = cluster.health
    answers = health is not None and health.answers and not cluster.trouble

    def why() -> str:
        return cluster.trouble or (health.reason if health else t("nobody has asked it yet"))

    return Seen(f"cluster {name}", "answering" if answers else "silent", str if answers else why, answers)


_LOOKS: Final[Mapping[str, tuple[Condition, Callable[[Client, str], Seen]]]] = {
    "stop": ("settled", _stop),
    "resume": ("settled", _resume),
    "move": ("settled", _move),
    "cluster": ("answering", _cluster),
}
