"""Bearer tokens of an external OIDC issuer: JSON Web Tokens that are signed with a key that the issuer publishes.

The only addresses that are asked are the issuer's own, from the settings; what a token names (`jku`, `x5u`) is not
looked at. joserfc does the cryptography.
"""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError, SecurityWarning
from joserfc.jwk import Key

from sluiceway.api.auth.issuer_keys import BadKey, IssuerKeys

SKEW: Final = 60  # seconds that the issuer's clock may be off
# Only such as are verified with a public key: with others, who can verify can also sign.
ALGORITHMS: Final = frozenset(
    f"{family}{size}" for family in ("RS", "PS", "ES") for size in (256, 384, 512)
) | frozenset({"EdDSA", "Ed25519"})

_MAX_TOKEN: Final = 16 * 1024  # characters
_SUBJECT: Final = re.compile(r"[ -~]{1,255}")  # as OpenID Connect has it: ASCII, of 255 characters at most
_MAX_GROUPS: Final = 1000


class BadToken(Exception):
    """Why a token is refused. The caller may see both texts."""

    def __init__(self, en: str, zh: str, audit: str = "the bearer token is not valid") -> None:
        """`audit` is what the audit says; nothing that a caller could make ever new ones of."""
        super().__init__(en)
        self.en = en
        self.zh = zh
        self.audit = audit


@dataclass(frozen=True, slots=True)
class Claims:
    """What the issuer says of somebody. Only the subject is sure to be there, and to stay."""

    subject: str
    name: str = ""
    email: str = ""
    groups: tuple[str, ...] = ()


class OidcVerifier:
    """Verifies the tokens of one issuer that are meant for one audience."""

    def __init__(
        self,
        issuer: str,
        audience: str,
        session: aiohttp.ClientSession,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Raises `ValueError` for an issuer that tokens cannot safely come from."""
        self._keys = IssuerKeys(issuer, session, clock)
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        # Headers that we do not know are the issuer's own business; those that must be understood are refused below.
        self._registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        self._registry.max_header_length = 4096

    async def verify(self, token: str) -> Claims:
        """The claims of a token. Raises `BadToken`, and `IssuerSilent` when the issuer does not answer."""
        key_id, algorithm = self._head(token)
        try:
            key = await self._keys.find(key_id, algorithm)
        except BadKey as bad:
            raise BadToken(bad.en, bad.zh, f"the bearer token is not valid: {bad.en}") from None
        if key is None:
            raise BadToken("the issuer has no key that matches the token's", "颁发者没有用于签署该 Token 的密钥")
        claims = self._signed(token, key)
        self._check(claims)
        return Claims(
            claims["sub"],
            _text(claims.get("preferred_username")) or _text(claims.get("name")),
            _text(claims.get("email")),
            _texts(claims.get("groups")),
        )

    def _head(self, token: str) -> tuple[str | None, str]:
        """The name of the key that the token says it is signed with, and the algorithm. Raises `BadToken`."""
        if len(token) > _MAX_TOKEN:
            raise _malformed()
        try:
            header = jws.extract_compact(token.encode(), registry=self._registry).headers()
        except (JoseError, ValueError, TypeError, RecursionError):
            raise _malformed() from None
        algorithm, key_id = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            named = ascii(algorithm)[:40]
            raise BadToken(
                f"the token's algorithm {named} is not one that is verified with a public key",
                f"Token 的算法 {named} 不是以公钥验证的算法",
            )
        if "crit" in header or "b64" in header or not isinstance(key_id, str | None):
            raise _malformed()
        return key_id, algorithm

    def _signed(self, token: str, key: Key) -> dict[str, Any]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SecurityWarning)  # of EdDSA, for its name
                return jwt.decode(token, key, registry=self._registry).claims
        except (JoseError, ValueError, TypeError, RecursionError):
            raise BadToken("the token's signature is not valid", "Token 的签名无效") from None

    def _check(self, claims: dict[str, Any]) -> None:
        registry = jwt.JWTClaimsRegistry(
            now=int(self._clock().timestamp()),
            leeway=SKEW,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._audience},
            sub={"essential": True},
            exp={"essential": True},
        )
        try:
            registry.validate(claims)
        except ExpiredTokenError:
            raise BadToken("the token has expired", "Token 已过期") from None
        except MissingClaimError as error:
            raise _odd_claim(error.claim or "") from None
        except InvalidClaimError as error:
            raise _bad_claim(error.claim or "") from None
        if not _SUBJECT.fullmatch(claims["sub"]):
            raise _odd_claim("sub")


_CLAIMS: Final = {
    "iss": ("it is of another issuer", "颁发者不符"),
    "aud": ("it is not meant for this service", "受众不是本服务"),
    "nbf": ("it is not valid yet", "尚未生效"),
    "iat": ("it was issued in the future", "签发时间在未来"),
}


def _bad_claim(name: str) -> BadToken:
    if name not in _CLAIMS:
        return _odd_claim(name)
    en, zh = _CLAIMS[name]
    return BadToken(f"the token is not valid: {en}", f"Token 无效：{zh}")


def _odd_claim(name: str) -> BadToken:
    return BadToken(
        f"the token is not valid: its {name} is missing or not as it should be", f"Token 无效：缺少 {name} 或其值无效"
    )


def _malformed() -> BadToken:
    return BadToken("the token is not a signed JSON Web Token", "Token 不是签名的 JSON Web Token")


def _text(value: object) -> str:
    return value[:255] if isinstance(value, str) else ""


def _texts(values: object) -> tuple[str, ...]:
    return tuple(filter(None, map(_text, values[:_MAX_GROUPS]))) if isinstance(values, list) else ()
