"""Gives every HTTP response an `X-Request-Id`, also those that no route made. Wraps the whole application."""

from typing import TYPE_CHECKING
from uuid import uuid4

from litestar.enums import ScopeType

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Message, Receive, Scope, Send

HEADER = b"x-request-id"
_KEY = "sluiceway.request_id"


class RequestIds:
    """An ASGI application around another one. Ids are ours: one that a client sends is not taken over."""

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Put an id into the scope and on the first message of the response."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        request_id = uuid4().hex
        scope[_KEY] = request_id  # type: ignore[literal-required]  # ASGI allows keys of one's own

        async def send_with_id(message: "Message") -> None:
            if message["type"] == "http.response.start":
                others = [(name, value) for name, value in message.get("headers", ()) if name.lower() != HEADER]
                message["headers"] = [*others, (HEADER, request_id.encode())]
            await send(message)

        await self.app(scope, receive, send_with_id)


def request_id(scope: "Scope") -> str:
    """The id of this request; a new one where nothing wraps the application."""
    return str(scope.get(_KEY) or uuid4().hex)
