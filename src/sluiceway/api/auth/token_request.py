"""The request for a token, as clients of the vendor's IAM send it: a credential, and the project that it is for."""

import re
from typing import Annotated, Final

from msgspec import Struct

from sluiceway.api.dli.fields import PROJECT_PATTERN, described
from sluiceway.api.errors.dli_error import DliError, bad
from sluiceway.domain.access import DOMAIN, PROJECT

PASSWORD: Final = "password"  # noqa: S105 - the name of a method
TOKEN: Final = "token"  # noqa: S105
METHODS: Final = 16  # in one request


class PasswordUser(Struct, frozen=True):
    """The user, by name or by id, which is the same here. The vendor's `domain` is ignored."""

    password: str
    name: str | None = None
    id: str | None = None


class Password(Struct, frozen=True):
    """The method `password`."""

    user: PasswordUser


class HeldToken(Struct, frozen=True):
    """The method `token`: one that is good is exchanged for another."""

    id: str


class Identity(Struct, frozen=True):
    """How the caller shows who they are: by the first method of the list that there is here."""

    methods: Annotated[list[str], described(maxItems=METHODS, contains={"enum": [PASSWORD, TOKEN]})]
    password: Password | None = None
    token: HeldToken | None = None


class ProjectScope(Struct, frozen=True):
    """The project that the token is for, by its id or its name."""

    id: Annotated[str | None, described(pattern=PROJECT_PATTERN)] = None
    name: str | None = None


class DomainScope(Struct, frozen=True):
    """The domain that the token is for. There is one, so what it is called is not looked at."""

    id: str | None = None
    name: str | None = None


class Scope(Struct, frozen=True):
    """What the token is for: a project, or the domain."""

    project: ProjectScope | None = None
    domain: DomainScope | None = None


class Auth(Struct, frozen=True):
    """Who, and for what. Without a scope: for the domain."""

    identity: Identity
    scope: Scope | None = None


class TokenRequest(Struct, frozen=True):
    """A token is asked for."""

    auth: Auth


def credential(identity: Identity) -> PasswordUser | HeldToken:
    """The credential of the caller. Raises `DliError`."""
    if len(identity.methods) > METHODS:
        raise bad("auth.identity.methods", f"it holds more than {METHODS} items", f"不能超过 {METHODS} 项")
    method = next((each for each in identity.methods if each in {PASSWORD, TOKEN}), None)
    if method is None:
        raise bad("auth.identity.methods", "only password and token are supported", "仅支持 password 和 token")
    if method == TOKEN:
        if identity.token is None:
            raise _missing(method)
        return identity.token
    if identity.password is None:
        raise _missing(method)
    user = identity.password.user
    if user.name is None and user.id is None:
        raise _missing("password.user.name")
    return user


def project(scope: Scope | None) -> str:
    """The project that the token is for, or `DOMAIN`. Raises `DliError`."""
    asked = None if scope is None else scope.project
    if asked is None:
        return DOMAIN
    found = asked.id or id_of(asked.name or "")
    if not PROJECT.fullmatch(found):
        raise bad(
            "auth.scope.project",
            "give the project's id, 1 to 64 letters and digits",
            "请指定项目 ID（1 到 64 个字母和数字）",
        )
    return found


def id_of(name: str) -> str:
    """The id of the project that is called so: a region's name without its hyphens."""
    return re.sub(r"[^A-Za-z0-9]", "", name)


def _missing(what: str) -> DliError:
    return bad(f"auth.identity.{what}", "the method that is named needs it", "所选方法需要该参数")
