"""What a savepoint holds against what the job has that is to start from it: whether Flink would take all of it.

Flink finds the state of an operator by the operator's id and by nothing else. Ids of SQL jobs follow from the shape of
the plan, so a change may leave an id as it is and give it to an operator with another kind of state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class FitKind(StrEnum):
    """What would come of a start from the state, the best first."""

    SAME = "same"  # all state is taken, and every operator that keeps state has some
    NEW_OPERATORS = "new_operators"  # all state is taken, and some operators begin without any
    UNKNOWN = "unknown"
    LEFT_BEHIND = "left_behind"  # nobody would take some of the state: Flink refuses, or drops it where that is allowed
    WOULD_NOT_START = "would_not_start"


class Why(StrEnum):
    """A reason for a kind that is not good."""

    OPERATOR_GONE = "operator_gone"  # no operator of the job has this id
    STATE_GONE = "state_gone"  # the operator is there, and has no state of this name any more; Flink would say nothing
    TYPE_CHANGED = "type_changed"  # the operator's state is of another type
    KEY_CHANGED = "key_changed"
    MAX_PARALLELISM = "max_parallelism"
    SLOTS = "slots"  # the cluster has too few
    BATCH = "batch"  # batch mode, which ignores state without a word
    REFUSED = "refused"  # the job's SQL cannot be planned
    NOT_READ = "not_read"  # the savepoint cannot be read, now or from here
    NOT_PLANNED = "not_planned"  # a program's graph is known when it runs; or there was nothing to plan with
    NOT_TOLD = "not_told"  # the operators are known, and whether their state fits is not


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, in plain words for the author of the job."""

    why: Why
    text: str
    operator: str = ""  # its name; empty where it is about the whole job


@dataclass(frozen=True, slots=True)
class Left:
    """State that nobody would take."""

    operator: str  # its name, or what is known instead of one
    id: str  # 32 hex digits
    bytes: int


@dataclass(frozen=True, slots=True)
class Fit:
    """The judgement. `text` says all of it in some sentences."""

    kind: FitKind
    reasons: tuple[Reason, ...] = ()
    left: tuple[Left, ...] = ()
    fresh: tuple[str, ...] = ()  # names of the operators that would begin without state
    slots: int | None = None  # that the job needs; None where that is not known

    @property
    def text(self) -> str:
        """In words; empty where all is the same."""
        return " ".join(reason.text for reason in self.reasons)

    @property
    def good(self) -> bool:
        """Whether Flink would start the job, and take all of the state."""
        return self.kind in {FitKind.SAME, FitKind.NEW_OPERATORS}


# What is compared -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Held:
    """An operator of the savepoint, as its `_metadata` tells of it."""

    id: str  # 32 hex digits
    name: str  # empty where it is not told, as before Flink 2.0
    parallelism: int
    max_parallelism: int
    bytes: int  # of state
    stateful: bool
    finished: bool = False  # it had ended


@dataclass(frozen=True, slots=True)
class Planned:
    """An operator of a job as it would be submitted."""

    id: str  # 32 hex digits
    name: str
    parallelism: int
    max_parallelism: int  # -1: Flink derives it, and takes that of the savepoint
    kind: str  # the classes that it consists of
    content: str  # a digest of all that it was made of: where it is equal, so are its states
    states: Mapping[str, str] | None = None  # serializers by name of the state, as Flink writes them; None: not known
    alternative: str = ""  # another id that Flink would look for it under


@dataclass(frozen=True, slots=True)
class Plan:
    """A job as it would be submitted."""

    operators: tuple[Planned, ...]
    slots: int
    batch: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """What the cluster has for the job. None: nobody knows, or it takes more machines when it needs them."""

    slots: int | None = None
    jobs: Sequence[str] = field(default_factory=tuple)
