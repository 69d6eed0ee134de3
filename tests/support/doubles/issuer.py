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
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


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
        # The device flow (RFC 8628), for the public client with this id.
        self.client_id = "sluiceway-cli"
        self.code: dict[str, Any] = {}  # what it says of a code otherwise
        self.polls: list[str] = []  # errors that the next questions for tokens are answered with
        self.asked_for: list[dict[str, str]] = []  # what clients have posted
        self.claims: dict[str, Any] = {}  # of the tokens that it gives out
        self.refresh_token = ""  # the one that is good; each is good for one use

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
            ends = {"token_endpoint": f"{self.url}/token", "device_authorization_endpoint": f"{self.url}/device"}
            document = {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **ends, **self.document}
            if self.moved and not request.path.startswith("/new"):
                return web.json_response(document, status=302, headers={"Location": f"/new{request.path}"})
            return web.json_response(document)
        if self.raw_keys is not None:
            return web.Response(body=self.raw_keys, content_type="application/json")
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def grant(self, request: web.Request) -> web.StreamResponse:
        """What clients post to: a code for a device, and tokens for a code or a refresh token."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked_for.append(form)
        if form.get("client_id") != self.client_id:
            return _no("invalid_client", 401)
        if request.path == "/device":
            about = {"user_code": "WDJB-MJHT", "verification_uri": f"{self.url}/enter", "expires_in": 600}
            return web.json_response({"device_code": "secret-device-code", "interval": 5, **about, **self.code})
        if form.get("grant_type") == "refresh_token":
            good = bool(self.refresh_token) and form.get("refresh_token") == self.refresh_token
            return self._tokens() if good else _no("invalid_grant")
        if form.get("grant_type") != DEVICE or form.get("device_code") != "secret-device-code":
            return _no("invalid_grant")
        return _no(self.polls.pop(0)) if self.polls else self._tokens()

    def _tokens(self) -> web.StreamResponse:
        fresh = {}
        if self.refresh_token:
            self.refresh_token += "+"
            fresh = {"refresh_token": self.refresh_token}
        tokens = {"access_token": "opaque", "id_token": self.token(**self.claims), "token_type": "Bearer"}
        return web.json_response(tokens | fresh)


def _no(error: str, status: int = 400) -> web.StreamResponse:
    return web.json_response({"error": error, "error_description": f"told as {error}"}, status=status)


@asynccontextmanager
async def an_issuer() -> AsyncIterator[Issuer]:
    """One that runs."""
    issuer = Issuer()
    app = web.Application()
    app.router.add_get("/{path:.*}", issuer.answer)
    app.router.add_post("/{path:.*}", issuer.grant)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    issuer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield issuer
    finally:
        await runner.cleanup()
