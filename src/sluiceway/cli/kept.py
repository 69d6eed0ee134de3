"""Sign-ins that `sluiceway login` has kept: a file for each context, for its owner alone."""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from sluiceway.cli import private
from sluiceway.cli.language import t
from sluiceway.cli.output import NOT_ALLOWED, Failed


class Kept(Struct, frozen=True, omit_defaults=True):
    """A sign-in. Its tokens are for `server` alone; times are seconds since 1970 by this machine's clock."""

    server: str
    user: str
    token: str  # of the service, for no project; or of an issuer: a JWT
    ends: float
    projects: dict[str, str] = {}  # tokens of single projects that it was exchanged for, which end with it
    refresh_token: str = ""
    token_endpoint: str = ""  # of the issuer
    client_id: str = ""
    audience: str = ""

    def __repr__(self) -> str:
        return f"Kept({self.user} at {self.server})"  # what is secret must not get into a trace

    @property
    def ended(self) -> bool:
        """Whether it is past its end, and nothing makes another token of it."""
        return self.ends <= time.time() and not self.refresh_token


def key_of(context: str, server: str) -> str:
    """What the sign-in of a context is called, or where there is none that of a server."""
    return context or f"@{hashlib.sha256(server.encode()).hexdigest()[:16]}"  # no context's name begins so


def read(key: str) -> Kept | None:
    """Raises `Failed`, also where others can read the file."""
    path = _path(key)
    text = private.read_secret(path) if path else None
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=Kept)
    except (msgspec.DecodeError, RecursionError):
        raise Failed(
            t("{path} is not what `sluiceway login` has written. Next: sluiceway login", path=path), code=NOT_ALLOWED
        ) from None


def write(key: str, kept: Kept) -> None:
    """Raises `Failed`."""
    path = _path(key)
    if path is None:
        raise Failed(t("There is no home directory to keep the sign-in in. Set XDG_STATE_HOME."), code=2)
    private.write(path, msgspec.json.encode(kept).decode())


def forget(key: str) -> None:
    """Remove it, whatever it holds. Raises `Failed`."""
    path = _path(key)
    try:
        if path is not None:
            path.unlink(missing_ok=True)
            Path(f"{path}.lock").unlink(missing_ok=True)
    except OSError as error:
        raise Failed(t("{path} cannot be removed: {why}.", path=path, why=error.strerror)) from error


@contextmanager
def alone(key: str) -> Iterator[None]:
    """Keep other commands from changing it meanwhile: a refresh token may be good for one use."""
    path = _path(key)
    lock = -1
    if path is not None:
        with suppress(OSError):  # a directory that nobody can write has no other writer either
            lock = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        if lock >= 0:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        if lock >= 0:
            os.close(lock)


def _path(key: str) -> Path | None:
    place = private.directory("XDG_STATE_HOME", ".local/state")
    return place / "sign-ins" / f"{key}.json" if place else None
