"""Variables of a project: the paths, the wire form and the rules. `is_success` is a boolean here."""

from collections.abc import Sequence
from typing import Annotated, Final

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter, SkipValidation
from msgspec import Struct

from sluiceway.api.dli import parameters as requests
from sluiceway.api.dli.body import Json
from sluiceway.api.dli.dependencies import REFUSED, LanguageGiven, ProjectGiven, integer
from sluiceway.api.dli.fields import MAX_ID, TEXT_LIMIT, described
from sluiceway.api.dli.jobs.views import millis
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, bad
from sluiceway.api.errors.language import Text
from sluiceway.api.permit import PermitGiven
from sluiceway.control.errors import NameTaken, TooMany, UnknownVariable
from sluiceway.control.variables import MOST, StoredVariable, Variables
from sluiceway.domain.variables import LONGEST_NAME, fits

PATH: Final = "/v1.0/{project_id:str}/variables"
NAME_PATTERN: Final = "^(?![0-9]+$)[A-Za-z0-9][A-Za-z0-9_]*$"
MOST_SHOWN: Final = 100  # in a page; also when none is asked for

CREATED: Final = Text("The variable is created.", "变量已创建。")
UPDATED: Final = Text(
    "The variable is updated. Jobs have it from their next start.", "变量已更新，作业下次启动时生效。"
)
DELETED: Final = Text("The variable is deleted.", "变量已删除。")

VariablesGiven = NamedDependency[SkipValidation[Variables]]
NameGiven = Annotated[
    str, PathParameter(schema_extra={"pattern": NAME_PATTERN, "minLength": 1, "maxLength": LONGEST_NAME})
]


# --- the wire form --------------------------------------------------------------------------------------------------

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


# --- the paths ------------------------------------------------------------------------------------------------------


@post(
    PATH,
    status_code=200,
    dto=Json[CreateVariable],
    return_dto=None,
    responses=REFUSED,
    summary="Create a variable",
)
async def create_variable(
    data: JSONBody[CreateVariable],
    project: ProjectGiven,
    language: LanguageGiven,
    variables: VariablesGiven,
    permit: PermitGiven,
) -> VariableDone:
    """Keep a text under a name, for `{{name}}` in SQL. The value of a sensitive one is never shown."""
    name, value = _name(data.var_name), _value(data.var_value)
    try:
        await variables.create(project, name, value, permit.who, sensitive=data.is_sensitive or False)
    except NameTaken:
        raise DliError(Code.VARIABLE_EXISTS, name=name) from None
    except TooMany:
        raise DliError(Code.VARIABLES_FULL, limit=MOST) from None
    return VariableDone(CREATED.in_(language))


@get(PATH, responses=REFUSED, summary="List variables")
async def list_variables(
    project: ProjectGiven,
    variables: VariablesGiven,
    limit: Annotated[str, QueryParameter(schema_extra=integer(0, MOST_SHOWN, most=MOST_SHOWN))] = "",
    offset: Annotated[str, QueryParameter(schema_extra=integer(0, 0))] = "",
) -> VariablesListed:
    """One page of the variables, by name."""
    first, most = _number("offset", offset or "0"), _number("limit", limit or str(MOST_SHOWN))
    count, found = await variables.page(project, offset=first, limit=min(most, MOST_SHOWN))
    return VariablesListed(count, [_item(project, each) for each in found])


@put(
    f"{PATH}/{{var_name:str}}",
    dto=Json[UpdateVariable],
    return_dto=None,
    responses=REFUSED,
    summary="Update a variable",
)
async def update_variable(
    data: JSONBody[UpdateVariable],
    project: ProjectGiven,
    var_name: NameGiven,
    language: LanguageGiven,
    variables: VariablesGiven,
    permit: PermitGiven,
) -> VariableDone:
    """Give a variable another value, which jobs have from their next start."""
    try:
        await variables.update(project, _name(var_name), _value(data.var_value), permit.who)
    except UnknownVariable:
        raise _unknown(var_name) from None
    return VariableDone(UPDATED.in_(language))


@delete(f"{PATH}/{{var_name:str}}", status_code=200, responses=REFUSED, summary="Delete a variable")
async def delete_variable(
    project: ProjectGiven,
    var_name: NameGiven,
    language: LanguageGiven,
    variables: VariablesGiven,
    permit: PermitGiven,
) -> VariableDone:
    """Take a variable away. Jobs that run are not touched; a job that uses it cannot be started again."""
    try:
        await variables.delete(project, _name(var_name), permit.who)
    except UnknownVariable:
        raise _unknown(var_name) from None
    return VariableDone(DELETED.in_(language))


HANDLERS: Final[list[HTTPRouteHandler]] = [create_variable, list_variables, update_variable, delete_variable]


# --- the rules ------------------------------------------------------------------------------------------------------


def _name(name: str) -> str:
    if not fits(name):
        raise bad(
            "var_name",
            "it may have 128 letters, digits and underscores, begins with no underscore, and is no number",
            "只能包含字母、数字和下划线，不能以下划线开头或为纯数字，且不超过 128 个字符",
        )
    return name


def _value(value: str) -> str:
    if not value:
        raise bad("var_value", "it is empty", "不能为空")
    if len(value) > TEXT_LIMIT:
        raise bad("var_value", f"it has more than {TEXT_LIMIT} characters", f"超过 {TEXT_LIMIT} 个字符")
    if "\0" in value:
        raise bad("var_value", "it holds a NUL character", "包含 NUL 字符")
    return value


def _number(field: str, given: str) -> int:
    number = requests.number(given)
    if number is None or not 0 <= number <= MAX_ID:
        raise bad(field, "it must be a whole number, 0 or more", "必须为大于或等于 0 的整数")
    return number


def _unknown(name: str) -> DliError:
    return DliError(
        Code.NO_OBJECT,
        what=Text(f"There is no variable {name} in this project.", f"该项目中不存在变量 {name}。"),
    )


def _item(project: str, variable: StoredVariable) -> VariableItem:
    return VariableItem(
        id=variable.id,
        var_name=variable.name,
        var_value="" if variable.sensitive else variable.value,
        project_id=project,
        user_id=variable.user,
        user_name=variable.user,
        is_sensitive=variable.sensitive,
        create_time=millis(variable.created_at),
        update_time=millis(variable.updated_at),
    )
