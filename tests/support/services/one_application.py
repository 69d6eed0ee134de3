"""One application for all services of a process: only what it works on is each service's own.

To make an application costs a tenth of a second, as all routes are read anew, and hundreds of tests want one. Its
routes never differ, so they are read once: which use cases, settings and middleware a request meets follows from the
service that was asked. A service that runs as a process of its own has an application of its own, as everywhere else.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Final, cast

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

_APPLICATIONS: Final[dict[object, Litestar]] = {}
_ASKED: Final[ContextVar["_Service"]] = ContextVar("asked")


def shared(
    route_handlers: Sequence[Any],
    *,
    dependencies: Mapping[str, Provide],
    middleware: Iterable[ASGIMiddleware] = (),
    **options: Any,
) -> Litestar:
    """What `Litestar` makes of the same, but made once for all that have the same routes and options of these."""
    values = {name: each.dependency for name, each in dependencies.items() if _is_value(each)}
    others = {name: each for name, each in dependencies.items() if name not in values}
    key = (
        tuple(map(_known, route_handlers)),
        frozenset(values),
        frozenset((name, each.dependency) for name, each in others.items()),
        frozenset(options),
    )
    if key not in _APPLICATIONS:
        of_who_is_asked = {name: Provide(_value(name), sync_to_thread=False) for name in values}
        _APPLICATIONS[key] = Litestar(
            route_handlers, dependencies=of_who_is_asked | others, middleware=[_OfWhoIsAsked()], **options
        )
    return cast("Litestar", _Service(_APPLICATIONS[key], values, list(middleware)))


class _Service:
    """An application as one service has it."""

    def __init__(
        self, application: Litestar, values: Mapping[str, Callable[[], object]], middleware: Sequence[ASGIMiddleware]
    ) -> None:
        self._application = application
        self._middleware = middleware
        self._stacks: dict[ASGIApp, ASGIApp] = {}
        self.values = values

    def __getattr__(self, name: str) -> Any:
        return getattr(self._application, name)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        before = _ASKED.set(self)
        try:
            await self._application(scope, receive, send)
        finally:
            _ASKED.reset(before)

    def before(self, route: ASGIApp) -> ASGIApp:
        """A route with this service's middleware before it."""
        if route not in self._stacks:
            stack = route
            for each in reversed(self._middleware):
                stack = each(stack)
            self._stacks[route] = stack
        return self._stacks[route]


class _OfWhoIsAsked(ASGIMiddleware):
    def __call__(self, app: ASGIApp) -> ASGIApp:
        async def asked(scope: Scope, receive: Receive, send: Send) -> None:
            await _ASKED.get().before(app)(scope, receive, send)

        return asked

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        raise NotImplementedError  # `asked` does it


def _is_value(dependency: Provide) -> bool:
    return not inspect.signature(dependency.dependency).parameters


def _value(name: str) -> Callable[[], object]:
    def value() -> object:
        return _ASKED.get().values[name]()

    return value


def _known(handler: Any) -> object:
    """By what a router is known, which each service makes anew: its routes, and the settings that it has with it."""
    if not isinstance(handler, Router):
        return handler
    routes = frozenset((route.path, *sorted(getattr(route, "methods", ()))) for route in handler.routes)
    given = cast("dict[str, Provide]", handler.dependencies)
    settings = ((name, each.dependency()) for name, each in given.items() if _is_value(each))
    return handler.path, routes, frozenset(settings)
