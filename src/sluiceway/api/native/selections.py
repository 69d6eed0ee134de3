"""What a selection in a request means."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from litestar.exceptions import ClientException
from litestar.params import Parameter

from sluiceway.api.native import wire
from sluiceway.control.queries import Queries
from sluiceway.domain import selection
from sluiceway.domain.admission import STOPPABLE
from sluiceway.domain.job import JobStatus
from sluiceway.domain.selection import Selection, UnknownWord
from sluiceway.domain.selector import LONGEST, BadSelector, Operator, Requirement, Selector, parse
from sluiceway.domain.tables import LONGEST as LONGEST_TABLE

# Of jobs that may be stopped, or were: a stop refuses any other.
_STOPPED: Final = [word for word, meant in selection.STATUSES.items() if meant & (STOPPABLE | {JobStatus.STOPPED})]
STOPS: Final = [*_STOPPED, *selection.FARING]

# The same as parameters of a query.


def _word(description: str, longest: int) -> Any:
    return Parameter(min_length=1, max_length=longest, required=False, description=description)


def _words(description: str, most: int, words: Iterable[str] = ()) -> Any:
    items: dict[str, Any] = {"type": "string"} | ({"enum": sorted(words)} if words else {})
    extra = {"type": "array", "items": items, "one_of": None}
    return Parameter(max_items=most, required=False, description=f"{description}; may be repeated.", schema_extra=extra)


NameGiven = Annotated[str | None, _word("A pattern of the whole name: * for any characters, ? for one.", 128)]
SelectorGiven = Annotated[
    str | None, _word("Of tags, as kubectl has it: tier in (source,sink),team!=x,!paused", LONGEST)
]
ClustersGiven = Annotated[list[str] | None, _words("Only jobs whose latest run is on it", 1000)]
ClusterSelectorGiven = Annotated[str | None, _word("As `selector`, of the labels of their clusters.", LONGEST)]
StatusGiven = Annotated[list[str] | None, _words("Only jobs in this status", 20, selection.STATES)]
HealthGiven = Annotated[list[str] | None, _words("Only jobs that live, and fare like this", 20, selection.HEALTHS)]
_NAMED = "the name of a source or sink in Flink: a pattern with * and ?, or whole words of it."
MatchGiven = Annotated[str | None, _word(f"Only jobs that read or write it: {_NAMED}", LONGEST_TABLE)]
ReadsGiven = Annotated[str | None, _word(f"Only jobs that read it: {_NAMED}", LONGEST_TABLE)]
WritesGiven = Annotated[str | None, _word(f"Only jobs that write it: {_NAMED}", LONGEST_TABLE)]


def meant_by(given: wire.Selection, statuses: Iterable[str] = selection.STATES) -> Selection:
    """The selection; `statuses` are the words for a status that may be used here. Raises `ClientException`."""
    if given == wire.Selection():
        raise ClientException("The selection is empty, and would mean every job; say what the jobs have in common.")
    try:
        found, faring = selection.states(given.status or (), statuses)
        return Selection(
            name=given.name,
            labels=(*_tags(given.tags or {}), *_selector("selector", given.selector)),
            clusters=tuple(dict.fromkeys(given.clusters or ())),
            cluster_labels=_selector("cluster_selector", given.cluster_selector),
            statuses=found,
            faring=faring,
            health=selection.health(given.health or ()),
            match=given.match,
            reads=given.reads,
            writes=given.writes,
        )
    except UnknownWord as error:
        raise ClientException(f"{error}.") from None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The jobs that a request means."""

    jobs: Sequence[int]
    unjudged: int = 0  # further ones that it may mean


async def chosen_by(
    queries: Queries,
    project: str,
    job_ids: Sequence[int] | None,
    given: wire.Selection | None,
    unless: frozenset[JobStatus],
) -> Chosen:
    """The jobs by their ids, or by what they have in common: in these statuses, `unless` others are named.

    Raises `ClientException`, `UnknownQueue`.
    """
    if (job_ids is None) == (given is None):
        raise ClientException("Say which jobs in one way: by job_ids, or by what they have in common in `select`.")
    if given is None:
        return Chosen(job_ids or ())
    which = meant_by(given)
    which = which if which.by_state else replace(which, statuses=unless)
    return Chosen(await queries.chosen(project, which), await queries.unjudged(project, which))


def _tags(tags: dict[str, str]) -> list[Requirement]:
    return [Requirement(key, Operator.IN, (value,)) for key, value in tags.items()]


def _selector(field: str, text: str | None) -> Selector:
    if text is None:
        return ()
    try:
        return parse(text)
    except BadSelector as error:
        raise ClientException(f"In {field}: {error}.") from None
