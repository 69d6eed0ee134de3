"""OPTIONS is no method of ours. Litestar would answer it by itself, and of paths with several methods name only one."""

from collections.abc import Iterable

from litestar import HttpMethod, route
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import HTTPRouteHandler


def no_options(handlers: Iterable[HTTPRouteHandler]) -> HTTPRouteHandler:
    """What answers OPTIONS on the paths of these handlers: as for any other method that is not there.

    It comes before them in a router, or Litestar puts its own in place.
    """
    paths = sorted({path for handler in handlers for path in handler.paths})
    return route(paths, http_method=[HttpMethod.OPTIONS], status_code=200, include_in_schema=False)(_refuse)


async def _refuse() -> None:
    raise MethodNotAllowedException
