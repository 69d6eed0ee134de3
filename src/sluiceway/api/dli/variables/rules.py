"""What a variable may be, and which page of them a list shows. Pure."""

from typing import Final

from sluiceway.api.dli import parameters
from sluiceway.api.dli.fields import MAX_ID, TEXT_LIMIT
from sluiceway.api.dli.parameters import text_of
from sluiceway.api.errors.dli_error import bad
from sluiceway.domain.variables import fits

MOST_SHOWN: Final = 100  # in a page; also when none is asked for


def name(given: str) -> str:
    """The same name, if a variable may have it. Raises `DliError`."""
    if not fits(given):
        raise bad(
            "var_name",
            "it may have 128 letters, digits and underscores, begins with no underscore, and is no number",
            "只能包含字母、数字和下划线，不能以下划线开头或为纯数字，且不超过 128 个字符",
        )
    return given


def value(given: str) -> str:
    """The same value, if a variable may have it. Raises `DliError`."""
    if not given:
        raise bad("var_value", "it is empty", "不能为空")
    if len(given) > TEXT_LIMIT:
        raise bad("var_value", f"it has more than {TEXT_LIMIT} characters", f"超过 {TEXT_LIMIT} 个字符")
    return text_of("var_value", given)


def page(offset: str, limit: str) -> tuple[int, int]:
    """How many variables to skip, and how many to show. Raises `DliError`."""
    first, most = _number("offset", offset or "0"), _number("limit", limit or str(MOST_SHOWN))
    return first, min(most, MOST_SHOWN)


def _number(field: str, given: str) -> int:
    number = parameters.number(given)
    if number is None or not 0 <= number <= MAX_ID:
        raise bad(field, "it must be a whole number, 0 or more", "必须为大于或等于 0 的整数")
    return number
