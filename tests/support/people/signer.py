"""A signer of one's own, written from the description of `SDK-HMAC-SHA256` and from nothing of the service's."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

UNRESERVED = "-_.~"


@dataclass(frozen=True)
class Call:
    """What a client wants to send."""

    method: str = "GET"
    segments: Sequence[str] = ()
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] | None = None
    body: bytes = b""
    host: str = "127.0.0.1:8640"

    @property
    def path(self) -> str:
        """The path of the request line."""
        return "/" + "/".join(quote(each, safe=UNRESERVED) for each in self.segments)

    @property
    def query_string(self) -> str:
        """The query of the request line, in the order given."""
        return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in self.query)


def signed(
    call: Call, access: str, secret: str, now: datetime, unsigned: Sequence[tuple[str, str]] = (), *, host: bool = True
) -> list[tuple[str, str]]:
    """The headers to send. What is `unsigned` is added after the signature was made, as Go's clients do, which leave
    out the `host`, too.
    """
    headers = {"host": call.host, "x-sdk-date": now.strftime("%Y%m%dT%H%M%SZ"), **(call.headers or {})}
    by_name = {name.lower(): value.strip() for name, value in headers.items()}
    names = sorted(by_name if host else by_name.keys() - {"host"})
    path = quote("/" + "/".join(call.segments), safe="/" + UNRESERVED)  # a slash in a segment is one between segments
    canonical = [call.method, path + ("" if path.endswith("/") else "/")]
    canonical.append("&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(call.query)))
    canonical.extend(f"{name}:{by_name[name]}" for name in names)
    canonical += ["", ";".join(names), hashlib.sha256(call.body).hexdigest()]
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    text = f"SDK-HMAC-SHA256\n{by_name['x-sdk-date']}\n{digest}"
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    authorization = f"SDK-HMAC-SHA256 Access={access}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return [*headers.items(), ("Authorization", authorization), *unsigned]


def _quoted(text: str) -> str:
    return quote(text, safe=UNRESERVED)
