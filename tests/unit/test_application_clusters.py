"""Application clusters, which go with their jobs: what the end of one proves of a job, a stop and a savepoint."""

import errno
import socket
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.test_utils import RawTestServer

from sluiceway.domain import cluster_turn
from sluiceway.domain import run as runs
from sluiceway.domain.cluster_turn import Plan, Situation, Where
from sluiceway.domain.copies import replace
from sluiceway.domain.engine import NobodyListens, Sighting, Unreachable
from sluiceway.domain.facts import (
    Absent,
    Broken,
    Complete,
    Departed,
    Evidence,
    JobState,
    Missing,
    Queued,
    Running,
    Saved,
    Seen,
    Silent,
    StopFact,
    Stopping,
    Unreadable,
)
from sluiceway.domain.job import JobStatus
from sluiceway.domain.operations import save as saves
from sluiceway.domain.operations.save import Save, SavePhase
from sluiceway.domain.operations.stop import Stop, StopPhase, StopRules, rearm
from sluiceway.domain.operations.stop_decide import decide
from sluiceway.domain.operations.stop_endings import evidence_at
from sluiceway.domain.places import admit_stops
from sluiceway.domain.run import Run, RunPhase
from sluiceway.domain.traits import Traits
from sluiceway.domain.watched import Watched
from sluiceway.engines.jobmanager.addresses import Addresses
from sluiceway.engines.jobmanager.answers import translated
from sluiceway.engines.jobmanager.kinds import is_application
from sluiceway.engines.jobmanager.rest import FlinkRest
from sluiceway.engines.session.traits import KIND_EVERY, KindOfCluster

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RULES = StopRules(
    timeout=timedelta(seconds=600),
    attempts=3,
    backoff=timedelta(seconds=2),
    gone_after=timedelta(seconds=30),
    forgotten_after=timedelta(seconds=2),
)
LATE = NOW + timedelta(hours=1)
LASTED = NOW - RULES.gone_after
GONE = Departed("connection refused")
CLAIM = "file:/s/7/t/savepoint-1"  # as Flink writes it
ITS_OWN = Complete("file:///s/7/t/savepoint-1", 17, of_stop=True)
PLAIN = Complete("file:///s/7/t/savepoint-1", 17)
OTHER = Complete("file:///s/7/t/savepoint-2", 17, of_stop=True)
CUT = Broken("file:///s/7/t/savepoint-1", "cut short")
UNREAD = Unreadable("file:///s/7/t", "denied")
NONE = Absent("file:///s/7/t")
APPLICATION = Traits(backend="hashmap", asynchronous=False, application=True)


def sent(**changes: Any) -> Stop:
    stop = Stop(
        id=7,
        job_id=7,
        flink_job_id=f"{7:032x}",
        savepoint=True,
        root="file:///s/7",
        token="0" * 32,
        phase=StopPhase.SENT,
        deadline=NOW + RULES.timeout,
        sent_at=NOW,
        acknowledged=True,
    )
    return replace(stop, **changes)


def unsent(**changes: Any) -> Stop:
    return sent(**({"phase": StopPhase.WAITING, "sent_at": None, "acknowledged": False} | changes))


def told(**changes: Any) -> Stop:
    """Flink has named its savepoint, and that was stored."""
    return sent(claim=CLAIM, phase=StopPhase.ENDING, **changes)


def cancel(**changes: Any) -> Stop:
    return sent(**({"savepoint": False} | changes))


def given_up(**changes: Any) -> Stop:
    """A cancel that somebody asked for once the stop was overdue."""
    overdue = sent(phase=StopPhase.OVERDUE)
    return replace(rearm(overdue, savepoint=False, deadline=NOW), **changes)


# The stop. ------------------------------------------------------------------------------------------------------------

CASES: list[tuple[str, Stop, Evidence | None, datetime, StopPhase]] = [
    ("its savepoint lies there", sent(), ITS_OWN, NOW, StopPhase.STOPPED),
    ("it is overdue, and its savepoint lies there", sent(phase=StopPhase.OVERDUE), ITS_OWN, NOW, StopPhase.STOPPED),
    ("a savepoint that says that its job ran on", sent(), PLAIN, NOW, StopPhase.SENT),
    ("nobody has looked", sent(), None, NOW, StopPhase.SENT),
    ("nothing lies there", sent(), NONE, NOW, StopPhase.SENT),
    ("it is not whole", sent(), CUT, NOW, StopPhase.SENT),
    ("nobody can look there", sent(), UNREAD, NOW, StopPhase.SENT),
    ("nothing lies there, and time is up", sent(), NONE, LATE, StopPhase.OVERDUE),
    ("nobody can look there, and time is up", sent(), UNREAD, LATE, StopPhase.OVERDUE),
    ("the job had run on without it", sent(forgotten_since=NOW), ITS_OWN, NOW, StopPhase.SENT),
    ("Flink had named it, and it lies there", told(), ITS_OWN, NOW, StopPhase.STOPPED),
    ("Flink had named it, and it tells less", told(), PLAIN, NOW, StopPhase.STOPPED),
    ("Flink had named it, and nobody can look there", told(), UNREAD, NOW, StopPhase.STOPPED),
    ("Flink had named it, and nobody has looked", told(), None, LATE, StopPhase.OVERDUE),
    ("Flink had named it, and nothing lies there", told(), NONE, NOW, StopPhase.LOST),
    ("Flink had named it, and it is not whole", told(), CUT, NOW, StopPhase.LOST),
    ("Flink had named another", told(), OTHER, NOW, StopPhase.LOST),
    ("Flink had named it, and the job ran on", told(forgotten_since=NOW), ITS_OWN, NOW, StopPhase.ENDING),
    ("nothing was sent", unsent(), None, NOW, StopPhase.WAITING),
    ("nothing was sent, and time is up", unsent(), None, LATE, StopPhase.OVERDUE),
    ("a cancel that Flink had confirmed", cancel(), None, NOW, StopPhase.STOPPED),
    ("one that may not have arrived", cancel(acknowledged=False), None, NOW, StopPhase.SENT),
    ("one that may not have arrived in time", cancel(acknowledged=False), None, LATE, StopPhase.LOST),
    ("one for a checkpoint", cancel(checkpoint_path="file:///c/chk-7"), None, NOW, StopPhase.LOST),
    ("a savepoint given up that nobody has looked for", given_up(), None, LATE, StopPhase.OVERDUE),
    ("a savepoint given up that is whole", given_up(), ITS_OWN, NOW, StopPhase.STOPPED),
    ("a savepoint given up that is not there", given_up(), NONE, LATE, StopPhase.LOST),
]


@pytest.mark.parametrize(("_", "stop", "evidence", "now", "phase"), CASES, ids=[case[0] for case in CASES])
def test_its_end_settles_a_stop_together_with_something_else(
    _: str, stop: Stop, evidence: Evidence | None, now: datetime, phase: StopPhase
) -> None:
    lasting = replace(stop, doubt_since=LASTED)
    after, command = decide(lasting, GONE, evidence, now, RULES)
    assert (after.phase, command) == (phase, None)
    kept = after.savepoint_path is not None
    assert kept is (phase is StopPhase.STOPPED and evidence is not None)
    assert after.verified is (kept and evidence is not UNREAD)


@pytest.mark.parametrize(("_", "stop", "evidence", "__", "___"), CASES, ids=[case[0] for case in CASES])
def test_nothing_is_settled_before_that_has_lasted(
    _: str, stop: Stop, evidence: Evidence | None, __: datetime, ___: StopPhase
) -> None:
    """A JobManager that is being restarted refuses connections, too, and brings the job back."""
    doubted, _command = decide(stop, GONE, evidence, NOW, RULES)
    soon, _command = decide(doubted, GONE, evidence, NOW + timedelta(seconds=29), RULES)
    assert soon.settled_at is None
    back, _command = decide(soon, Silent("no answer in time"), evidence, NOW + timedelta(seconds=29), RULES)
    again, _command = decide(back, GONE, evidence, NOW + timedelta(seconds=40), RULES)
    assert again.settled_at is None, "what is only unreachable begins the wait anew"


@pytest.mark.parametrize("stop", [sent(), told(), cancel(), given_up()])
@pytest.mark.parametrize("evidence", [ITS_OWN, NONE, UNREAD, None])
def test_what_only_does_not_answer_stays_unknown_for_ever(stop: Stop, evidence: Evidence | None) -> None:
    after = stop
    for hours in range(1, 50):
        after, command = decide(after, Silent("no answer in time"), evidence, NOW + timedelta(hours=hours), RULES)
        assert (after.settled_at, command) == (None, None)
    assert evidence_at(stop, Silent("-")) is None


def test_one_that_stays_open_says_what_to_do_and_where_to_look() -> None:
    overdue, _ = decide(sent(doubt_since=LASTED), GONE, NONE, LATE, RULES)
    for words in ("refuses connections", sent().target, "stop the job again without a savepoint"):
        assert words in overdue.reason
    assert decide(overdue, GONE, NONE, LATE, RULES)[0] == overdue, "nothing to store as long as nothing changes"
    assert decide(overdue, GONE, None, LATE, RULES)[0] == overdue
    silent, _ = decide(sent(), Silent("no answer in time"), None, LATE, RULES)
    assert "refuses" in decide(replace(silent, doubt_since=LASTED), GONE, NONE, LATE, RULES)[0].reason
    plain, _ = decide(sent(doubt_since=LASTED), GONE, PLAIN, LATE, RULES)
    assert PLAIN.path in plain.reason


def test_somebody_who_knows_better_settles_it_and_no_path_is_lost() -> None:
    overdue, _ = decide(sent(doubt_since=LASTED), GONE, NONE, LATE, RULES)
    asked = rearm(overdue, savepoint=False, deadline=LATE + timedelta(seconds=60))
    assert evidence_at(asked, GONE) == sent().target
    waits, _ = decide(replace(asked, doubt_since=LASTED), GONE, NONE, LATE, RULES)
    assert waits.settled_at is None
    settled, _ = decide(waits, GONE, NONE, LATE + timedelta(seconds=60), RULES)
    assert (settled.phase, sent().target in settled.reason) == (StopPhase.LOST, True)
    assert CLAIM in rearm(told(), savepoint=False, deadline=LATE).reason


def test_flinks_word_is_kept_in_the_turn_that_hears_it() -> None:
    heard, _ = decide(sent(), Stopping(saved=True, path=CLAIM), None, NOW, RULES)
    assert (heard.claim, heard.phase) == (CLAIM, StopPhase.ENDING)
    over, _ = decide(sent(), Saved(CLAIM, JobState.FINISHED), None, NOW, RULES)
    assert (over.claim, over.settled_at) == (CLAIM, None), "storage has yet to answer"
    late, _ = decide(over, Silent("no answer in time"), None, LATE, RULES)
    assert CLAIM in late.reason


def test_one_that_is_held_is_not_judged_before_its_turn() -> None:
    assert admit_stops([unsent(held=True)], {7: GONE}, 1) == {7: Queued()}


# The job, and its savepoints. -----------------------------------------------------------------------------------------


def run(**changes: Any) -> Run:
    made = Run(7, 7, f"{7:032x}", RunPhase.RUNNING, acknowledged=True, started_at=NOW, traits=APPLICATION)
    return replace(made, **changes)


def test_a_job_does_not_end_by_the_end_of_its_cluster_alone_and_that_is_told() -> None:
    doubted, _ = runs.decide(run(), GONE, NOW, RULES.gone_after, None)
    assert (doubted.phase, doubted.reason) == (RunPhase.RUNNING, "")
    lasting, _ = runs.decide(doubted, GONE, LATE, RULES.gone_after, None)
    assert lasting.phase is RunPhase.RUNNING
    shown = Watched(lasting).standing
    assert (shown.status, "refuses connections" in shown.why) == (JobStatus.UNWELL, True)
    for fact in (Seen(JobState.RUNNING), Silent("no answer in time")):
        back, _ = runs.decide(lasting, fact, LATE, RULES.gone_after, None)
        assert (back.reason, back.doubt_since) == ("", None)
        assert Watched(back).standing.status is JobStatus.RUNNING


@pytest.mark.parametrize("phase", [RunPhase.ACCEPTED, RunPhase.SUBMITTING, RunPhase.LOST, RunPhase.FINISHED])
def test_of_a_run_that_does_not_run_it_says_nothing(phase: RunPhase) -> None:
    after, submit = runs.decide(run(phase=phase, acknowledged=False), GONE, LATE, RULES.gone_after, None)
    assert (after.phase, submit) == (phase, None)


def save(phase: SavePhase = SavePhase.SENT) -> Save:
    sent_at = None if phase is SavePhase.WAITING else NOW
    own: dict[str, Any] = {"trigger": "a" * 32, "target": "file:///s/7/own", "phase": phase, "sent_at": sent_at}
    return Save(id=7, job_id=7, flink_job_id=f"{7:032x}", deadline=NOW + RULES.timeout, **own)


def test_a_savepoint_is_looked_for_once_its_cluster_has_gone() -> None:
    doubted, _ = saves.decide(save(), GONE, None, NOW, RULES)
    assert doubted.phase is SavePhase.SENT
    over, _ = saves.decide(doubted, GONE, None, NOW + RULES.gone_after, RULES)
    assert (over.phase, saves.evidence_at(over)) == (SavePhase.CHECKING, save().target)
    assert saves.decide(over, GONE, PLAIN, LATE, RULES)[0].phase is SavePhase.SAVED, "whatever became of the job"
    lost, _ = saves.decide(replace(over, doubt_since=NOW), GONE, NONE, LATE, RULES)
    assert lost.phase is SavePhase.LOST
    waiting = save(SavePhase.WAITING)
    assert saves.decide(waiting, GONE, None, NOW, RULES)[0].phase is SavePhase.WAITING
    assert saves.decide(waiting, GONE, None, LATE, RULES)[0].phase is SavePhase.FAILED


# A turn. --------------------------------------------------------------------------------------------------------------


def watched(stop: Stop | None = None, **changes: Any) -> Watched:
    return Watched(run(**changes), stop, project="p")


def turned(
    all_watched: Sequence[Watched],
    sighting: Sighting,
    now: datetime = LATE,
    evidence: Mapping[str, Evidence] | None = None,
    gap: timedelta | None = None,
) -> Plan:
    situation = Situation(all_watched, sighting, now, RULES, max_savepoints=2, gap=gap)
    findings = cluster_turn.find(situation)
    there = evidence or {}
    found: dict[Where, Evidence] = {look: there[look[0]] for look in findings.looks if look[0] in there}
    return cluster_turn.decide(situation, findings, found)


def refused(all_watched: Sequence[Watched], *, application: bool = False) -> Sighting:
    return cluster_turn.refused(all_watched, "cluster c refuses connections", application=application)


def after(plan: Plan) -> tuple[Stop, Run]:
    [change] = plan.changes
    assert change.after.stop is not None
    return change.after.stop, change.after.run


@pytest.mark.parametrize(
    ("traits", "application", "departed"),
    [
        (APPLICATION, False, True),
        (replace(APPLICATION, application=False), False, False),
        (replace(APPLICATION, application=None), False, False),
        (None, False, False),
        (None, True, True),
        (replace(APPLICATION, application=None), True, True),
    ],
    ids=["found to be one", "found to be none", "untold", "unasked", "registered as one", "registered, and untold"],
)
def test_only_an_application_cluster_goes_with_its_jobs(
    traits: Traits | None, application: bool, departed: bool
) -> None:
    each = [watched(sent(), traits=traits)]
    shown = refused(each, application=application)
    assert isinstance(shown.runs[7], Departed) is isinstance(shown.stops[7], Departed) is departed
    assert (shown.answered, shown.refused) == (False, True)


def test_a_job_that_was_stopped_with_its_cluster_is_stopped_and_watched_on() -> None:
    each = [watched(sent(doubt_since=LASTED), doubt_since=LASTED)]
    stop, its_run = after(turned(each, refused(each), NOW, {sent().target: ITS_OWN}))
    assert (stop.phase, stop.savepoint_path) == (StopPhase.STOPPED, ITS_OWN.path)
    assert "application cluster has gone with it" in stop.reason
    assert its_run.phase is RunPhase.LOST
    assert not Watched(its_run, stop).settled
    assert Watched(its_run, stop).standing.status is JobStatus.STOPPED
    # It is there again, and runs: its JobManager was only away for long.
    again = [Watched(its_run, stop, project="p")]
    seen = Sighting({}, {7: Seen(JobState.RUNNING)})
    taken_back, its_run = after(turned(again, seen))
    assert (its_run.phase, taken_back.phase) == (RunPhase.RUNNING, StopPhase.FAILED)
    assert ITS_OWN.path in taken_back.reason


def test_without_a_whole_savepoint_the_stop_stays_open_and_the_job_unknown() -> None:
    each = [watched(sent(doubt_since=LASTED), doubt_since=LASTED)]
    stop, its_run = after(turned(each, refused(each), LATE, {sent().target: NONE}))
    assert (stop.phase, its_run.phase) == (StopPhase.OVERDUE, RunPhase.RUNNING)


SILENT = "no answer in time"


@pytest.mark.parametrize(
    ("stop", "phase", "shown", "evidence", "expected"),
    [
        (told(), RunPhase.FINISHED, SILENT, ITS_OWN, StopPhase.ENDING),  # it may have restarted, and ended by itself
        (told(), RunPhase.FINISHED, "", UNREAD, StopPhase.STOPPED),
        (told(), RunPhase.FINISHED, "", ITS_OWN, StopPhase.STOPPED),
        (told(), RunPhase.RUNNING, SILENT, ITS_OWN, StopPhase.ENDING),
        (told(forgotten_since=NOW), RunPhase.FINISHED, SILENT, ITS_OWN, StopPhase.ENDING),
        (sent(), RunPhase.FINISHED, SILENT, ITS_OWN, StopPhase.SENT),
        (sent(doubt_since=LASTED), RunPhase.FINISHED, "", ITS_OWN, StopPhase.STOPPED),
        (sent(doubt_since=LASTED), RunPhase.FINISHED, "", NONE, StopPhase.LOST),
        (sent(doubt_since=LASTED), RunPhase.FAILED, "", NONE, StopPhase.ENDED),
        (sent(doubt_since=LASTED), RunPhase.CANCELED, "", ITS_OWN, StopPhase.LOST),
        (sent(), RunPhase.FAILED, "", ITS_OWN, StopPhase.SENT),
    ],
)
def test_a_job_that_was_seen_to_end_is_judged_without_its_cluster(
    stop: Stop, phase: RunPhase, shown: str, evidence: Evidence, expected: StopPhase
) -> None:
    each = [watched(stop, phase=phase)]
    sighting = cluster_turn.silence(each, shown) if shown else refused(each)
    judged, its_run = after(turned(each, sighting, NOW, {sent().target: evidence}))
    assert (judged.phase, its_run.phase) == (expected, phase)


def test_doubts_of_two_kinds_do_not_add_up() -> None:
    """That it did not show a job, and that it refuses connections, have each to last."""
    each = [watched(sent(doubt_since=LASTED), doubt_since=LASTED)]
    stop, _ = after(turned(each, refused(each), NOW, {sent().target: ITS_OWN}, gap=timedelta.max))
    assert (stop.phase, stop.doubt_since) == (StopPhase.SENT, NOW)
    absent: dict[int, StopFact] = {7: Missing()}
    stop, _ = after(turned(each, Sighting(absent, {7: Missing()}), NOW, {sent().target: ITS_OWN}, gap=timedelta.max))
    assert (stop.phase, stop.doubt_since) == (StopPhase.SENT, NOW)


def test_a_cluster_that_answers_again_takes_the_stop_up_where_it_was() -> None:
    each = [watched(sent(doubt_since=LASTED), doubt_since=LASTED)]
    shown: dict[int, StopFact] = {7: Running()}
    stop, its_run = after(turned(each, Sighting(shown, {7: Seen(JobState.RUNNING)}), NOW))
    assert (stop.phase, its_run.phase, its_run.doubt_since) == (StopPhase.SENT, RunPhase.RUNNING, None)
    assert stop.forgotten_since == NOW, "the attempt went with the JobManager, and a new one follows when that lasts"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"execution.target": "embedded"}, True),
        ({"execution.target": "remote"}, False),
        ({}, False),
    ],
)
def test_what_kind_a_cluster_is_of_its_jobmanager_tells(options: Mapping[str, str], found: bool) -> None:
    assert is_application(options) is found


# What tells. ----------------------------------------------------------------------------------------------------------

TO = ConnectionKey("jm", 8081, False, True, None, None, None)


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (aiohttp.ClientConnectorError(TO, OSError(errno.ECONNREFUSED, "refused")), True),
        (aiohttp.ClientConnectorError(TO, OSError(errno.EHOSTUNREACH, "no route")), False),
        (aiohttp.ClientConnectorError(TO, OSError(errno.ETIMEDOUT, "timed out")), False),
        (aiohttp.ClientProxyConnectionError(TO, OSError(errno.ECONNREFUSED, "refused")), False),
        (aiohttp.ClientConnectorDNSError(TO, OSError(-2, "Name or service not known")), False),
        (aiohttp.ConnectionTimeoutError(), False),
        (aiohttp.ServerDisconnectedError(), False),
        (ConnectionResetError(), False),
        (TimeoutError(), False),
    ],
)
def test_only_a_refused_connection_says_that_nobody_listens(error: Exception, refused: bool) -> None:
    with pytest.raises(Unreachable) as found, translated():
        raise error
    assert isinstance(found.value, NobodyListens) is refused


@pytest.fixture
def closed() -> Iterator[list[str]]:
    """Two addresses that refuse connections, as their ports are taken and nobody listens."""
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        yield [f"http://127.0.0.1:{each.getsockname()[1]}" for each in (one, other)]


async def asked(*urls: str) -> Unreachable:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(Unreachable) as found:
            await FlinkRest(session, Addresses(urls), 5.0).jobs()
    return found.value


async def test_each_of_several_addresses_has_to_refuse(closed: list[str]) -> None:
    async def elects(_: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"errors": ["ongoing leader election"]}, status=503)

    assert isinstance(await asked(closed[0]), NobodyListens)
    assert isinstance(await asked(*closed), NobodyListens)
    async with RawTestServer(elects) as server:
        there = str(server.make_url("")).rstrip("/")
        for urls in ([there, *closed], [closed[0], there], [*closed, there]):
            assert not isinstance(await asked(*urls), NobodyListens)


class Options:
    """A JobManager that tells its options, or does not answer."""

    def __init__(self) -> None:
        self.target: str | None = "embedded"
        self.asked = 0

    async def cluster_options(self) -> dict[str, str]:
        self.asked += 1
        if self.target is None:
            raise Unreachable
        return {"execution.target": self.target}


async def test_a_cluster_is_asked_what_it_is_once_for_all_of_its_jobs() -> None:
    jobmanager, kind = Options(), KindOfCluster()
    rest = cast("FlinkRest", jobmanager)
    ours, theirs = run(checkpoints="file:///c"), run(id=8)
    plain = Traits(backend="hashmap")

    async def told(now: float, *urls: str) -> bool | None:
        return (await kind.tell(rest, urls, now, [ours, theirs], {7: plain, 8: plain}))[8].application

    assert (await kind.tell(rest, ("u",), 0.0, [ours], {7: plain}), jobmanager.asked) == ({7: plain}, 0)
    assert [await told(now, "u") for now in (0.0, 1.0, KIND_EVERY - 1)] == [True, True, True]
    assert jobmanager.asked == 1
    jobmanager.target = "kubernetes-session"
    assert (await told(1.0, "elsewhere"), jobmanager.asked) == (False, 2), "at another address it may be another one"
    jobmanager.target = None
    assert await told(KIND_EVERY + 1, "elsewhere") is None
