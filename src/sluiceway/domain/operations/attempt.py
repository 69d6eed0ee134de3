"""What a stop and a savepoint of a running job share: one attempt to have Flink write a savepoint.

Its identity and its directory are chosen and stored before anything is sent, so that sending it again is harmless, and
storage alone can show its outcome.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sluiceway.domain.copies import replace
from sluiceway.domain.doubt import Doubtful
from sluiceway.domain.facts import Complete, Running
from sluiceway.domain.policy import SavepointFormat
from sluiceway.domain.savepoint_format import choose, untold
from sluiceway.domain.savepoint_risk import never_saved


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Doubtful):
    """One try. It holds, with its stop or savepoint, all that a restarted service needs to carry on."""

    id: int
    job_id: int
    flink_job_id: str
    deadline: datetime
    sent_at: datetime | None = None
    acknowledged: bool = False  # Flink has it
    forgotten_since: datetime | None = None  # since when Flink has not known what it had confirmed
    savepoint_path: str | None = None
    savepoint_size: int | None = None  # bytes, of whatever was kept
    verified: bool = False
    unproven: str = ""  # why a resume does not take its savepoint
    settled_at: datetime | None = None
    reason: str = ""
    format: SavepointFormat | None = None  # chosen and stored before it is sent
    format_why: str = ""
    stable_since: datetime | None = None  # when it was sent: since when no task had changed, by the cluster's clock
    version: int = 0  # moves with every stored change


A = TypeVar("A", bound=Attempt)


@dataclass(frozen=True, slots=True)
class NotYet:
    """A savepoint may be sent once this is over."""

    why: str


@dataclass(frozen=True, slots=True)
class Never:
    """The savepoint as asked for would fail or do harm."""

    why: str


def prepared(attempt: A, fact: Running, wish: SavepointFormat | None) -> A | NotYet | Never:
    """The same with its format, for a job whose tasks all run; or why it takes no savepoint."""
    if wait := untold(fact.traits, wish):
        return NotYet(wait)
    choice = choose(fact.traits, wish)
    if (against := never_saved(fact) or ("" if choice.format else choice.why)) != "":
        return Never(against)
    return replace(attempt, format=choice.format, format_why=choice.why, stable_since=fact.changed_at)


def confirmed(attempt: A) -> A:
    """The same, now that Flink shows it as under way."""
    if attempt.acknowledged and attempt.doubt_since is None and attempt.forgotten_since is None:
        return attempt
    return replace(attempt, acknowledged=True, doubt_since=None, forgotten_since=None)


def being_forgotten(attempt: A, now: datetime, lasting: timedelta) -> A | None:
    """The same, as long as Flink has not known it for less than `lasting`; None once that has lasted."""
    if attempt.forgotten_since is None:
        return replace(attempt, forgotten_since=now)
    return attempt if now - attempt.forgotten_since < lasting else None


def kept(attempt: A, found: Complete) -> A:
    """The same, with the savepoint that was found: verified, unless some of its files are out of reach."""
    return replace(attempt, savepoint_path=found.path, savepoint_size=found.size, verified=found.unchecked == 0)


def is_named(found: Complete, claim: str) -> bool:
    """Whether it is the one that Flink names, by the last part of its path.

    An attempt that a JobManager forgot and that was sent again may have left an older one in the same directory, which
    storage can show before the one that counts.
    """
    return _last_part(found.path) == _last_part(claim)


def _last_part(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def kept_unverified(attempt: A, path: str) -> A:
    """The same, with a savepoint that Flink reports and that the service could not read."""
    return replace(attempt, savepoint_path=path, savepoint_size=None, verified=False)
