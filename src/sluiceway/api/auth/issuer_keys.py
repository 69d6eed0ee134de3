"""The public keys of an OIDC issuer, found through its discovery document and kept for a while."""

import asyncio
import ipaddress
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc.errors import SecurityWarning
from joserfc.jwk import JWKRegistry, Key

FRESH: Final = timedelta(hours=1)  # for which keys are taken for the issuer's
USABLE: Final = timedelta(days=1)  # for which they are where the issuer does not answer
PAUSE: Final = timedelta(minutes=1)  # between two questions to the issuer
TIMEOUT: Final = 5.0  # seconds for each of its answers

_MAX_ANSWER: Final = 2**20  # bytes
_MAX_KEYS: Final = 100
_PUBLIC: Final = {"RSA", "EC", "OKP"}
_PRIVATE: Final = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")  # RFC 7518, section 6
_TYPES: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}  # by what the algorithm begins with
LEAST_RSA: Final = 2048  # bits: NIST SP 800-131A, and RFC 7518, section 3.3
_LONGEST: Final = 4096  # characters of one number of a key; 8192 bits have 1366
_MOST_RSA: Final = 8192  # with more, verifying takes milliseconds

log = structlog.get_logger(__name__)


class IssuerSilent(Exception):
    """The issuer gave no usable answer, so the token is neither valid nor wrong. Neither text names addresses."""

    en = "the identity provider does not answer, so the token cannot be checked; try again later"
    zh = "身份提供方无响应，无法验证 Token，请稍后重试"

    def __init__(self) -> None:
        super().__init__(self.en)


class BadKey(Exception):
    """A key of the issuer's that verifies no token. The caller may see both texts."""

    def __init__(self, en: str, zh: str, detail: str = "") -> None:
        """`detail` is what else the log says."""
        super().__init__(en)
        self.en = en
        self.zh = zh
        self.detail = detail


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys that the issuer publishes, and why some of them are skipped, by name."""

    keys: Sequence[Key] = ()
    refused: Mapping[str, BadKey] = field(default_factory=dict)

    def find(self, key_id: str | None, algorithm: str) -> Key | None:
        """The one key of this name that is for the algorithm; of no name, the only one that is. Raises `BadKey`."""
        fit = [key for key in self.keys if key_id in {None, key.kid} and _is_for(key, algorithm)]
        if len(fit) > 1:
            raise BadKey("the issuer has several keys that match the token's", "颁发者有多个符合条件的密钥")
        if not fit and key_id is not None and key_id in self.refused:
            raise self.refused[key_id]
        return fit[0] if fit else None


class IssuerKeys:
    """Asks the issuer at most once a minute, whatever tokens come in."""

    def __init__(self, issuer: str, session: aiohttp.ClientSession, clock: Callable[[], datetime]) -> None:
        """Raises `ValueError` for an address that is neither https nor on this machine."""
        if not _is_safe(issuer):
            raise ValueError(f"{issuer} is not an address of https without query and fragment")
        self._issuer = issuer
        self._session = session
        self._clock = clock
        self._keys = KeySet()
        self._asked: datetime | None = None
        self._learned: datetime | None = None
        self._asking = asyncio.Lock()

    async def find(self, key_id: str | None, algorithm: str) -> Key | None:
        """See `KeySet.find`; `None` when the issuer has no such key. Raises `BadKey`, `IssuerSilent`."""
        key = None
        with suppress(BadKey):  # it may be another one by now
            key = self._known(key_id, algorithm)
        if key is None or not self._learned_within(FRESH):
            async with self._asking:  # those who wait find out what the first of them learned
                await self._ask()
            key = self._known(key_id, algorithm)
        if key is None and self._learned != self._asked:
            raise IssuerSilent
        return key

    def _known(self, key_id: str | None, algorithm: str) -> Key | None:
        return self._keys.find(key_id, algorithm) if self._learned_within(USABLE) else None

    def _learned_within(self, age: timedelta) -> bool:
        return self._learned is not None and abs(self._clock() - self._learned) < age

    async def _ask(self) -> None:
        now = self._clock()
        if self._asked is not None and abs(now - self._asked) < PAUSE:
            return
        self._asked = now
        try:
            self._keys = await asyncio.to_thread(imported, await self._fetch())
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


def imported(document: Mapping[str, Any]) -> KeySet:
    """The keys that signatures can be verified with. One that is odd or weak does not spoil the others.

    Raises `ValueError` for a document without a list of keys.
    """
    found = document.get("keys")
    if not isinstance(found, list):
        raise ValueError("its keys are no list")  # noqa: TRY004 - not a fault of ours
    if len(found) > _MAX_KEYS:
        log.warning("the OIDC issuer has more keys than the service reads", keys=len(found), most=_MAX_KEYS)
    keys: dict[tuple[str | None, str], Key] = {}
    refused: dict[str, BadKey] = {}
    for each in found[:_MAX_KEYS]:
        try:
            if (key := _one(each)) is not None:
                keys[key.kid, key.thumbprint()] = key
        except BadKey as bad:
            name = str(each.get("kid", ""))
            log.warning("a key of the OIDC issuer is not taken", key=name[:100], why=bad.en, detail=bad.detail)
            refused[name] = bad
    return KeySet(list(keys.values()), refused)


def _one(given: Any) -> Key | None:
    """A key of the set; None for one that is for other purposes. Raises `BadKey`."""
    if not isinstance(given, dict):
        return None
    try:
        if given.get("kty") not in _PUBLIC or given.get("use", "sig") != "sig":
            return None
        if any(part in given for part in _PRIVATE):
            raise BadKey("the issuer publishes the private part of that key", "颁发者公开了该密钥的私钥部分")
        if any(len(str(given.get(part, ""))) > _LONGEST for part in ("n", "e", "x", "y")):
            raise BadKey("the issuer's key is longer than any that is taken", "颁发者的密钥过长")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # of what is refused below
            key = JWKRegistry.import_key(given)
        _check_strength(key.get_op_key("verify"))
    except BadKey:
        raise
    except Exception as error:
        detail = str(error)[:200] or type(error).__name__
        raise BadKey("the issuer's key cannot be read", "无法解析颁发者的密钥", detail) from None
    return key


def _check_strength(public: object) -> None:
    """Raises `BadKey`."""
    if not isinstance(public, RSAPublicKey):
        return
    if not LEAST_RSA <= public.key_size <= _MOST_RSA:
        raise BadKey(
            f"the issuer's RSA key has {public.key_size} bits; {LEAST_RSA} to {_MOST_RSA} are taken",
            f"颁发者的 RSA 密钥为 {public.key_size} 位，应为 {LEAST_RSA} 到 {_MOST_RSA} 位",
        )
    if public.public_numbers().e >= 2**32:
        raise BadKey("the issuer's RSA key has an exponent of more than 32 bits", "颁发者的 RSA 密钥的指数超过 32 位")


def _is_for(key: Key, algorithm: str) -> bool:
    named = key.get("alg")
    return key.key_type == _TYPES[algorithm[:2]] and named in {None, algorithm}
