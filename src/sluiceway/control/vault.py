"""Seals secrets that the service must read again, with a key of its own outside of the database."""

import os
import secrets
from base64 import b64decode, b64encode
from functools import cached_property
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_LENGTH: Final = 32
_NONCE: Final = 12


class BadKeyFile(Exception):
    """The file of the key cannot be used, or is not the one that the secrets were sealed with."""


class Vault:
    """Seals texts (AES-256-GCM), each bound to a name, so that none can replace another.

    The file of the key is read when it is first needed, and made for its owner's eyes alone if it is not there.
    """

    def __init__(self, key_file: Path) -> None:
        """`key_file` holds 64 hexadecimal digits."""
        self._key_file = key_file

    def seal(self, text: str, name: str) -> str:
        """The sealed text. Raises `BadKeyFile`."""
        nonce = secrets.token_bytes(_NONCE)
        return b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), name.encode())).decode()

    def open(self, sealed: str, name: str) -> str:
        """The text of a sealed one. Raises `BadKeyFile`."""
        raw = b64decode(sealed)
        try:
            return self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], name.encode()).decode()
        except InvalidTag:
            raise BadKeyFile(
                f"--secret-key-file {self._key_file} is not the one that stored access keys were sealed with."
            ) from None

    @cached_property
    def _cipher(self) -> AESGCM:
        return AESGCM(_read(self._key_file))


def _read(path: Path) -> bytes:
    try:
        _make(path)
        key = bytes.fromhex(path.read_text().strip())
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise BadKeyFile(f"--secret-key-file {path} cannot be used: {why}.") from error
    except ValueError:
        key = b""
    if len(key) != _LENGTH:
        raise BadKeyFile(f"--secret-key-file {path} does not hold a key: 64 hexadecimal digits on one line.")
    return key


def _make(path: Path) -> None:
    """Write it beside its place and link it there: two services that make it at once read the same."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_hex(_LENGTH) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
