"""Paths as Flink writes and reads them: nothing in its URIs is escaped, a space is a space and %20 is %20."""

import re
from typing import Final

METADATA: Final = "_metadata"  # the file that makes a directory a savepoint or checkpoint
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")


def scheme_of(text: str) -> str | None:
    """The scheme of a URI, in lower case; None for a path."""
    scheme = _SCHEME.match(text)
    return scheme[1].lower() if scheme else None


def has_scheme(text: str) -> bool:
    """Whether it is a URI, rather than a path."""
    return scheme_of(text) is not None


def local_path(text: str) -> str | None:
    """The path on this machine that a path or URI means; None for another scheme or another machine."""
    scheme = _SCHEME.match(text)
    path = text[scheme.end() :] if scheme else text
    if path.startswith("//"):
        host, _, path = path[2:].partition("/")
        path = f"/{path}" if host in {"", "localhost"} else ""
    # Flink reads a backslash as a slash.
    if not path or "\\" in path or (scheme and scheme[1].lower() != "file"):
        return None
    return path
