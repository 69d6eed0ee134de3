"""Credentials of commands: what they sign requests with, or a token, or none."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol, Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from sluiceway.cli.language import t
from sluiceway.cli.output import Failed

ALGORITHM: Final = "SDK-HMAC-SHA256"


class Signer(Protocol):
    """Shows the service who calls."""

    @property
    def advice(self) -> str:
        """What to do next where the service does not take it; empty where its owner knows."""

    @property
    def signs(self) -> bool:
        """Whether it signs each request, with the whole of its body."""

    def headers(self, method: str, target: str, host: str, body: bytes | None) -> Mapping[str, str]:
        """The headers of a request; `target` is the path with its query. Raises `Failed`."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential. An access key goes before a token."""

    access: str = ""
    secret: str = field(default="", repr=False)
    security_token: str = field(default="", repr=False)  # of temporary credentials
    token: str = field(default="", repr=False)  # of the service, or of an identity provider
    advice: str = field(default="", compare=False)

    @property
    def signs(self) -> bool:
        """See `Signer`."""
        return bool(self.access)

    @classmethod
    def of_environment(cls) -> Self:
        """Raises `Failed` for half an access key."""
        names = ("ACCESS_KEY", "SECRET_KEY", "SECURITY_TOKEN", "TOKEN")
        found = cls(*(os.environ.get(f"SLUICEWAY_{name}", "").strip() for name in names))
        if bool(found.access) != bool(found.secret):
            raise Failed(
                t("SLUICEWAY_ACCESS_KEY and SLUICEWAY_SECRET_KEY go together; one of them is missing."), code=2
            )
        return found

    def headers(self, method: str, target: str, host: str, body: bytes | None) -> Mapping[str, str]:
        """See `Signer`."""
        if self.access:
            return self._signed(method, target, host, body or b"", datetime.now(UTC))
        return token_headers(self.token)

    def _signed(self, method: str, target: str, host: str, body: bytes, now: datetime) -> Mapping[str, str]:
        import hashlib  # most calls have a token, or nothing; these take longer to load than such a call to be made
        import hmac
        import secrets

        # Dates are in seconds. Asked twice within one, the second request would be taken for the first, replayed.
        once = {"x-sluiceway-once": secrets.token_hex(8)}
        headers = {"host": host, "x-sdk-date": now.strftime("%Y%m%dT%H%M%SZ"), **once}
        if self.security_token:
            headers["x-security-token"] = self.security_token
        parts, names = urlsplit(target), ";".join(sorted(headers))
        lines = [
            method,
            quote(unquote(parts.path), safe="/-_.~").rstrip("/") + "/",
            "&".join(f"{_quoted(k)}={_quoted(v)}" for k, v in sorted(parse_qsl(parts.query, keep_blank_values=True))),
            *(f"{name}:{headers[name]}" for name in sorted(headers)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        ]
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        to_sign = f"{ALGORITHM}\n{headers['x-sdk-date']}\n{digest}"
        signature = hmac.new(self.secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        return headers | {
            "Authorization": f"{ALGORITHM} Access={self.access}, SignedHeaders={names}, Signature={signature}"
        }


def token_headers(token: str) -> Mapping[str, str]:
    """The headers that a token goes in; none for none."""
    if is_jwt(token):
        return {"Authorization": f"Bearer {token}"}
    return {"X-Auth-Token": token} if token else {}


def is_jwt(token: str) -> bool:
    """Whether an identity provider has made it, and not the service."""
    return token.count(".") == 2


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
