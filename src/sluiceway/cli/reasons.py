"""Reasons in answers of the service, which are English sentences, in the language of this call."""

from functools import cache
from typing import Annotated, Any, Final, TypeVar, get_type_hints

from msgspec import Struct, structs

from sluiceway.cli.language import Language, heard, quoted

T = TypeVar("T")
Reason = Annotated[str, "sentences of the service's own"]
"""A text that the service has made of its own sentences, with Flink's words within. Nothing that somebody has typed."""

_LIST: Final = list[Reason]


def heard_in(answer: T) -> T:
    """The same answer, with its reasons in the language that the service's words are shown in."""
    if quoted() is not Language.CHINESE:
        return answer
    told: T = _heard(answer)
    return told


def _heard(value: Any) -> Any:
    if isinstance(value, list):
        return [_heard(each) for each in value]
    if not isinstance(value, Struct):
        return value
    alike = _reasons(type(value))
    changed = {name: _said(each) if name in alike else _heard(each) for name, each in structs.asdict(value).items()}
    return structs.replace(value, **changed)


def _said(value: str | list[str]) -> str | list[str]:
    return heard(value) if isinstance(value, str) else [heard(each) for each in value]


@cache
def _reasons(kind: type[Struct]) -> frozenset[str]:
    """The fields that are reasons."""
    hints = get_type_hints(kind, include_extras=True)
    return frozenset(name for name, hint in hints.items() if hint in (Reason, _LIST))
