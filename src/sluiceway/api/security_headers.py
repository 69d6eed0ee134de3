"""Tells browsers, on every response, how little they may do with it."""

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Final

from litestar.enums import ScopeType

if TYPE_CHECKING:
    from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

_ALWAYS: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]
_NOTHING: Final = b"default-src 'none'; frame-ancestors 'none'"
# Swagger UI sets styles in its elements; scripts of a page's own are named by their hashes.
_PAGE: Final = (
    "default-src 'none'; script-src 'self'{hashes}; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_TLS: Final = (b"strict-transport-security", b"max-age=31536000")
_SCRIPT: Final = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)
_FILES: Final = "/assets/"  # of the package, the same for everybody


class SecurityHeaders:
    """An ASGI application around another one. What a response says for itself stands."""

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Add what is missing to the first message of the response."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        held: list[HTTPResponseStartEvent] = []

        async def send_guarded(message: "Message") -> None:
            if message["type"] == "http.response.start":
                if _is_page(message):
                    held.append(message)  # until its scripts are here
                    return
                _add(message, scope, _NOTHING)
            elif held and message["type"] == "http.response.body":
                start = held.pop()
                _add(start, scope, page_policy(message.get("body", b"")))
                await send(start)
            await send(message)

        await self.app(scope, receive, send_guarded)


def _is_page(start: "HTTPResponseStartEvent") -> bool:
    """Whether it is a page that does not say by itself which scripts it may run."""
    told = {name.lower(): value for name, value in start["headers"]}
    return told.get(b"content-type", b"").startswith(b"text/html") and b"content-security-policy" not in told


def page_policy(page: bytes) -> bytes:
    """What a page may do: run its own scripts, and no others."""
    digests = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _SCRIPT.findall(page))
    return _PAGE.format(hashes="".join(f" 'sha256-{digest}'" for digest in digests)).encode()


def _add(start: "HTTPResponseStartEvent", scope: "Scope", policy: bytes) -> None:
    wanted = [*_ALWAYS, (b"content-security-policy", policy)]
    if not scope["path"].startswith(_FILES):
        wanted.append((b"cache-control", b"no-store"))
    if scope["scheme"] == "https":
        wanted.append(_TLS)
    there = {name.lower() for name, _ in start["headers"]}
    start["headers"] = [*start["headers"], *(pair for pair in wanted if pair[0] not in there)]
