"""The way into every route: finds the caller, checks the right, and records refusals."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from litestar.enums import ScopeType
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import ASGIMiddleware

from sluiceway.api import permit as permits
from sluiceway.api.auth.actions import Open, need_of
from sluiceway.api.auth.credentials import Knows, Unknown
from sluiceway.api.auth.issuer_keys import IssuerSilent
from sluiceway.api.auth.unproven import SMALL, NoRoom, Room
from sluiceway.api.caller import address_of, called_by
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError
from sluiceway.api.errors.gateway import refuse
from sluiceway.api.errors.language import Text
from sluiceway.api.permit import Permit
from sluiceway.control.denials import Denials
from sluiceway.domain.access import LOCAL, PROJECT, Action, Caller
from sluiceway.settings import MAX_BODY

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send


SCRAPER: Final = Caller("metrics")  # has no right to anything else


def _nobody_scrapes(_: "Scope") -> bool:
    return False


_NO_ROOM = Text("too many large signed bodies are being read", "正在读取的大型签名请求体过多")


class Gate(ASGIMiddleware):
    """Lets a request through with a permit, or answers as DLI's gateway does."""

    scopes = (ScopeType.HTTP,)

    def __init__(
        self,
        knows: Knows,
        denials: Denials,
        scrapes: Callable[["Scope"], bool] = _nobody_scrapes,
        room: Room | None = None,
    ) -> None:
        """`knows` finds the caller of a request, `denials` records refusals, `room` is for signed bodies.

        `scrapes`: whether a request carries the token that opens the metrics and nothing else.
        """
        self._knows = knows
        self._denials = denials
        self._scrapes = scrapes
        self._room = room or Room()

    async def handle(self, scope: "Scope", receive: "Receive", send: "Send", next_app: "ASGIApp") -> None:
        """Look at one request."""
        body = _Body(scope, receive, self._room)
        try:
            permit = await self._admit(scope, body)
        except _Refused as refused:
            await self._denials.record(refused.project, refused.who, refused.detail)
            await refuse(scope, send, refused.error)
            return
        except IssuerSilent as silent:
            # Nobody was denied anything: it is not known who calls.
            error = DliError(Code.BUSY, why=Text(silent.en, silent.zh))
            await refuse(scope, send, error, [(b"retry-after", b"60")])
            return
        except NoRoom:
            error = DliError(Code.BUSY, why=_NO_ROOM)
            await refuse(scope, send, error, [(b"retry-after", b"5"), (b"connection", b"close")])
            return
        except _HungUp:
            return
        finally:
            body.has_been_judged()
        permits.put(scope, permit)
        try:
            await next_app(scope, body.again, send)
        finally:
            for action, queue in permit.denied():
                where = f" on queue {queue}" if queue else ""
                await self._denials.record(permit.project, permit.who, f"{_route(scope)}: no right to {action}{where}")

    async def _admit(self, scope: "Scope", body: "_Body") -> Permit:
        """Raises `_Refused`, `IssuerSilent`, `_HungUp`."""
        need, project = need_of(str(scope.get("method")), scope["path_template"]), _project(scope)
        if need is Open.TO_ALL:
            return Permit(LOCAL, "")
        if need is Open.TO_WATCHERS and self._scrapes(scope):
            called_by(scope, "the token for metrics")
            return Permit(SCRAPER, "")
        try:
            caller = await self._knows(scope, body.whole)
        except Unknown as unknown:
            error = DliError(Code.NOT_SIGNED_IN, why=unknown.why)
            raise _Refused(error, project, "", f"{_route(scope)}: {unknown.detail}") from None
        if caller != LOCAL:
            called_by(scope, f"user {caller.user}")
        if need is Open.TO_CALLERS or (need is Open.TO_WATCHERS and caller.may_everywhere(Action.LIST)):
            return Permit(caller, "")
        if need is Open.TO_WATCHERS:
            error = DliError(Code.FORBIDDEN, action=f"{Action.LIST} in every project")
            raise _Refused(error, project, caller.user, f"{_route(scope)}: no right to look in every project")
        _check(caller, need, project, _route(scope))
        return Permit(caller, project, partial(self._still, scope, need, project))

    async def _still(self, scope: "Scope", need: Action | None, project: str) -> bool:
        """Whether the gate would let this caller in now."""
        try:
            _check(await self._knows(scope, _no_body, again=True), need, project, _route(scope))
        except (Unknown, _Refused):
            return False
        except IssuerSilent:
            return True  # nothing is known that speaks against it
        return True


def _check(caller: Caller, need: Action | None, project: str, route: str) -> None:
    if caller.project not in {None, project}:
        raise _Refused(DliError(Code.OTHER_PROJECT), project, caller.user, f"{route}: a token of another project")
    if need is None or not caller.may(need, project):
        what = need or "a route without an action"
        error = DliError(Code.FORBIDDEN, action=str(what))
        if need and not PROJECT.fullmatch(project):
            error = DliError(Code.BAD_PROJECT)  # a client that was given none
        raise _Refused(error, project, caller.user, f"{route}: no right to {what}")


async def _no_body() -> bytes:
    return b""


@dataclass
class _Refused(Exception):
    error: DliError
    project: str
    who: str
    detail: str


class _HungUp(Exception):
    """The client went away before all of its request was here."""


class _Body:
    """A request's body, read at once where a signature is checked, and then given on."""

    def __init__(self, scope: "Scope", receive: "Receive", room: Room) -> None:
        handler = scope["route_handler"]
        most = handler.resolve_request_max_body_size() if isinstance(handler, HTTPRouteHandler) else 0
        # It is in memory before anybody has proven who they are, so routes that take more take it with tokens alone.
        self._most = MAX_BODY if most is None else min(most, MAX_BODY)
        self._length = _announced(scope)
        self._receive = receive
        self._read: bytes | None = None
        self._room = room
        self._address = address_of(scope)
        self._taken = 0  # of the room

    async def whole(self) -> bytes:
        """All of it. Raises `RequestEntityTooLarge`, `NoRoom`, `_HungUp`."""
        parts: list[bytes] = []
        size, more = 0, True
        if self._length > self._most:
            raise RequestEntityTooLarge
        while more:
            message = await self._receive()
            if message["type"] != "http.request":
                raise _HungUp
            part = message.get("body", b"")
            parts.append(part)
            size += len(part)
            more = message.get("more_body", False)
            if size > self._most:
                raise RequestEntityTooLarge
            self._take_room(size)
        self._read = b"".join(parts)
        return self._read

    def has_been_judged(self) -> None:
        """Its caller is proven, or refused."""
        if self._taken:
            self._room.give_back(self._address, self._taken)
        self._taken = 0

    def _take_room(self, size: int) -> None:
        if size > SMALL:
            self._room.take(self._address, size - self._taken)
            self._taken = size

    async def again(self) -> Any:
        """What comes next, as the application behind sees it."""
        if self._read is None:
            return await self._receive()
        body, self._read = self._read, None
        return {"type": "http.request", "body": body, "more_body": False}


def _announced(scope: "Scope") -> int:
    """The length that the headers tell; 0 where they tell none."""
    told = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
    return int(told[0]) if told and told[0].isdigit() and len(told[0]) < 19 else 0


def _project(scope: "Scope") -> str:
    return str(scope["path_params"].get("project_id", ""))


def _route(scope: "Scope") -> str:
    """The route and not the path: of paths a caller could make ever new ones."""
    return f"{scope.get('method')} {scope['path_template']}"
