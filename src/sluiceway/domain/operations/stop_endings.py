"""The stop of a job that is over, or missing: weighs Flink's word against what storage shows.

A success is a job that has ended and state of it that was found. `LOST` exists so that nobody is tempted to call
anything else one.
"""

from datetime import datetime
from typing import Final, assert_never

from sluiceway.domain.copies import replace
from sluiceway.domain.doubt import in_doubt
from sluiceway.domain.facts import (
    Absent,
    Broken,
    Complete,
    Departed,
    Ended,
    Evidence,
    Gone,
    Hung,
    JobState,
    Lingering,
    Missing,
    Saved,
    StopFact,
    Unreadable,
)
from sluiceway.domain.operations.attempt import is_named, kept, kept_unverified
from sluiceway.domain.operations.stop import SETTLED, Stop, StopPhase, StopRules, settle

WENT: Final = "Its application cluster has gone with it."
NOBODY_LISTENS: Final = (
    "its application cluster refuses connections: it has ended, perhaps with the job, or is being restarted."
)


def evidence_at(stop: Stop, fact: StopFact) -> str | None:
    """The directory in storage to look at before this fact can be judged; None when the fact speaks for itself."""
    if stop.phase in SETTLED:
        return None
    if isinstance(fact, Hung):
        return fact.path
    if not isinstance(fact, Saved | Ended | Lingering | Missing | Departed | Gone):
        return None
    if isinstance(fact, Ended) and fact.state is JobState.CANCELED and not stop.savepoint:
        left = stop.foreign_savepoint or (stop.checkpoint_path and stop.checkpoint_path.rsplit("/", 1)[0])
        if left:
            return left
    began = (stop.savepoint and stop.sent_at is not None) or stop.abandoned
    return stop.target if began else None


def saved(stop: Stop, fact: Saved, evidence: Evidence | None, now: datetime, rules: StopRules) -> Stop:
    """The job is over, and Flink names the savepoint of this attempt.

    Its word is kept at once, whatever storage shows: an application cluster gives it about once.
    """
    stop = stop if stop.claim == fact.path else replace(stop, claim=fact.path)
    match evidence:
        case None:
            return stop
        case Complete() if is_named(evidence, fact.path):
            return _stopped_with(stop, evidence, fact.note, now)
        case Unreadable(_, why):
            note = f"Flink reports the savepoint; it could not be verified: {why}"
            return settle(kept_unverified(stop, fact.path), StopPhase.STOPPED, note, now)
        case Broken(path, why):
            return settle(stop, StopPhase.LOST, f"Flink reports a savepoint at {path}, but it is broken: {why}", now)
        case Absent() | Complete():
            nothing = f"Flink reports a savepoint at {fact.path}, but nothing was found there."
            return _lost_after_a_while(stop, nothing, now, rules)
        case _:
            assert_never(evidence)


def ended(stop: Stop, fact: Ended, evidence: Evidence | None, now: datetime, rules: StopRules) -> Stop:
    """The job is over, and Flink shows no savepoint of this stop."""
    if not stop.savepoint:
        return _canceled(stop, fact, evidence, now, rules)
    if stop.sent_at is None:
        return settle(stop, StopPhase.ENDED, _ended_by_itself(fact), now)
    if evidence is None:
        return stop
    if isinstance(evidence, Complete):
        return _with_evidence(stop, fact, evidence, now)
    if fact.refusal is not None:
        return settle(stop, StopPhase.ENDED, _ended_by_itself(fact), now)
    if fact.state is JobState.FINISHED or isinstance(evidence, Unreadable):
        return _lost_after_a_while(stop, f"The job is {fact.state}. {_look_there(stop, evidence)}", now, rules)
    return settle(stop, StopPhase.ENDED, _ended_by_itself(fact), now)


def lingering(stop: Stop, fact: Lingering, evidence: Evidence | None, now: datetime, rules: StopRules) -> Stop:
    """The job is over, and Flink shows no result of the attempt; it counts as one that never comes when that lasts."""
    return in_doubt(stop, now, rules.gone_after) or ended(stop, fact.ended, evidence, now, rules)


def missing(stop: Stop, evidence: Evidence | None, now: datetime, rules: StopRules) -> Stop:
    """An answering cluster does not know the job; it counts as gone only when that lasts."""
    return in_doubt(stop, now, rules.gone_after) or gone(stop, "The cluster no longer knows the job.", evidence, now)


def departed(stop: Stop, evidence: Evidence | None, now: datetime, rules: StopRules) -> Stop:
    """Nothing listens where the job's application cluster was, which may have ended with the job.

    Its end proves that of the job only together with something else: Flink's word that the savepoint is complete, a
    whole savepoint in this attempt's own directory that says that it was taken to end the job, or a cancel that Flink
    had confirmed. All of it counts only when that has lasted: a JobManager that is restarted may bring the job back.
    """
    if doubted := in_doubt(stop, now, rules.gone_after):
        return doubted
    if not stop.savepoint:
        return _departed_while_canceled(stop, evidence, now)
    if stop.claim is not None and stop.forgotten_since is None:
        return _departed_saved(stop, stop.claim, evidence, now)
    if isinstance(evidence, Complete) and evidence.of_stop and stop.forgotten_since is None:
        return _stopped_with(stop, evidence, f"{WENT} Its savepoint was found on storage.", now)
    return stop


def left_open(stop: Stop, evidence: Evidence | None) -> str:
    """Why the end of its application cluster does not settle a stop, and what to do next."""
    found = f" {_look_there(stop, evidence)}" if evidence is not None and stop.sent_at is not None else ""
    settles = " If you know that it is gone for good, stop the job again without a savepoint, which settles this."
    why = f"{NOBODY_LISTENS}{found}{settles if stop.savepoint else ''}"
    return why.removesuffix(".")


def _departed_saved(stop: Stop, claim: str, evidence: Evidence | None, now: datetime) -> Stop:
    """Flink reports a stop's savepoint as complete once all tasks of the job have finished."""
    match evidence:
        case None:
            return stop
        case Complete() if is_named(evidence, claim):
            return _stopped_with(stop, evidence, f"{WENT} Flink had reported its savepoint.", now)
        case Unreadable(_, why):
            note = f"{WENT} Flink had reported its savepoint; it could not be verified: {why}"
            return settle(kept_unverified(stop, claim), StopPhase.STOPPED, note, now)
        case Broken(path, why):
            told = f"{WENT} Flink had reported its savepoint at {path}, but it is broken: {why}"
            return settle(stop, StopPhase.LOST, told, now)
        case Absent() | Complete():
            told = f"{WENT} Flink had reported its savepoint at {claim}, but nothing was found there."
            return settle(stop, StopPhase.LOST, told, now)
        case _:
            assert_never(evidence)


def _departed_while_canceled(stop: Stop, evidence: Evidence | None, now: datetime) -> Stop:
    if stop.abandoned and evidence is None:
        return stop
    if stop.abandoned and isinstance(evidence, Complete) and evidence.of_stop:
        return _stopped_with(stop, evidence, f"{WENT} Its savepoint was complete before the cancel came.", now)
    if stop.acknowledged:
        return _gone_while_canceled(stop, f"{stop.reason} {WENT} The cancel had been confirmed.".strip(), now)
    if now < stop.deadline:
        return stop
    unheard = "Its application cluster has gone, and nobody has seen how the job ended: the cancel did not reach it."
    found = _look_there(stop, evidence) if evidence is not None else ""
    return settle(stop, StopPhase.LOST, " ".join(filter(None, (stop.reason, unheard, found))), now)


def gone(stop: Stop, why: str, evidence: Evidence | None, now: datetime) -> Stop:
    """The job is gone; only storage can show its state."""
    if not stop.savepoint:
        return _gone_while_canceled(stop, why, now)
    if stop.sent_at is None:
        return settle(stop, StopPhase.ENDED, f"{why} No savepoint was under way.", now)
    if evidence is None:
        return stop
    if isinstance(evidence, Complete) and stop.forgotten_since is None:
        note = f"{why} Its savepoint was found on storage."
        return _stopped_with(stop, evidence, note, now)
    return settle(stop, StopPhase.LOST, f"{why} {_look_there(stop, evidence)}", now)


def _gone_while_canceled(stop: Stop, why: str, now: datetime) -> Stop:
    if stop.foreign_savepoint is None and stop.checkpoint_path is None:
        return settle(stop, StopPhase.STOPPED, why, now)
    # It is unknown whether the job moved on after the state to keep.
    left = stop.foreign_savepoint or stop.checkpoint_path
    return settle(stop, StopPhase.LOST, f"{why} What was to be kept, {left}, may not be its last state.", now)


def _with_evidence(stop: Stop, fact: Ended, evidence: Complete, now: datetime) -> Stop:
    """A complete savepoint, and no word of Flink's that the stop went well.

    A good stop ends FINISHED. A job that ended otherwise, or ran on without the attempt, may have moved on after it.
    """
    if fact.refusal is None and fact.state is JobState.FINISHED and stop.forgotten_since is None:
        note = "Flink no longer has the result; the savepoint was found on storage."
        return _stopped_with(stop, evidence, note, now)
    said = f" Flink says of the stop: {fact.refusal}" if fact.refusal else ""
    found = f"A complete savepoint lies at {evidence.path}, but it may not be its last state."
    return settle(stop, StopPhase.LOST, f"The job ended as {fact.state}. {found}{said}", now)


def _canceled(stop: Stop, fact: Ended, evidence: Evidence | None, now: datetime, rules: StopRules) -> Stop:
    if fact.state is JobState.CANCELED:
        if stop.foreign_savepoint is None and stop.checkpoint_path is None:
            return settle(stop, StopPhase.STOPPED, stop.reason, now)
        return stop if evidence is None else _kept(stop, fact, evidence, now, rules)
    if stop.abandoned and evidence is None:
        return stop
    saved_in_time = stop.abandoned and fact.state is JobState.FINISHED and not fact.moved_on
    if saved_in_time and isinstance(evidence, Complete):
        note = "Its savepoint was complete before the cancel came."
        return _stopped_with(stop, evidence, note, now)
    return settle(stop, StopPhase.ENDED, f"The job was already {fact.state} when it was to be canceled.", now)


def _kept(stop: Stop, fact: Ended, evidence: Evidence, now: datetime, rules: StopRules) -> Stop:
    """The job was canceled for a state that it left instead of a savepoint of its own."""
    left = stop.foreign_savepoint or stop.checkpoint_path
    match evidence:
        case Complete() if stop.foreign_savepoint is not None and not fact.moved_on:
            return _stopped_with(stop, evidence, stop.reason, now)
        case Complete(path, size, unchecked) if stop.foreign_savepoint is None:
            stop = replace(stop, checkpoint_path=path, savepoint_size=size, verified=unchecked == 0)
            return settle(stop, StopPhase.STOPPED, f"{stop.reason} It was canceled; its last checkpoint is kept.", now)
        case Complete(path):
            return settle(stop, StopPhase.LOST, f"The job moved on after {path}, which was to be kept.", now)
        case Unreadable(_, why) if stop.foreign_savepoint is None:
            return in_doubt(stop, now, rules.gone_after) or _kept_unread(stop, fact, why, now)
        case Unreadable() | Broken() | Absent():
            return _lost_after_a_while(stop, f"It was canceled, but {left} is not there or not whole.", now, rules)
        case _:
            assert_never(evidence)


def _kept_unread(stop: Stop, fact: Ended, why: str, now: datetime) -> Stop:
    """Take Flink's word. Right after the cancel its list may be older than the last checkpoint."""
    left = stop.checkpoint_path
    if fact.moved_on:
        told = f"It was canceled, and has newer checkpoints than {left}, which could not be read: {why}"
        return settle(stop, StopPhase.LOST, told, now)
    return settle(stop, StopPhase.STOPPED, f"{stop.reason} It was canceled; {left} was not verified: {why}", now)


def _lost_after_a_while(stop: Stop, why: str, now: datetime, rules: StopRules) -> Stop:
    """Storage may show a new file late, or not be read for a moment; LOST is said only when it lasts."""
    return in_doubt(stop, now, rules.gone_after) or settle(stop, StopPhase.LOST, why, now)


def _stopped_with(stop: Stop, found: Complete, note: str, now: datetime) -> Stop:
    return settle(kept(stop, found), StopPhase.STOPPED, note, now)


def _ended_by_itself(fact: Ended) -> str:
    said = f" Flink says of the stop: {fact.refusal}" if fact.refusal else f" {fact.cause}".rstrip()
    how = {
        JobState.FINISHED: "The job finished by itself before it could be stopped; there is no savepoint.",
        JobState.FAILED: "The job failed while it was to be stopped; there is no savepoint.",
        JobState.CANCELED: "The job was canceled by somebody else while it was to be stopped; there is no savepoint.",
    }
    return how.get(fact.state, f"The job is {fact.state}.") + said


def _look_there(stop: Stop, evidence: Evidence) -> str:
    if isinstance(evidence, Unreadable):
        return f"Whether its savepoint is complete could not be read ({evidence.why}); look in {stop.target}."
    if isinstance(evidence, Complete):
        return f"A complete savepoint lies at {evidence.path}, but the job may have run on after it."
    if isinstance(evidence, Broken):
        return f"Its savepoint is not complete: {evidence.path} ({evidence.why})."
    return f"No savepoint was found in {stop.target}."
