"""HTTP as Go's `net/http` writes it, byte for byte: which headers, in which order, with which body."""

import http.client
import io
import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

_FIRST = ("Host", "User-Agent", "Content-Length")  # written before all others, which come by name


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]  # by their names in lower case
    body: bytes


class Client:
    """One keep-alive connection, as Go's transport holds it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host = parts.netloc
        self._address = (parts.hostname or "", parts.port or 80)
        self._socket: socket.socket | None = None
        self.sent: list[bytes] = []

    def close(self) -> None:
        """Let go of the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """One request. `target` is the path as it is encoded, with its query."""
        raw = request(method, target, self.host, headers, body)
        self.sent.append(raw)
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=60)
        self._socket.sendall(raw)
        came = http.client.HTTPResponse(self._socket, method=method)
        came.begin()
        content = came.read()
        if came.will_close:
            self.close()
        return Answer(came.status, {name.lower(): value for name, value in came.getheaders()}, content)


def request(method: str, target: str, host: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """The bytes of a request. Host and User-Agent come first, then the length, then the rest by name."""
    out = io.StringIO()
    out.write(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {headers['User-Agent']}\r\n")
    if body or method in {"POST", "PUT", "PATCH"}:
        out.write(f"Content-Length: {len(body or b'')}\r\n")
    for name in sorted(headers.keys() - set(_FIRST)):
        out.write(f"{name}: {headers[name]}\r\n")
    out.write("Accept-Encoding: gzip\r\n\r\n")  # the transport's own, which nobody signs
    return out.getvalue().encode() + (body or b"")


def path_of(target: str) -> str:
    """`URL.Path`: decoded, where a plus stays one."""
    return unquote(target.partition("?")[0])


def parsed(url: str) -> str:
    """A URL as Go has parsed it: what stands in its path unescaped and may not, such as a blank, is escaped."""
    path, mark, query = url.partition("?")
    return quote(path, safe="/%:@!$&'()*+,;=-._~") + mark + query


def escaped(text: str) -> str:
    """A part of a canonical request: all but letters, digits and `-_.~` as %XX."""
    kept = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-~."
    return "".join(chr(byte) if byte in kept else f"%{byte:02X}" for byte in text.encode())


def sorted_json(value: Any) -> bytes:
    """What golangsdk sends: options become a map, whose keys Go sorts; compact, UTF-8, and a line feed at the end."""
    return _encoded(value, sort=True)


def ordered_json(fields: Sequence[tuple[str, Any]]) -> bytes:
    """What the official SDK sends: a struct in the order of its declaration, nothing of what is nil."""
    return _encoded({name: value for name, value in fields if value is not None}, sort=False)


def _encoded(value: Any, *, sort: bool) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode() + b"\n"
