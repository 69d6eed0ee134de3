"""Keeps other people's web pages out. A browser on this machine reaches loopback for any page that it shows."""

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from litestar.enums import ScopeType

from sluiceway.api.errors.links import help_for

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

_CODE = "APIGW.0302"
_REFUSED = msgspec.json.encode(
    {
        "error_code": _CODE,
        "error_msg": "Requests of foreign web pages are refused. Call this service by its loopback address, "
        "or let the proxy before it set Host to that address.",
    }
)


class OwnOrigin:
    """An ASGI application around another one. It answers 403 to what a foreign page, or a name bent to us, sends.

    Where nobody signs in, being reachable on loopback alone is what protects the jobs.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != ScopeType.HTTP or is_own(dict(scope["headers"])):
            await self.app(scope, receive, send)
            return
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(_REFUSED)).encode()),
            (b"link", help_for([_CODE]).encode()),
        ]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": _REFUSED, "more_body": False})


def is_own(headers: dict[bytes, bytes]) -> bool:
    """Whether these headers can come from a program, or from a page of this service itself."""
    host = headers.get(b"host", b"").decode("latin-1")
    origin = headers.get(b"origin")
    if headers.get(b"sec-fetch-site", b"none") not in {b"none", b"same-origin"}:
        return False
    if origin is not None and _netloc(origin.decode("latin-1")) != host:
        return False
    return not host or _is_loopback(host)


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
