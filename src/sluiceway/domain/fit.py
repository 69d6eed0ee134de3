"""Whether Flink would take all state of a savepoint for the job that starts from it.

Flink finds the state of an operator by the operator's id and by nothing else. Ids of SQL jobs follow from the shape of
the plan, so a change may leave an id as it is and give it to an operator with another kind of state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class FitKind(StrEnum):
    """The outcome of a start from the state, the best first. Of several, the last one counts."""

    SAME = "same"  # all state is taken, and every operator that keeps state has some
    NEW_OPERATORS = "new_operators"  # all state is taken, and some operators begin without any
    OTHER_MEANING = "other_meaning"  # all state is taken, by functions that would go on from what others have counted
    UNKNOWN = "unknown"
    LEFT_BEHIND = "left_behind"  # nobody would take some of the state: Flink refuses, or drops it without a word
    WOULD_NOT_START = "would_not_start"


class Why(StrEnum):
    """A reason for a kind that is not `SAME`."""

    NEW_OPERATOR = "new_operator"
    MEANING_CHANGED = "meaning_changed"
    OPERATOR_GONE = "operator_gone"  # no operator of the job has this id: Flink refuses
    STATE_GONE = "state_gone"  # the operator is there, and has no state of this name any more: Flink says nothing
    TYPE_CHANGED = "type_changed"
    KEY_CHANGED = "key_changed"
    MAX_PARALLELISM = "max_parallelism"
    BACKEND = "backend"  # the state has the form of another state backend
    SLOTS = "slots"  # the cluster has too few
    BATCH = "batch"  # batch mode, which ignores state without a word
    REFUSED = "refused"  # the job's SQL cannot be planned
    NOT_READ = "not_read"  # the savepoint cannot be read, now or from here
    PROGRAM = "program"  # its graph is known when it runs
    NOT_PLANNED = "not_planned"  # there was nothing to plan with
    NOT_TOLD = "not_told"  # the operators are known, and whether their state fits is not


KIND_OF = {
    Why.NEW_OPERATOR: FitKind.NEW_OPERATORS,
    Why.MEANING_CHANGED: FitKind.OTHER_MEANING,
    Why.OPERATOR_GONE: FitKind.LEFT_BEHIND,
    Why.STATE_GONE: FitKind.LEFT_BEHIND,
    Why.TYPE_CHANGED: FitKind.WOULD_NOT_START,
    Why.KEY_CHANGED: FitKind.WOULD_NOT_START,
    Why.MAX_PARALLELISM: FitKind.WOULD_NOT_START,
    Why.BACKEND: FitKind.WOULD_NOT_START,
    Why.SLOTS: FitKind.WOULD_NOT_START,
    Why.BATCH: FitKind.WOULD_NOT_START,
    Why.REFUSED: FitKind.WOULD_NOT_START,
    Why.NOT_READ: FitKind.UNKNOWN,
    Why.PROGRAM: FitKind.UNKNOWN,
    Why.NOT_PLANNED: FitKind.UNKNOWN,
    Why.NOT_TOLD: FitKind.UNKNOWN,
}
_RANK = list(FitKind)


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, in plain words for the author of the job."""

    why: Why
    text: str
    operator: str = ""  # its name; empty where it is about the whole job


@dataclass(frozen=True, slots=True)
class Left:
    """State that no operator would take."""

    operator: str  # its name, or what is known instead of one
    id: str  # 32 hex digits
    bytes: int  # that the savepoint has of the operator; more than are left where it keeps some of its state


@dataclass(frozen=True, slots=True)
class Fit:
    """The judgement, with the worst reasons first."""

    kind: FitKind
    reasons: tuple[Reason, ...] = ()
    left: tuple[Left, ...] = ()
    fresh: tuple[str, ...] = ()  # names of the operators that would begin without state
    slots: int | None = None  # that the job needs; None where that is not known
    drops: bool = False  # the job's own options have Flink leave behind what nobody takes

    @property
    def text(self) -> str:
        """In words; empty where all is the same."""
        return " ".join(reason.text for reason in self.reasons)

    @property
    def good(self) -> bool:
        """Whether Flink would start the job, and the job would go on from all of the state with its old meaning."""
        return self.kind in {FitKind.SAME, FitKind.NEW_OPERATORS}


def fit_of(*reasons: Reason, left: tuple[Left, ...] = (), slots: int | None = None) -> Fit:
    """The judgement that follows from these reasons."""
    worst_first = sorted(reasons, key=lambda reason: -_RANK.index(KIND_OF[reason.why]))
    kind = KIND_OF[worst_first[0].why] if worst_first else FitKind.SAME
    fresh = tuple(reason.operator for reason in reasons if reason.why is Why.NEW_OPERATOR)
    return Fit(kind, tuple(worst_first), left, fresh, slots)


# What is compared -----------------------------------------------------------------------------------------------------


class Readable(StrEnum):
    """How one serializer can read what another has written, in Flink's own judgement."""

    AS_IS = "as_is"
    AFTER_MIGRATION = "after_migration"
    INCOMPATIBLE = "incompatible"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Held:
    """An operator of the savepoint, as its `_metadata` describes it."""

    id: str  # 32 hex digits
    name: str  # empty where it is not told
    max_parallelism: int
    bytes: int  # of state
    stateful: bool
    finished: bool = False  # it had ended
    in_flight: bool = False  # records that were on their way to it, or from it, are a part of its state


@dataclass(frozen=True, slots=True)
class Planned:
    """An operator of a job as it would be submitted."""

    id: str  # 32 hex digits
    name: str
    parallelism: int
    max_parallelism: int  # below 1: Flink derives it, and takes that of the savepoint
    kind: str  # the classes that it consists of
    content: str  # a digest of all that it was made of: where it is equal, so are its states
    alternative: str = ""  # another id that Flink would look for it under
    description: str = ""  # as Flink shows it
    inputs: tuple[str, ...] = ()  # the sources behind each of its inputs
    keyed: bool = False
    key: str = ""  # the serializer of its keys
    states: Mapping[str, Mapping[str, str]] | None = None  # by name, the parts of each; None: they are not known


@dataclass(frozen=True, slots=True)
class Plan:
    """A job as it would be submitted."""

    operators: tuple[Planned, ...]
    slots: int
    batch: bool = False
    backend: str = ""  # the state backend that it asks for; empty: the cluster's
    drops: bool = field(default=False, compare=False)  # its options have Flink leave behind what nobody takes
