"""Answers that never change while the service runs: made once, and served from memory, also packed, or as unchanged."""

import asyncio
import gzip
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware

from sluiceway.api.errors.language import language_of_reader
from sluiceway.api.errors.links import PAGE
from sluiceway.api.security_headers import page_policy

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Message, Receive, Scope, Send

KEPT: Final = frozenset(
    {
        "/openapi.json",
        "/docs",
        "/docs/swagger",
        "/docs/openapi.json",
        "/docs/oauth2-redirect.html",
        PAGE,
        f"{PAGE}.json",
        "/assets/swagger-ui-bundle.js",
        "/assets/swagger-ui-standalone-preset.js",
        "/assets/swagger-ui.css",
    }
)
_BY_LANGUAGE: Final = frozenset({PAGE, f"{PAGE}.json"})
_WORTH_PACKING: Final = 1024  # bytes
_OURS: Final = frozenset({b"content-length", b"etag", b"last-modified", b"vary", b"transfer-encoding"})

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with status 200, plain and packed."""

    headers: Headers
    etag: bytes
    body: bytes
    packed: bytes

    @staticmethod
    def of(headers: Headers, body: bytes, vary: bytes) -> "Answer":
        """From what a handler has sent. Packing takes its time."""
        etag = b'"%b"' % hashlib.sha256(body).hexdigest()[:32].encode()
        kept = [pair for pair in headers if pair[0].lower() not in _OURS]
        kept += [
            (b"etag", etag),
            (b"vary", vary),
            (b"cache-control", b"no-cache"),
        ]  # asked again, to hear that it stands
        if any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in kept):
            kept.append((b"content-security-policy", page_policy(body)))
        return Answer(kept, etag, body, gzip.compress(body, 6, mtime=0) if len(body) >= _WORTH_PACKING else b"")

    async def send(self, asked: dict[bytes, bytes], send: "Send") -> None:
        """Answer a request with these headers."""
        known = asked.get(b"if-none-match", b"").replace(b"W/", b"")
        if known == b"*" or self.etag in known:
            await _send(send, 304, self.headers, b"")
        elif self.packed and _takes_gzip(asked.get(b"accept-encoding", b"")):
            await _send(send, 200, [*self.headers, (b"content-encoding", b"gzip")], self.packed)
        else:
            await _send(send, 200, self.headers, self.body)


class KeptAnswers(ASGIMiddleware):
    """Asks the handlers of `KEPT` once, and answers for them from then on."""

    scopes = (ScopeType.HTTP,)

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], asyncio.Task[Answer]] = {}

    async def handle(self, scope: "Scope", receive: "Receive", send: "Send", next_app: "ASGIApp") -> None:
        """Answer a request, or pass it on."""
        template: str = scope["path_template"]
        if template not in KEPT or scope.get("method") != "GET":
            await next_app(scope, receive, send)
            return
        asked = dict(scope["headers"])
        key = (template, language_of_reader(asked) if template in _BY_LANGUAGE else "")
        answer = await self._answer(key, scope, next_app)
        await answer.send(asked, send)

    async def _answer(self, key: tuple[str, str], scope: "Scope", app: "ASGIApp") -> Answer:
        """One task makes it for all callers that wait, and goes on when they hang up."""
        making = self._answers.get(key)
        if making is None or (making.done() and (making.cancelled() or making.exception())):
            making = self._answers[key] = asyncio.create_task(_make(scope, app), name="kept answer")
        return await asyncio.shield(making)


async def _make(scope: "Scope", app: "ASGIApp") -> Answer:
    headers: Headers = []
    body = bytearray()
    complete = asyncio.Event()

    async def no_body() -> Any:
        """Nobody hangs up before the answer is complete."""
        await complete.wait()
        return {"type": "http.disconnect"}

    async def collect(message: "Message") -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200, "what is kept is always there"
            headers.extend(message["headers"])
        elif message["type"] == "http.response.body":
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                complete.set()

    await app(_without_conditions(scope), no_body, collect)
    vary = b"accept-encoding" + (b", x-language, accept-language" if scope["path_template"] in _BY_LANGUAGE else b"")
    return await asyncio.to_thread(Answer.of, headers, bytes(body), vary)


def _without_conditions(scope: "Scope") -> Any:
    """A request that asks for all of the answer."""
    conditional = (b"if-", b"range")
    return {**scope, "headers": [pair for pair in scope["headers"] if not pair[0].startswith(conditional)]}


def _takes_gzip(accepted: bytes) -> bool:
    for each in accepted.lower().split(b",")[:20]:
        name, _, quality = each.partition(b";")
        if name.strip() == b"gzip":
            return quality.replace(b" ", b"") not in {b"q=0", b"q=0.0", b"q=0.00", b"q=0.000"}
    return False


async def _send(send: "Send", status: int, headers: Headers, body: bytes) -> None:
    length = [] if status == 304 else [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
