"""The wire form of variables. `is_success` is a boolean here."""

from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Struct

from sluiceway.api.dli.fields import TEXT_LIMIT, described
from sluiceway.domain.variables import LONGEST_NAME

NAME_PATTERN: Final = "^(?![0-9]+$)[A-Za-z0-9][A-Za-z0-9_]*$"

VariableValue = Annotated[str, described(minLength=1, maxLength=TEXT_LIMIT)]


class CreateVariable(Struct, frozen=True):
    """A new variable."""

    var_name: Annotated[str, described(minLength=1, maxLength=LONGEST_NAME, pattern=NAME_PATTERN)]
    var_value: VariableValue
    is_sensitive: bool | None = None


class UpdateVariable(Struct, frozen=True):
    """Another value for a variable."""

    var_value: VariableValue


class VariableItem(Struct, frozen=True):
    """A variable in a list; the value of a sensitive one is empty. Times are epoch milliseconds."""

    id: int
    var_name: str
    var_value: str
    project_id: str
    user_id: str
    user_name: str
    is_sensitive: bool
    create_time: int
    update_time: int


class VariableDone(Struct, frozen=True):
    """Answer to create, update and delete."""

    message: str
    is_success: bool = True


class VariablesListed(Struct, frozen=True):
    """One page of variables; the count is of all."""

    count: int
    global_vars: Sequence[VariableItem]
    message: str = ""
    is_success: bool = True
