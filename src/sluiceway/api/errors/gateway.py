"""Sends a refusal before any route runs, as DLI's gateway does."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from sluiceway.api.errors.dli_error import DliError
from sluiceway.api.errors.language import Language
from sluiceway.api.errors.links import help_for
from sluiceway.api.request_id import request_id

if TYPE_CHECKING:
    from litestar.types import Scope, Send


async def refuse(scope: "Scope", send: "Send", error: DliError, more: Sequence[tuple[bytes, bytes]] = ()) -> None:
    """Answer a request with an error, and with `more` headers."""
    asked = dict(scope["headers"]).get(b"x-language", b"").decode("latin-1")
    body = msgspec.json.encode(error.body(Language.of(asked), request_id(scope)))
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"link", help_for([error.code]).encode()),
        *more,
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
