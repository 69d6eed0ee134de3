"""Finds the caller of a request by its headers: a signature, a token of the service, or one of an identity provider."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

from sluiceway.api.auth.oidc import BadToken, OidcVerifier
from sluiceway.api.auth.signature import (
    BadSignature,
    RawRequest,
    ReplayGuard,
    Signed,
    check_head,
    no_match,
    read,
    verify,
)
from sluiceway.api.errors.language import Text
from sluiceway.control.sign_in import NotLetIn, SignIn, SigningKey
from sluiceway.domain.access import LOCAL, Caller

if TYPE_CHECKING:
    from litestar.types import Scope

Body = Callable[[], Awaitable[bytes]]

_NOTHING: Final = Text("the request has no credential", "请求中没有身份凭证")
_BAD_TOKEN: Final = Text("the token is not valid, or it has ended", "Token 无效或已过期")
_NO_PROVIDER: Final = Text("bearer tokens are not taken here", "本服务不接受 Bearer Token")
_NO_USER: Final = Text("no user here has the token's subject", "没有与该 Token 的 sub 对应的用户")
_EXPIRED: Final = Text("the temporary access key has ended", "临时访问密钥已过期")
_BAD_SECURITY_TOKEN: Final = Text(
    "X-Security-Token does not belong to the access key", "X-Security-Token 与访问密钥不匹配"
)
_TWICE: Final = Text("a header with your credentials is there twice", "身份凭证请求头重复")
_NOBODYS: Final = "-"  # what a signature is checked with where there is no key, so that the time taken does not tell


class Unknown(Exception):
    """Nobody is known by this credential."""

    def __init__(self, why: Text, detail: str = "") -> None:
        """The caller reads `why`, the audit `detail` in place of it."""
        super().__init__(why.en)
        self.why = why
        self.detail = detail or why.en


class Knows(Protocol):
    """Finds the caller of a request."""

    async def __call__(self, scope: "Scope", body: Body, /, *, again: bool = False) -> Caller:
        """Raises `Unknown`, and `IssuerSilent` when the issuer does not answer.

        `again` for a request that was let in before: does its credential still stand?
        """


async def nobody_signs_in(_scope: "Scope", _body: Body, /, *, again: bool = False) -> Caller:  # noqa: ARG001
    """On loopback: lets in every caller who can reach the service."""
    return LOCAL


@dataclass(frozen=True, slots=True)
class Credentials:
    """Knows callers by what they send."""

    sign_in: SignIn
    clock: Callable[[], datetime]
    provider: OidcVerifier | None = None
    guard: ReplayGuard | None = None

    async def __call__(self, scope: "Scope", body: Body, /, *, again: bool = False) -> Caller:
        """Who sent a request. The body is asked for only where a signature needs it.

        Raises `Unknown`, `IssuerSilent`.
        """
        token, authorization = _header(scope, b"x-auth-token"), _header(scope, b"authorization")
        if token is not None:
            # A caller that adds one means it; the SDK signs all the same, with whatever keys it has.
            return await self._by_token(token)
        if authorization is None:
            raise Unknown(_NOTHING)
        scheme, _, rest = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return await self._by_provider(rest.strip())
        try:
            signed = read(authorization)
        except BadSignature as error:
            raise Unknown(Text(error.en, error.zh), "the Authorization header is not understood") from None
        if again:  # the signature was right when it was made, and that was a while ago
            key = await self.sign_in.signing_key(signed.access)
            return _checked(key, _header(scope, b"x-security-token"), signed.access) if key else _revoked()
        return await self._by_signature(signed, scope, body)

    async def _by_token(self, token: str) -> Caller:
        try:
            return await self.sign_in.by_token(token)
        except NotLetIn:
            raise Unknown(_BAD_TOKEN) from None

    async def _by_provider(self, token: str) -> Caller:
        """Raises `Unknown`, and `IssuerSilent` when the issuer does not answer."""
        if self.provider is None:
            raise Unknown(_NO_PROVIDER)
        try:
            claims = await self.provider.verify(token)
        except BadToken as error:
            raise Unknown(Text(error.en, error.zh), error.audit) from None
        try:
            return await self.sign_in.by_subject(claims.subject)
        except NotLetIn as error:
            raise Unknown(_NO_USER, str(error)) from None

    async def _by_signature(self, signed: Signed, scope: "Scope", body: Body) -> Caller:
        key = await self.sign_in.signing_key(signed.access)
        try:
            check_head(signed, RawRequest.of(scope, b""), self.clock())
            # A caller without a key must not make us read megabytes.
            request = RawRequest.of(scope, b"" if key is None else await body())
            now = self.clock()
            verify(signed, _NOBODYS if key is None else key.secret, request, now)
            if key is None:
                raise no_match()
            if self.guard is not None:
                self.guard.admit(signed, request, now)
        except BadSignature as error:
            bad = f"bad signature of access key {signed.access}"
            detail = await self.sign_in.why_no_key(signed.access) if key is None else bad
            raise Unknown(Text(error.en, error.zh), detail) from None
        return _checked(key, _header(scope, b"x-security-token"), signed.access)


def _revoked() -> NoReturn:
    raise Unknown(_EXPIRED)


def _checked(key: SigningKey, security_token: str | None, access: str) -> Caller:
    if not key.fits(security_token):
        raise Unknown(_BAD_SECURITY_TOKEN, f"the security token does not belong to access key {access}")
    if key.expired:
        raise Unknown(_EXPIRED, f"access key {access} has ended")
    return key.caller


def _header(scope: "Scope", name: bytes) -> str | None:
    found: Sequence[bytes] = [value for key, value in scope["headers"] if key.lower() == name]
    if len(found) > 1:
        raise Unknown(_TWICE)
    return found[0].decode("latin-1").strip() if found else None
