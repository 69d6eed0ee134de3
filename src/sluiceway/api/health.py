"""Whether the service lives, and whether it can take work."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.enums import ScopeType
from litestar.openapi import ResponseSpec
from litestar.params import SkipValidation
from msgspec import Struct

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

PROBES: Final = frozenset({"/healthz", "/readyz"})


class Health(Struct, frozen=True):
    """`status` is "ok", or names the fault."""

    status: str


# Says what is amiss, for everybody to read; empty when nothing is.
Check = Callable[[], Awaitable[str]]
Readiness = Mapping[str, Check]


@get("/healthz", tags=["service"], summary="Is the process alive?", sync_to_thread=False)
def healthz() -> Health:
    """Answers as long as the process does."""
    return Health("ok")


@get(
    "/readyz",
    tags=["service"],
    summary="Can it take work?",
    responses={503: ResponseSpec(Health, False, "It is not ready; `status` says what is missing.")},
)
async def readyz(readiness: NamedDependency[SkipValidation[Readiness]]) -> Response[Health]:
    """200 when requests are served in full and the work behind them gets done, 503 with the reason when not."""
    found = {name: await check() for name, check in readiness.items()}
    missing = "; ".join(f"{name}: {why}" for name, why in found.items() if why)
    return Response(Health(missing or "ok"), status_code=503 if missing else 200)


class AskedForHead:
    """An ASGI application around another one: load balancers ask probes with HEAD. The server leaves out the body."""

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Ask a probe as with GET; pass anything else on as it is."""
        if scope["type"] == ScopeType.HTTP and scope["method"] == "HEAD" and scope["path"] in PROBES:
            scope = {**scope, "method": "GET"}  # and not in place: the server looks at it
        await self.app(scope, receive, send)
