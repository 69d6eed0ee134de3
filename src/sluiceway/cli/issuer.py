"""Tokens of an OIDC issuer for a command: device authorization (RFC 8628), and refreshing (RFC 6749, section 6).

What is asked is what the issuer's own metadata names, over https or on this machine, and no redirect is followed.
"""

import base64
import http.client
import ipaddress
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from sluiceway.cli.language import t
from sluiceway.cli.output import NO_SERVICE, NOT_ALLOWED, Failed, one_line
from sluiceway.cli.trust import trusting

TIMEOUT: Final = 10.0  # seconds for one answer
DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"
SLOWER: Final = 5.0  # seconds that are added when the issuer wants to be asked less often (section 3.5)
_LONGEST: Final = 3600.0  # seconds that a code is waited for, whatever the issuer says
_OFTEN: Final = (1.0, 60.0)  # seconds between two questions, at least and at most, to begin with
_FOREVER: Final = 1e9  # seconds that no token lasts
_MOST: Final = 1 << 20  # bytes of an answer
_MAX_TOKEN: Final = 16 * 1024  # characters, as the service takes them

T = TypeVar("T")


class Silent(Failed):
    """The issuer gave no usable answer; it may give one later."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code=NO_SERVICE)


class Metadata(Struct, frozen=True):
    """What an issuer says of itself, as far as it is needed here."""

    issuer: str
    token_endpoint: str
    device_authorization_endpoint: str = ""
    scopes_supported: list[str] = []


class Code(Struct, frozen=True):
    """What the user enters where (section 3.2)."""

    device_code: str
    user_code: str
    verification_uri: str
    expires_in: float
    verification_uri_complete: str = ""
    interval: float = 5.0

    def __repr__(self) -> str:
        return f"Code({self.user_code})"  # the device code is a secret


class Tokens(Struct, frozen=True):
    """What the issuer has given out."""

    access_token: str = ""
    id_token: str = ""
    refresh_token: str = ""

    def __repr__(self) -> str:
        return "Tokens()"


class _Refusal(Struct, frozen=True):
    error: str
    error_description: str = ""


def discover(issuer: str, authority: Path | None) -> Metadata:
    """The metadata of an issuer. Raises `Failed`."""
    if not _safe(issuer, issuer):
        raise Failed(
            one_line(t("The service names the issuer {issuer}, which is not an address of https.", issuer=issuer))
        )
    status, raw = _ask(issuer.rstrip("/") + "/.well-known/openid-configuration", authority)
    found = _read(raw, Metadata) if status == 200 else None
    if found is None or found.issuer != issuer:
        raise Failed(
            one_line(
                t("The issuer {issuer} does not say what it offers (HTTP {status}).", issuer=issuer, status=status)
            ),
            code=NO_SERVICE,
        )
    for url in (found.token_endpoint, found.device_authorization_endpoint):
        if url and not _safe(url, issuer):
            raise Failed(
                one_line(
                    t(
                        "The issuer {issuer} names {url}, which is neither https nor its own address.",
                        issuer=issuer,
                        url=url,
                    )
                )
            )
    return found


def begin(metadata: Metadata, client_id: str, authority: Path | None) -> Code:
    """Ask for a code. Raises `Failed`."""
    if not metadata.device_authorization_endpoint:
        raise Failed(
            one_line(
                t(
                    "The issuer {issuer} has no device authorization. Sign in with a password (sluiceway "
                    "login NAME), or set SLUICEWAY_TOKEN to a token of it.",
                    issuer=metadata.issuer,
                )
            ),
            code=NOT_ALLOWED,
        )
    scopes = ["openid", *(scope for scope in ("offline_access",) if scope in metadata.scopes_supported)]
    form = {"client_id": client_id, "scope": " ".join(scopes)}
    status, raw = _ask(metadata.device_authorization_endpoint, authority, form)
    found = _read(raw, Code) if status == 200 else None
    if found is None:
        raise Failed(
            _words(t("The issuer gives no code to client {client_id}", client_id=client_id), status, raw),
            code=NOT_ALLOWED,
        )
    return found


def wait(metadata: Metadata, code: Code, client_id: str, authority: Path | None) -> Tokens:
    """Ask, as often as the issuer lets us, until the user has confirmed. Raises `Failed`."""
    form = {"grant_type": DEVICE, "device_code": code.device_code, "client_id": client_id}
    interval = min(max(code.interval, _OFTEN[0]), _OFTEN[1])
    end = time.monotonic() + min(max(code.expires_in, 0.0), _LONGEST)
    while time.monotonic() + interval < end:
        time.sleep(interval)
        try:
            found = after(*_ask(metadata.token_endpoint, authority, form), interval)
        except Silent:
            interval *= 2  # section 3.5: fewer questions where they are not answered
            continue
        if isinstance(found, Tokens):
            return found
        interval = found
    raise _too_late()


def after(status: int, raw: bytes, interval: float) -> Tokens | float:
    """What an answer to the question for tokens means: them, or the seconds to wait before the next question.

    Raises `Failed` where no further question helps.
    """
    if status == 200:
        return _tokens(status, raw)
    refusal = _read(raw, _Refusal)
    error = refusal.error if refusal else ""
    if error == "authorization_pending":
        return interval
    if error == "slow_down" or status == 429 or status >= 500:
        return interval + SLOWER
    if error == "access_denied":
        raise Failed(t("You, or the issuer, have denied it; nothing was kept."), code=NOT_ALLOWED)
    if error == "expired_token":
        raise _too_late()
    raise Failed(_words(t("The issuer gives no token"), status, raw), code=NOT_ALLOWED)


def refresh(endpoint: str, client_id: str, refresh_token: str, authority: Path | None) -> Tokens:
    """New tokens in place of those that end. Raises `Failed`; `Silent` where the issuer does not answer."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": client_id}
    status, raw = _ask(endpoint, authority, form)
    if status == 429 or status >= 500:
        raise Silent(t("The issuer gives no new token now (HTTP {status}). Try again later.", status=status))
    if status != 200:
        raise Failed(
            _words(t("Your sign-in has ended"), status, raw) + " " + t("Next: sluiceway login"), code=NOT_ALLOWED
        )
    return _tokens(status, raw)


def fit_for(tokens: Tokens, audience: str) -> tuple[str, Mapping[str, Any]]:
    """The token that the service takes, and its claims. Raises `Failed`. The service verifies it; nobody does here."""
    meant: list[str] = []
    for token in (tokens.access_token, tokens.id_token):
        claims = _claims(token)
        said = claims.get("aud")
        named = [one for one in (said if isinstance(said, list) else [said]) if isinstance(one, str)]
        if audience in named:
            return token, claims
        meant += named
    whom = ", ".join(dict.fromkeys(meant)) or t("nobody that they name")
    raise Failed(
        one_line(
            t(
                "The issuer's tokens are for {whom}, and the service takes those for {audience}. Have an "
                "administrator set --oidc-client-id to a client whose tokens name that audience.",
                whom=whom,
                audience=audience,
            )
        ),
        code=NOT_ALLOWED,
    )


def lasts(claims: Mapping[str, Any]) -> float:
    """Seconds that a token is good for from now on; by the issuer's clock alone, where it tells both times."""
    end, begun = claims.get("exp"), claims.get("iat")
    if not isinstance(end, int | float):
        return 0.0
    seconds = end - (begun if isinstance(begun, int | float) else time.time())
    return float(seconds) if 0 < seconds < _FOREVER else 0.0


def _claims(token: str) -> Mapping[str, Any]:
    parts = token.split(".")
    if len(parts) != 3 or len(token) > _MAX_TOKEN:
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _tokens(status: int, raw: bytes) -> Tokens:
    found = _read(raw, Tokens)
    if found is None:
        raise Failed(_words(t("The issuer gives no token"), status, raw), code=NOT_ALLOWED)
    return found


def _too_late() -> Failed:
    return Failed(
        t("The time for the code is up, and nobody has confirmed it. Next: sluiceway login"), code=NOT_ALLOWED
    )


def _words(what: str, status: int, raw: bytes) -> str:
    refusal = _read(raw, _Refusal)
    said = ": ".join(filter(None, (refusal.error, refusal.error_description))) if refusal else f"HTTP {status}"
    return one_line(t("{what} ({said}).", what=what, said=said[:300]))


def _read(raw: bytes, form: type[T]) -> T | None:
    try:
        return msgspec.json.decode(raw, type=form)
    except (msgspec.DecodeError, RecursionError):
        return None


def _ask(url: str, authority: Path | None, form: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """The status and content of an answer, of which too large a one counts as none. Raises `Failed`."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=trusting(authority))
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    try:
        body = None if form is None else urlencode(form)
        connection.request("GET" if form is None else "POST", target, body, headers)
        response = connection.getresponse()
        content = response.read(_MOST + 1)
    except (OSError, http.client.HTTPException) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
        raise Silent(
            one_line(
                t(
                    "The issuer does not answer at {scheme}://{netloc} ({why}).",
                    scheme=parts.scheme,
                    netloc=parts.netloc,
                    why=why,
                )
            )
        ) from error
    finally:
        connection.close()
    return response.status, content if len(content) <= _MOST else b""


def _safe(url: str, issuer: str) -> bool:
    try:
        parts, own = urlsplit(url), urlsplit(issuer)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    same = (parts.scheme, parts.netloc) == (own.scheme, own.netloc)
    return parts.scheme == "https" or (parts.scheme == "http" and same and is_here(host))


def is_here(host: str) -> bool:
    """Whether only this machine can be meant."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
