"""What opens a protected cluster, as aiohttp takes it."""

import contextlib
import resource
import ssl
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from sluiceway.domain.clusters import Credentials

PER_HOST = 128  # connections to one host at once
MOST_KEPT: Final = 10_000  # clusters to which connections stay open between requests
SPARED: Final = 400  # files and connections that are for everything else


class BadCertificate(Exception):
    """Certificates or a key cannot be used; the message says which, and nothing of what they hold."""


@dataclass(frozen=True, slots=True)
class Door:
    """An HTTP session of a place's own; or why there is none."""

    key: str  # of the place
    session: aiohttp.ClientSession | None
    trouble: str = field(default="")


def open_door(key: str, credentials: Credentials | None) -> Door:
    """A door, which its owner closes. It is opened without asking anything."""
    if credentials is None:
        return Door(key, None, "what opens the cluster has just been changed")
    try:
        context = tls_context(credentials)
    except BadCertificate as error:
        return Door(key, None, str(error))
    return Door(key, aiohttp.ClientSession(connector=connections(context), headers=headers(credentials)))


def connections(tls: ssl.SSLContext | None = None) -> aiohttp.TCPConnector:
    """A pool for any number of clusters; a slow one cannot take every connection."""
    return aiohttp.TCPConnector(limit=0, limit_per_host=PER_HOST, ttl_dns_cache=60, ssl=tls or True)


def most_kept() -> int:
    """To how many clusters connections may stay open between requests: what is open counts as a file (`ulimit -n`)."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return MOST_KEPT
    return min(MOST_KEPT, max(0, allowed - SPARED) // 2)  # some have several, while many of their jobs are stopped


def headers(credentials: Credentials) -> dict[str, str]:
    """The headers that are sent with each request."""
    sent = dict(credentials.headers)
    if credentials.user:
        sent["Authorization"] = "Basic " + b64encode(f"{credentials.user}:{credentials.password}".encode()).decode()
    return sent


def tls_context(credentials: Credentials) -> ssl.SSLContext | None:
    """How to speak TLS; None for the usual way. Raises `BadCertificate`."""
    if not credentials.ca and not credentials.certificate:
        return None
    try:
        context = ssl.create_default_context(cadata=credentials.ca or None)
    except (ssl.SSLError, ValueError) as error:
        raise BadCertificate("ca is not valid: it holds no certificate that can be read (PEM)") from error
    if credentials.certificate:
        try:
            with _file(credentials.certificate + "\n" + credentials.key) as path:
                # Without a password OpenSSL would ask for one at the terminal.
                context.load_cert_chain(path, password=lambda: "")
        except (ssl.SSLError, ValueError, OSError) as error:
            raise BadCertificate(
                "certificate is not valid: it and the key are no pair in PEM without a password"
            ) from error
    return context


@contextlib.contextmanager
def _file(text: str) -> Iterator[Path]:
    """A file for its owner's eyes alone, for as long as OpenSSL reads it."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".pem") as file:
        file.write(text)
        file.flush()
        yield Path(file.name)
