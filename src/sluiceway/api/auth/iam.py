"""As much of the vendor's IAM as clients need: tokens, another password, and the id of a project for its name."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, Router, delete, get, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Operation, Parameter
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, SkipValidation
from msgspec import UNSET, Struct, UnsetType

from sluiceway.api.auth import token_request
from sluiceway.api.auth.domains import DOMAIN_NAME, Domain, list_domains
from sluiceway.api.auth.token_request import HeldToken, TokenRequest, id_of
from sluiceway.api.caller import address_of
from sluiceway.api.dli.body import Json
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, ErrorBody, bad
from sluiceway.api.errors.handlers import FOR_ROUTES, from_gateway
from sluiceway.api.errors.language import Text
from sluiceway.api.no_options import no_options
from sluiceway.api.permit import PermitGiven
from sluiceway.control.access import BadRequest
from sluiceway.control.denials import Denials
from sluiceway.control.errors import Forbidden
from sluiceway.control.own_password import OwnPassword
from sluiceway.control.passwords import LONGEST, SHORTEST
from sluiceway.control.sign_in import WINDOW, Issued, NotLetIn, SignIn, TooManyAsk, TooManyTries
from sluiceway.domain.access import DOMAIN, PROJECT, Action
from sluiceway.settings import MAX_BODY

SignInGiven = NamedDependency[SkipValidation[SignIn]]
DenialsGiven = NamedDependency[SkipValidation[Denials]]
OwnPasswordGiven = NamedDependency[SkipValidation[OwnPassword]]

SOON = 2  # seconds after which a password that could not wait may be sent again
_WRONG = Text(
    "the name or the password is wrong, or you have no role in the project",
    "用户名或密码错误，或您在该项目中没有角色",
)
_WRONG_TOKEN = Text(
    "the token is not valid, or not for this project, or you have no role in it",
    "Token 无效、不属于该项目，或您在该项目中没有角色",
)

_WRONG_ORIGINAL = Text("the original password is wrong", "原密码错误")
_NOT_ALLOWED = Text(
    "You may change your own password alone, and only where an administrator allows it. Ask one to.",
    "只能修改自己的密码，且需管理员允许。请联系管理员。",
)
_HOW_LONG = Text(
    f"it must have {SHORTEST} to {LONGEST} characters, and not be the old one",
    f"长度应为 {SHORTEST} 到 {LONGEST} 个字符，且不能与原密码相同",
)


class NewPassword(Struct, frozen=True):
    """The password that was, and the one that is to be."""

    original_password: str
    password: str


class PasswordChange(Struct, frozen=True):
    """Another password is asked for, in the vendor's form (KeystoneUpdateUserPassword)."""

    user: NewPassword


class UserView(Struct, frozen=True):
    """Whose the token is."""

    id: str
    name: str
    domain: Domain = Domain()


class ProjectRef(Struct, frozen=True):
    """What it is for."""

    id: str
    name: str
    domain: Domain = Domain()


class RoleView(Struct, frozen=True):
    """A role in that project, or in any."""

    id: str
    name: str


class Token(Struct, frozen=True):
    """About a token. The token itself is in the header X-Subject-Token."""

    issued_at: str
    expires_at: str
    user: UserView
    roles: list[RoleView]
    project: ProjectRef | UnsetType = UNSET  # of one for a project
    domain: Domain | UnsetType = UNSET  # of one for the domain
    methods: tuple[str, ...] = (token_request.PASSWORD,)
    catalog: tuple[str, ...] = ()


class TokenAnswer(Struct, frozen=True):
    """Answer to a request for a token."""

    token: Token


class ProjectView(Struct, frozen=True):
    """A project that the caller has a role in."""

    id: str
    name: str
    domain_id: str = DOMAIN_NAME
    parent_id: str = DOMAIN_NAME
    is_domain: bool = False
    enabled: bool = True
    description: str = ""


class Links(Struct, frozen=True):
    """Where this is."""

    self: str


class ProjectAnswer(Struct, frozen=True):
    """Projects by id."""

    projects: list[ProjectView]
    links: Links


def _says(*statuses: int) -> dict[int, ResponseSpec]:
    why = {
        400: "The request is not understood.",
        401: "The name, the password or the token is wrong, or the user has no role in the project.",
        403: "The password is somebody else's, or no administrator allows the user to change it.",
        404: "There is no such token.",
        429: "Too many wrong passwords, or too many at once.",
    }
    return {status: ResponseSpec(ErrorBody, False, why[status]) for status in statuses}


@post(
    "/auth/tokens",
    status_code=201,
    dto=Json[TokenRequest],
    return_dto=None,
    responses=_says(400, 401, 429),
    response_headers=[ResponseHeader("X-Subject-Token", description="The token.", documentation_only=True)],
    summary="Get a token for a password, or for another token",
)
async def issue_token(
    data: JSONBody[TokenRequest], request: Request[Any, Any, Any], sign_in: SignInGiven, denials: DenialsGiven
) -> Response[TokenAnswer]:
    """A token for one project, or for the domain, for the header X-Auth-Token. It is not shown again.

    For a password it is good for 24 hours, for another token as long as that one.
    """
    credential, project = token_request.credential(data.auth.identity), token_request.project(data.auth.scope)
    held = credential if isinstance(credential, HeldToken) else None
    try:
        if isinstance(credential, HeldToken):
            issued = await sign_in.exchange(credential.id, project)
        else:
            name = credential.name or credential.id or ""
            issued = await sign_in.issue(name, credential.password, project, address_of(request.scope))
    except NotLetIn as error:
        await denials.record(project, "", f"POST /v3/auth/tokens: {error}")
        raise DliError(Code.NOT_SIGNED_IN, why=_WRONG_TOKEN if held else _WRONG) from None
    except TooManyTries:
        await denials.record(project, "", "POST /v3/auth/tokens: too many wrong passwords for one name")
        raise
    answer = TokenAnswer(_view(issued, token_request.TOKEN if held else token_request.PASSWORD))
    return Response(answer, status_code=201, headers={"X-Subject-Token": issued.token})


@dataclass
class _NamesToken(Operation):
    """Describes the header as required. It is missed by the handler, in words that say more."""

    def __post_init__(self) -> None:
        for parameter in self.parameters or ():
            if isinstance(parameter, Parameter) and parameter.name == "X-Subject-Token":
                parameter.required = True


@delete(
    "/auth/tokens",
    status_code=204,
    responses=_says(400, 404),
    operation_class=_NamesToken,
    summary="End a token",
)
async def revoke_token(
    permit: PermitGiven,
    sign_in: SignInGiven,
    subject: Annotated[
        str | None,
        HeaderParameter(
            name="X-Subject-Token", required=False, description="The token to end.", schema_extra={"minLength": 1}
        ),
    ] = None,
) -> None:
    """End a token of your own before its time."""
    if not subject:
        raise bad("X-Subject-Token", "it is missing; it holds the token to end", "缺少该请求头，其值为要吊销的 Token")
    if not await sign_in.revoke(permit.caller, subject):
        raise DliError(Code.NOT_FOUND, name="X-Subject-Token")


@post(
    "/users/{user_id:str}/password",
    status_code=204,
    dto=Json[PasswordChange],
    return_dto=None,
    responses=_says(400, 401, 403, 429),
    summary="Change your own password",
)
async def change_password(
    request: Request[Any, Any, Any],
    user_id: FromPath[str],
    data: JSONBody[PasswordChange],
    permit: PermitGiven,
    own: OwnPasswordGiven,
    denials: DenialsGiven,
) -> None:
    """Take another password. The caller's tokens end, the one of this call too; access keys stay."""
    given = data.user
    try:
        await own.change(permit.caller, user_id, given.original_password, given.password, address_of(request.scope))
    except Forbidden:
        await denials.record("", permit.caller.user, "POST /v3/users/{user_id}/password: not allowed")
        raise DliError(Code.FORBIDDEN, _NOT_ALLOWED) from None
    except NotLetIn as error:
        await denials.record("", permit.caller.user, f"POST /v3/users/{{user_id}}/password: {error}")
        raise DliError(Code.NOT_SIGNED_IN, why=_WRONG_ORIGINAL) from None
    except BadRequest:
        raise bad("user.password", _HOW_LONG.en, _HOW_LONG.zh) from None


@get("/projects", summary="The projects in which the caller has a role")
async def list_projects(permit: PermitGiven, sign_in: SignInGiven, name: FromQuery[str | None] = None) -> ProjectAnswer:
    """The projects by id; with `name` the one of this name.

    DLI's clients name a region here. A project's id has no hyphens, so region eu-west-101 means project euwest101.
    """
    if name is None:
        views = [ProjectView(project, project) for project in await sign_in.projects(permit.caller)]
    else:
        found, caller = id_of(name), permit.caller.looking_around()
        has = any(caller.may(action, found) for action in Action) and PROJECT.fullmatch(found)
        views = [ProjectView(found, name)] if has else []
    return ProjectAnswer(views, Links("/v3/projects"))


def _view(issued: Issued, method: str) -> Token:
    whole, held = issued.project == DOMAIN, issued.caller.project
    roles = sorted({g.role.value for g in issued.caller.grants if held == DOMAIN or g.project in {held, "*"}})
    return Token(
        issued_at=_time(issued.issued_at),
        expires_at=_time(issued.expires_at),
        user=UserView(issued.caller.user, issued.caller.user),
        project=UNSET if whole else ProjectRef(issued.project, issued.project),
        domain=Domain() if whole else UNSET,
        roles=[RoleView(role, role) for role in roles],
        methods=(method,),
    )


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}Z"


def _too_many(request: Request[Any, Any, Any], _: TooManyTries) -> Response[ErrorBody]:
    seconds = int(WINDOW.total_seconds())
    answer = from_gateway(request, DliError(Code.THROTTLED, seconds=seconds))
    answer.set_header("Retry-After", str(seconds))
    return answer


def _too_many_ask(request: Request[Any, Any, Any], _: TooManyAsk) -> Response[ErrorBody]:
    answer = from_gateway(request, DliError(Code.THROTTLED, seconds=SOON))
    answer.set_header("Retry-After", str(SOON))
    return answer


def routes() -> Router:
    """Everything under `/v3` that is the IAM's. The use cases are dependencies of the application: sign_in, denials."""
    handlers = [issue_token, revoke_token, change_password, list_projects, list_domains]
    return Router(
        path="/v3",
        route_handlers=[no_options(handlers), *handlers],
        exception_handlers={**FOR_ROUTES, DliError: from_gateway, TooManyTries: _too_many, TooManyAsk: _too_many_ask},
        request_max_body_size=MAX_BODY,
        tags=["IAM"],
    )
