"""Passwords, kept as scrypt hashes: checking one costs a tenth of a second and 32 MB, for us and for guessers."""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from typing import Final

SHORTEST: Final = 8
LONGEST: Final = 1024
_COST: Final = 2**15
_BLOCK: Final = 8
_SALT: Final = 16


def hashed(password: str) -> str:
    """What to keep of a password. Takes its time."""
    salt = secrets.token_bytes(_SALT)
    return f"scrypt${_COST}${b64encode(salt).decode()}${b64encode(_scrypt(password, salt, _COST)).decode()}"


def matches(password: str, kept: str | None) -> bool:
    """Whether this is the password. Without one to compare with it takes as long, and is not."""
    _, cost, salt, wanted = (kept or _nobodys()).split("$")
    found = _scrypt(password, b64decode(salt), int(cost))
    return hmac.compare_digest(found, b64decode(wanted)) and kept is not None


def _scrypt(password: str, salt: bytes, cost: int) -> bytes:
    raw = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(raw, salt=salt, n=cost, r=_BLOCK, p=1, maxmem=256 * cost * _BLOCK, dklen=32)


def _nobodys() -> str:
    return f"scrypt${_COST}${b64encode(bytes(_SALT)).decode()}${b64encode(bytes(32)).decode()}"
