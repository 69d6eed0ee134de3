"""Which jobs somebody means, by what they have in common: one vocabulary for lists, stops, resumes and savepoints."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sluiceway.domain.health import Condition
from sluiceway.domain.job import JobStatus
from sluiceway.domain.selector import Selector

# A job that lives and has not run steadily is running: its health says the rest.
STATUSES: Final[Mapping[str, frozenset[JobStatus]]] = {
    status.value: frozenset({status, JobStatus.UNWELL} if status is JobStatus.RUNNING else {status})
    for status in JobStatus
    if status is not JobStatus.UNWELL
}
HEALTHS: Final[Mapping[str, Condition]] = {condition.value: condition for condition in Condition}
# Words for the state of a running job that say how it fares. `running` itself means all that live.
FARING: Final = {word: condition for word, condition in HEALTHS.items() if condition is not Condition.RUNNING}
STATES: Final = (*STATUSES, *FARING)


class UnknownWord(ValueError):
    """A word is no status, or no health; the message has those that are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which jobs are meant. What is left out leaves all in; what is given must all be true of a job."""

    name: str | None = None  # a pattern of the whole name: * for any characters, ? for one
    labels: Selector = ()  # of its tags
    clusters: Sequence[str] = ()  # one of them has its latest run; of a job that never ran: is its queue
    cluster_labels: Selector = ()  # of that cluster
    statuses: frozenset[JobStatus] = frozenset()
    saving: bool = False  # besides those statuses: running jobs of which a savepoint is being taken
    faring: frozenset[Condition] = frozenset()  # besides those statuses: running jobs that fare like this
    health: frozenset[Condition] = frozenset()  # of jobs that live
    # What its latest run reads or writes: names of sources and sinks, each a pattern (see `name`) or whole words of it.
    match: str | None = None
    reads: str | None = None
    writes: str | None = None

    @property
    def by_state(self) -> bool:
        """Whether it names statuses, or how running jobs fare."""
        return bool(self.statuses or self.faring)

    @property
    def by_tables(self) -> bool:
        """Whether it takes knowledge of what a job reads or writes."""
        return any(text is not None for text in (self.match, self.reads, self.writes))


EVERYTHING: Final = Selection()


def states(words: Iterable[str], among: Iterable[str] = STATES) -> tuple[frozenset[JobStatus], frozenset[Condition]]:
    """The statuses with these words, and how running jobs fare with the others. Raises `UnknownWord`."""
    known = _known("status", words, among)
    found = frozenset[JobStatus]().union(*(STATUSES[word] for word in known if word in STATUSES))
    return found, frozenset(FARING[word] for word in known if word in FARING)


def health(words: Iterable[str]) -> frozenset[Condition]:
    """The conditions with these words. Raises `UnknownWord`."""
    return frozenset(HEALTHS[word] for word in _known("health", words, HEALTHS))


def _known(what: str, words: Iterable[str], known: Iterable[str]) -> list[str]:
    there, given = list(known), list(words)
    for word in given:
        if word not in there:
            raise UnknownWord(f"{word[:50]!r} is no {what} to choose by; there are {', '.join(there)}")
    return given
