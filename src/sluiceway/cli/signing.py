"""Credentials of commands: an access key or a token from the environment, or none."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from sluiceway.cli.output import Failed

ALGORITHM: Final = "SDK-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Credential:
    """The credential in the environment. An access key goes before a token."""

    access: str = ""
    secret: str = ""
    security_token: str = ""  # of temporary credentials
    token: str = ""  # of the service, or of an identity provider

    @classmethod
    def of_environment(cls) -> Self:
        """Raises `Failed` for half an access key."""
        names = ("ACCESS_KEY", "SECRET_KEY", "SECURITY_TOKEN", "TOKEN")
        found = cls(*(os.environ.get(f"SLUICEWAY_{name}", "").strip() for name in names))
        if bool(found.access) != bool(found.secret):
            raise Failed("SLUICEWAY_ACCESS_KEY and SLUICEWAY_SECRET_KEY go together; one of them is missing.", code=2)
        return found

    def headers(self, method: str, target: str, host: str, body: bytes | None) -> Mapping[str, str]:
        """The headers of a request; `target` is the path with its query."""
        if self.access:
            return self._signed(method, target, host, body or b"", datetime.now(UTC))
        if self.token.count(".") == 2:  # a JWT, which an identity provider has made
            return {"Authorization": f"Bearer {self.token}"}
        return {"X-Auth-Token": self.token} if self.token else {}

    def _signed(self, method: str, target: str, host: str, body: bytes, now: datetime) -> Mapping[str, str]:
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


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
