"""Whether the service lives, and whether it can take work."""

from collections.abc import Awaitable, Callable

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import SkipValidation
from msgspec import Struct


class Health(Struct, frozen=True):
    """`status` is "ok", or says what is amiss."""

    status: str


# Names what is not ready yet; empty when all is.
Readiness = Callable[[], Awaitable[str]]


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
    """200 when requests are served in full, 503 with the reason when they are not."""
    missing = await readiness()
    return Response(Health(missing or "ok"), status_code=503 if missing else 200)
