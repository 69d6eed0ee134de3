"""Signing in, as clients see it: in which ways, and as whom. It is about no project."""

from dataclasses import dataclass

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from msgspec import Struct

from sluiceway.api.native.dependencies import refusals
from sluiceway.api.no_options import no_options
from sluiceway.api.permit import PermitGiven
from sluiceway.domain.access import DOMAIN


class Provider(Struct, frozen=True):
    """An OIDC issuer whose tokens are taken, and the client as which a command gets one (RFC 8628)."""

    issuer: str
    audience: str
    client_id: str


class WaysIn(Struct, frozen=True):
    """How to sign in: with a password, or with a token of the issuer. A client has to know it before that."""

    required: bool
    oidc: Provider | None


class Held(Struct, frozen=True):
    """A role that the caller was granted. Without a queue it counts for all of them."""

    role: str
    project: str
    queue: str | None


class WhoAmI(Struct, frozen=True):
    """The caller. `project` is what their token is held to: null for all that they have a role in."""

    user: str
    project: str | None
    grants: list[Held]


@dataclass(frozen=True, slots=True)
class SigningIn:
    """What is told of signing in, from the settings."""

    required: bool = False
    provider: Provider | None = None


SigningInGiven = NamedDependency[SkipValidation[SigningIn]]


@get("/sign-in", tags=["signing in"], summary="How to sign in", responses=refusals(), sync_to_thread=False)
def ways_in(signing_in: SigningInGiven) -> WaysIn:
    """Whether callers have to sign in, and how they can; open to all."""
    return WaysIn(signing_in.required, signing_in.provider if signing_in.required else None)


@get("/whoami", tags=["signing in"], summary="Who is calling?", responses=refusals(), sync_to_thread=False)
def who_am_i(permit: PermitGiven) -> WhoAmI:
    """The caller's name and roles; where nobody signs in, `local`."""
    caller = permit.caller.looking_around()
    grants = [g for g in caller.grants if caller.project in {None, g.project} or g.project == "*"]
    held = [Held(grant.role.value, grant.project, grant.queue) for grant in grants]
    return WhoAmI(caller.user, None if permit.caller.project == DOMAIN else permit.caller.project, held)


def routes() -> Router:
    """Everything under `/api/v1` that is about no project."""
    handlers = [ways_in, who_am_i]
    return Router(path="/api/v1", route_handlers=[no_options(handlers), *handlers])
