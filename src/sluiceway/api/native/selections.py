"""What a selection in a request means."""

from collections.abc import Iterable
from typing import Annotated, Any, Final

from litestar.exceptions import ClientException
from litestar.params import Parameter

from sluiceway.api.native import wire
from sluiceway.domain import selection
from sluiceway.domain.admission import STOPPABLE
from sluiceway.domain.job import JobStatus
from sluiceway.domain.selection import Selection, UnknownWord
from sluiceway.domain.selector import LONGEST, BadSelector, Operator, Requirement, Selector, parse

# Of jobs that may be stopped, or were: a stop refuses any other.
STOPS: Final = [word for word, meant in selection.STATUSES.items() if meant & (STOPPABLE | {JobStatus.STOPPED})]

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
StatusGiven = Annotated[list[str] | None, _words("Only jobs in this status", 20, selection.STATUSES)]
HealthGiven = Annotated[list[str] | None, _words("Only jobs that live, and fare like this", 20, selection.HEALTHS)]


def meant_by(given: wire.Selection, statuses: Iterable[str] = selection.STATUSES) -> Selection:
    """The selection; `statuses` are the words for a status that may be used here. Raises `ClientException`."""
    if given == wire.Selection():
        raise ClientException("The selection is empty, and would mean every job; say what the jobs have in common.")
    try:
        return Selection(
            name=given.name,
            labels=(*_tags(given.tags or {}), *_selector("selector", given.selector)),
            clusters=tuple(dict.fromkeys(given.clusters or ())),
            cluster_labels=_selector("cluster_selector", given.cluster_selector),
            statuses=selection.statuses(given.status or (), statuses),
            health=selection.health(given.health or ()),
        )
    except UnknownWord as error:
        raise ClientException(f"{error}.") from None


def _tags(tags: dict[str, str]) -> list[Requirement]:
    return [Requirement(key, Operator.IN, (value,)) for key, value in tags.items()]


def _selector(field: str, text: str | None) -> Selector:
    if text is None:
        return ()
    try:
        return parse(text)
    except BadSelector as error:
        raise ClientException(f"{field}: {error}.") from None
