"""The paths of DLI's API about variables."""

from typing import Annotated, Final

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter, SkipValidation

from sluiceway.api.dli.answers import millis
from sluiceway.api.dli.body import Json
from sluiceway.api.dli.dependencies import REFUSED, LanguageGiven, ProjectGiven, integer
from sluiceway.api.dli.variables import rules
from sluiceway.api.dli.variables.rules import MOST_SHOWN
from sluiceway.api.dli.variables.wire import (
    NAME_PATTERN,
    CreateVariable,
    UpdateVariable,
    VariableDone,
    VariableItem,
    VariablesListed,
)
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.language import Text
from sluiceway.api.errors.refusing import refusing
from sluiceway.api.permit import PermitGiven
from sluiceway.control.errors import NameTaken, TooMany, UnknownVariable
from sluiceway.control.variables import MOST, StoredVariable, Variables
from sluiceway.domain.variables import LONGEST_NAME

PATH: Final = "/v1.0/{project_id:str}/variables"

CREATED: Final = Text("The variable is created.", "变量已创建。")
UPDATED: Final = Text(
    "The variable is updated. Jobs have it from their next start.", "变量已更新，作业下次启动时生效。"
)
DELETED: Final = Text("The variable is deleted.", "变量已删除。")

VariablesGiven = NamedDependency[SkipValidation[Variables]]
NameGiven = Annotated[
    str, PathParameter(schema_extra={"pattern": NAME_PATTERN, "minLength": 1, "maxLength": LONGEST_NAME})
]


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
    """Store a text under a name, for `{{name}}` in SQL. The value of a sensitive one is never shown."""
    name, value = rules.name(data.var_name), rules.value(data.var_value)
    with refusing({NameTaken: Code.VARIABLE_EXISTS, TooMany: Code.VARIABLES_FULL}, name=name, limit=MOST):
        await variables.create(project, name, value, permit.who, sensitive=data.is_sensitive or False)
    return VariableDone(CREATED.in_(language))


@get(PATH, responses=REFUSED, summary="List variables")
async def list_variables(
    project: ProjectGiven,
    variables: VariablesGiven,
    limit: Annotated[str, QueryParameter(schema_extra=integer(0, MOST_SHOWN, most=MOST_SHOWN))] = "",
    offset: Annotated[str, QueryParameter(schema_extra=integer(0, 0))] = "",
) -> VariablesListed:
    """One page of the variables, by name."""
    first, most = rules.page(offset, limit)
    count, found = await variables.page(project, offset=first, limit=most)
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
    with refusing({UnknownVariable: Code.NO_OBJECT}, what=_unknown(var_name)):
        await variables.update(project, rules.name(var_name), rules.value(data.var_value), permit.who)
    return VariableDone(UPDATED.in_(language))


@delete(f"{PATH}/{{var_name:str}}", status_code=200, responses=REFUSED, summary="Delete a variable")
async def delete_variable(
    project: ProjectGiven,
    var_name: NameGiven,
    language: LanguageGiven,
    variables: VariablesGiven,
    permit: PermitGiven,
) -> VariableDone:
    """Delete a variable. Running jobs go on; a job that uses it cannot be started again."""
    with refusing({UnknownVariable: Code.NO_OBJECT}, what=_unknown(var_name)):
        await variables.delete(project, rules.name(var_name), permit.who)
    return VariableDone(DELETED.in_(language))


HANDLERS: Final[list[HTTPRouteHandler]] = [create_variable, list_variables, update_variable, delete_variable]


def _unknown(name: str) -> Text:
    return Text(f"There is no variable {name} in this project.", f"该项目中不存在变量 {name}。")


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
