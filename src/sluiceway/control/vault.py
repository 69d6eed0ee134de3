"""Secrets that must be had back are sealed with a key of the service's own, which the database does not hold."""

import os
import secrets
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_FILE: Final = "secret.key"  # in the data directory, unless a setting names another
_LENGTH: Final = 32
_NONCE: Final = 12


class BadKeyFile(Exception):  # noqa: N818 - it is what it is
    """The file of the key cannot be used, or is not the one that the secrets were sealed with."""


class Vault:
    """Seals texts (AES-256-GCM), each bound to a name, so that one cannot be put in the place of another."""

    def __init__(self, key: bytes) -> None:
        """`key` has 32 bytes."""
        self._cipher = AESGCM(key)

    def seal(self, text: str, name: str) -> str:
        """The text, for nobody to read without the key."""
        nonce = secrets.token_bytes(_NONCE)
        return b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), name.encode())).decode()

    def open(self, sealed: str, name: str) -> str:
        """The text back. Raises `BadKeyFile`."""
        raw = b64decode(sealed)
        try:
            return self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], name.encode()).decode()
        except InvalidTag:
            raise BadKeyFile("A stored secret was sealed with another key than --secret-key-file holds.") from None


def open_vault(path: Path) -> Vault:
    """The vault of a key file; a file that is not there is made, for its owner's eyes alone. Raises `BadKeyFile`."""
    try:
        _make(path)
        key = bytes.fromhex(path.read_text().strip())
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise BadKeyFile(f"--secret-key-file {path} cannot be used: {why}") from error
    except ValueError:
        key = b""
    if len(key) != _LENGTH:
        raise BadKeyFile(f"--secret-key-file {path} does not hold a key: 64 hexadecimal digits on one line.")
    return Vault(key)


def _make(path: Path) -> None:
    """Written beside it and linked into place: of two who make it at once, both then read the same."""
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
