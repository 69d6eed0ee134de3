"""The signature `SDK-HMAC-SHA256`: a request proves that its sender knows the secret of an access key.

It computes the signed text from the bytes that arrived. Nothing else counts as signed: a header that
`SignedHeaders` does not list may have been put in or changed by anybody on the way.
"""

import hashlib
import heapq
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import quote, unquote_to_bytes

if TYPE_CHECKING:
    from litestar.types import Scope

ALGORITHM: Final = "SDK-HMAC-SHA256"
WINDOW: Final = timedelta(minutes=15)  # that the date of a request may be from now, before or after
MUST_SIGN: Final = ("x-sdk-date",)  # Go's clients sign no host (docs/decisions/0027)
READS: Final = frozenset({"GET", "HEAD"})  # whose repeat changes nothing
UNSIGNED: Final = b"UNSIGNED-PAYLOAD"

_MAX_HEADER: Final = 8192  # characters of the Authorization header
_MAX_SIGNED: Final = 100  # headers in SignedHeaders
_AUTHORIZATION: Final = re.compile(
    r"Access=(?P<access>[!-+\--~]{1,256}),[ ]*"
    r"SignedHeaders=(?P<headers>[a-z0-9!#$%&'*+.^_`|~;-]+),[ ]*"
    r"Signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)
_DATE: Final = re.compile(rb"[0-9]{8}T[0-9]{6}Z")
_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-F]{2})")


class BadSignature(Exception):
    """Why a request is refused. The caller may see both texts."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en = en
        self.zh = zh


@dataclass(frozen=True, slots=True)
class Signed:
    """What an Authorization header says."""

    access: str
    headers: tuple[str, ...]
    signature: str


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as it arrived: path and query still encoded, headers in their order."""

    method: str
    path: bytes
    query: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    @classmethod
    def of(cls, scope: "Scope", body: bytes) -> Self:
        """The request of an HTTP scope."""
        path = scope["raw_path"]
        return cls(str(scope.get("method", "")), path, scope["query_string"], list(scope["headers"]), body)


class _Headers:
    """Headers by name. Found in one pass: hostile ones may be many."""

    def __init__(self, request: RawRequest) -> None:
        self._values: dict[bytes, list[bytes]] = {}
        for name, value in request.headers:
            self._values.setdefault(name.lower(), []).append(value.strip(b" \t"))

    def get(self, name: str) -> bytes | None:
        """The one value of a header. Raises `BadSignature` when there are more."""
        values = self._values.get(name.encode(), [])
        if len(values) > 1:
            raise BadSignature(f"the header {name} is there more than once", f"请求头 {name} 重复")
        return values[0] if values else None

    def need(self, name: str) -> bytes:
        """The one value of a header that has to be there. Raises `BadSignature`."""
        value = self.get(name)
        if value is None:
            raise BadSignature(f"the header {name} is signed and missing", f"缺少已签名的请求头 {name}")
        return value


def read(authorization: str) -> Signed:
    """What the header says. Raises `BadSignature`."""
    algorithm, _, rest = authorization.strip(" ").partition(" ")
    if algorithm != ALGORITHM:
        named = ascii(algorithm[:40])[1:-1]
        raise BadSignature(
            f"the algorithm {named} is not supported; sign with {ALGORITHM}",
            f"不支持算法 {named}，请使用 {ALGORITHM}",
        )
    found = _AUTHORIZATION.fullmatch(rest.lstrip(" ")) if len(authorization) <= _MAX_HEADER else None
    names = tuple(found["headers"].split(";")) if found else ()
    if not found or not all(names) or len(set(names)) != len(names) or len(names) > _MAX_SIGNED:
        raise BadSignature(
            f"the Authorization header is malformed; it reads {ALGORITHM} Access=…, SignedHeaders=…, Signature=…",
            f"Authorization 头格式错误，应为 {ALGORITHM} Access=…, SignedHeaders=…, Signature=…",
        )
    return Signed(found["access"], names, found["signature"])


def check_head(signed: Signed, request: RawRequest, now: datetime) -> None:
    """Raises `BadSignature` for what is wrong whatever the body is, so that it need not be read."""
    if missing := [name for name in MUST_SIGN if name not in signed.headers]:
        raise BadSignature(f"{', '.join(missing)} must be signed", f"必须对 {', '.join(missing)} 签名")
    headers = _Headers(request)
    headers.get("authorization")  # one at most
    _check_date(_date(headers), now)


def verify(signed: Signed, secret: str, request: RawRequest, now: datetime) -> None:
    """Raises `BadSignature` unless the holder of the secret has signed just this request, and lately.

    For an access key that does not exist, verify with any secret, so that the time taken does not tell.
    """
    check_head(signed, request, now)
    headers = _Headers(request)
    lines = [
        request.method.encode(errors="replace"),
        _canonical_path(request.path),
        _canonical_query(request.query),
        b"".join(b"%s:%s\n" % (name.encode(), headers.need(name)) for name in signed.headers),
        ";".join(signed.headers).encode(),
        _body_hash(request.body, headers),
    ]
    hashed = hashlib.sha256(b"\n".join(lines)).hexdigest().encode()
    to_sign = b"\n".join([ALGORITHM.encode(), headers.need("x-sdk-date"), hashed])
    wanted = hmac.new(secret.encode(), to_sign, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted.encode(), signed.signature.encode(errors="replace")):
        raise no_match()


def no_match() -> BadSignature:
    """The same words for an unknown key and a wrong signature: strangers must not learn which keys exist."""
    return BadSignature(
        "the access key is not valid, or the signature does not match; check the access key and its secret, and that"
        " nothing on the way changes Host, User-Agent, the path or the body",
        "访问密钥无效或签名不匹配；请检查 AK 和 SK，并确认传输途中没有改动 Host、User-Agent、路径或请求体",
    )


def _date(headers: _Headers) -> datetime:
    date = headers.need("x-sdk-date")
    try:
        if not _DATE.fullmatch(date):
            raise ValueError
        return datetime.strptime(date.decode(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise BadSignature(
            "X-Sdk-Date is not a time like 20260102T030405Z", "X-Sdk-Date 不是形如 20260102T030405Z 的时间"
        ) from None


def _check_date(date: datetime, now: datetime) -> None:
    if abs(now - date) > WINDOW:
        minutes = int(WINDOW.total_seconds() // 60)
        raise BadSignature(
            f"X-Sdk-Date is more than {minutes} minutes from the service's clock, which shows {now:%Y%m%dT%H%M%SZ};"
            " set your clock",
            f"X-Sdk-Date 与服务时间 {now:%Y%m%dT%H%M%SZ} 相差超过 {minutes} 分钟，请校准时钟",
        )


def _canonical_path(raw: bytes) -> bytes:
    # Decoded before it is split, as the signers do: an encoded slash is a slash to the router, too.
    path = "/".join(quote(part, safe="") for part in _decoded(raw).split(b"/"))
    return (path if path.endswith("/") else path + "/").encode()


def _canonical_query(raw: bytes) -> bytes:
    # A plus is a blank, which is how the query is read afterwards.
    pairs = sorted(_pair(each) for each in raw.replace(b"+", b"%20").split(b"&") if each)
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs).encode()


def _pair(raw: bytes) -> tuple[bytes, bytes]:
    name, _, value = raw.partition(b"=")
    return _decoded(name), _decoded(value)


def _decoded(raw: bytes) -> bytes:
    """Without percent-encoding. One way of writing a byte as an escape is enough, so that no bit is without meaning."""
    if _BAD_ESCAPE.search(raw):
        raise BadSignature(
            "an escape in the path or query is not % and two hexadecimal digits in upper case",
            "路径或查询参数中的转义必须是 % 加两位大写十六进制数字",
        )
    return unquote_to_bytes(raw)


def _body_hash(body: bytes, headers: _Headers) -> bytes:
    """The hash of the body that is here. A hash in a header must say the same, and a body must be signed."""
    real = hashlib.sha256(body).hexdigest().encode()
    told = headers.get("x-sdk-content-sha256")
    if not body or told is None:
        return real
    if told == UNSIGNED:
        raise BadSignature(
            "the body is not signed (X-Sdk-Content-Sha256 is UNSIGNED-PAYLOAD); send JSON with Content-Type"
            " application/json",
            "请求体未签名（X-Sdk-Content-Sha256 为 UNSIGNED-PAYLOAD）；请以 Content-Type application/json 发送 JSON",
        )
    if not hmac.compare_digest(told, real):
        raise BadSignature("X-Sdk-Content-Sha256 is not the hash of the body", "X-Sdk-Content-Sha256 与请求体不符")
    return real


class ReplayGuard:
    """Accepts each signed write once. It remembers them in this process for as long as they are valid.

    Equal calls within one second have equal signatures, so a client that means two such writes is refused the second.
    It accepts repeated reads: clients repeat them within a second, and an attacker who repeats one that was
    recorded learns what stands there now, which only TLS can keep from them.
    """

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._seen: set[str] = set()
        self._ends: list[tuple[datetime, str]] = []

    def admit(self, signed: Signed, request: RawRequest, now: datetime) -> None:
        """Remember a request that has been verified. Raises `BadSignature` for a write that was here before."""
        if request.method in READS:
            return
        while self._ends and self._ends[0][0] < now:
            self._seen.discard(heapq.heappop(self._ends)[1])
        if signed.signature in self._seen:
            raise BadSignature("this request was sent before; sign it again", "该请求已被处理过，请重新签名")
        if len(self._seen) >= self._most:
            raise BadSignature(
                "too many signed requests within the last minutes to recognize a repeated one; wait a little",
                "最近几分钟内的签名请求过多，无法判断是否重放，请稍后重试",
            )
        self._seen.add(signed.signature)
        heapq.heappush(self._ends, (_date(_Headers(request)) + WINDOW, signed.signature))
