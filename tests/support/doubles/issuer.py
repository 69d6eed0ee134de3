"""An OIDC issuer on loopback, with faults."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, Key

AUDIENCE = "sluiceway"


class Issuer:
    """Signs tokens, and tells with which keys."""

    def __init__(self) -> None:
        self.url = ""
        self.keys: list[Key] = [ECKey.generate_key("P-256", {"kid": "first"})]
        self.document: dict[str, Any] = {}  # what the discovery document says otherwise
        self.broken: web.Response | None = None  # that everything is answered with
        self.hangs = False
        self.raw_keys: bytes | None = None  # what is answered in place of its keys
        self.moved = False  # it says so, and where to
        self.asked: list[str] = []

    def token(
        self,
        key: Key | None = None,
        alg: str = "ES256",
        header: dict[str, Any] | None = None,
        **claims: object,
    ) -> str:
        """A token that is good, but for what is given otherwise; a claim of None is left out."""
        now = int(time.time())
        said = {"iss": self.url, "aud": AUDIENCE, "sub": "ann", "exp": now + 300, "iat": now, "nbf": now, **claims}
        said = {name: value for name, value in said.items() if value is not None}
        key = key or self.keys[0]
        head = {"alg": alg, **({"kid": key.kid} if key.kid else {}), **(header or {})}
        return jwt.encode(head, said, key, [alg])

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The discovery document, or the keys."""
        self.asked.append(request.path)
        if self.hangs:
            await asyncio.sleep(3600)
        if self.broken is not None:
            return web.Response(status=self.broken.status, body=self.broken.body, headers=self.broken.headers)
        if request.path.endswith("/openid-configuration"):
            document = {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **self.document}
            if self.moved and not request.path.startswith("/new"):
                return web.json_response(document, status=302, headers={"Location": f"/new{request.path}"})
            return web.json_response(document)
        if self.raw_keys is not None:
            return web.Response(body=self.raw_keys, content_type="application/json")
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.keys]})


@asynccontextmanager
async def an_issuer() -> AsyncIterator[Issuer]:
    """One that runs."""
    issuer = Issuer()
    app = web.Application()
    app.router.add_get("/{path:.*}", issuer.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    issuer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield issuer
    finally:
        await runner.cleanup()
