"""The public keys of an OIDC issuer, found through its discovery document and kept for a while."""

import asyncio
import ipaddress
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

FRESH: Final = timedelta(hours=1)  # for which keys are taken for the issuer's
USABLE: Final = timedelta(days=1)  # for which they are where the issuer does not answer
PAUSE: Final = timedelta(minutes=1)  # between two questions to the issuer
TIMEOUT: Final = 5.0  # seconds for each of its answers

_MAX_ANSWER: Final = 2**20  # bytes
_MAX_KEYS: Final = 100
_PUBLIC: Final = {"RSA", "EC", "OKP"}

log = structlog.get_logger(__name__)


class IssuerSilent(Exception):  # noqa: N818 - it is what it is
    """The issuer gave no answer that is of use, so nothing is known about the token. Neither text names addresses."""

    en = "the identity provider does not answer, so the token cannot be checked; try again later"
    zh = "身份提供方无响应，无法验证 Token，请稍后重试"

    def __init__(self) -> None:
        super().__init__(self.en)


class IssuerKeys:
    """Asks the issuer at most once a minute, whatever tokens come in."""

    def __init__(self, issuer: str, session: aiohttp.ClientSession, clock: Callable[[], datetime]) -> None:
        """Raises `ValueError` for an address that is neither https nor on this machine."""
        if not _is_safe(issuer):
            raise ValueError(f"{issuer} is not an address of https without query and fragment")
        self._issuer = issuer
        self._session = session
        self._clock = clock
        self._keys: list[Key] = []
        self._asked: datetime | None = None
        self._learned: datetime | None = None
        self._asking = asyncio.Lock()

    async def find(self, key_id: str | None) -> Key | None:
        """The key of this name; of no name, the issuer's only one. `None` when it has none. Raises `IssuerSilent`."""
        key = self._known(key_id)
        if key is None or not self._learned_within(FRESH):
            async with self._asking:  # those who wait find out what the first of them learned
                await self._ask()
            key = self._known(key_id)
        if key is None and self._learned != self._asked:
            raise IssuerSilent
        return key

    def _known(self, key_id: str | None) -> Key | None:
        if not self._learned_within(USABLE):
            return None
        if key_id is None:
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.kid == key_id), None)

    def _learned_within(self, age: timedelta) -> bool:
        return self._learned is not None and abs(self._clock() - self._learned) < age

    async def _ask(self) -> None:
        now = self._clock()
        if self._asked is not None and abs(now - self._asked) < PAUSE:
            return
        self._asked = now
        try:
            self._keys = _imported(await self._fetch())
            self._learned = now
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, RecursionError) as error:
            log.warning("no keys of the OIDC issuer", issuer=self._issuer, why=str(error)[:200] or type(error).__name__)

    async def _fetch(self) -> dict[str, Any]:
        document = await self._get(self._issuer.rstrip("/") + "/.well-known/openid-configuration")
        if document.get("issuer") != self._issuer:
            raise ValueError("its discovery document is that of another issuer")
        uri = document.get("jwks_uri")
        if not isinstance(uri, str) or not (_origin(uri) == _origin(self._issuer) or urlsplit(uri).scheme == "https"):
            raise ValueError("its jwks_uri is neither of its own origin nor https")
        return await self._get(uri)

    async def _get(self, url: str) -> dict[str, Any]:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        async with self._session.get(url, allow_redirects=False, timeout=timeout) as answer:
            if answer.status != 200:
                raise ValueError(f"HTTP status {answer.status}")
            content = bytearray()
            async for piece in answer.content.iter_chunked(65536):
                content += piece
                if len(content) > _MAX_ANSWER:
                    raise ValueError("its answer is too large")
        document = json.loads(content)
        if not isinstance(document, dict):
            raise ValueError("its answer is no JSON object")  # noqa: TRY004 - not a fault of ours
        return document


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or parts.query or parts.fragment or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _imported(document: dict[str, Any]) -> list[Key]:
    """The keys that signatures can be verified with. One that we cannot read does not spoil the others."""
    found = document.get("keys")
    if not isinstance(found, list):
        raise ValueError("its keys are no list")  # noqa: TRY004 - not a fault of ours
    keys: list[Key] = []
    for each in found[:_MAX_KEYS]:
        if not isinstance(each, dict) or each.get("kty") not in _PUBLIC or each.get("use", "sig") != "sig":
            continue
        try:
            keys.append(JWKRegistry.import_key(each))
        except (JoseError, ValueError, TypeError, KeyError) as error:
            log.info("a key of the OIDC issuer cannot be read", why=str(error)[:200])
    return keys
