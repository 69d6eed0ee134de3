"""Files of the user's own: where they are (XDG Base Directory Specification), how they are read and written."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from sluiceway.cli.language import t
from sluiceway.cli.output import NOT_ALLOWED, Failed

MOST: Final = 1 << 20  # bytes of one of them
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def directory(variable: str, below_home: str) -> Path | None:
    """Where such files of ours lie; None where the user has no home. A relative path in the variable is ignored."""
    given = os.environ.get(variable, "")
    if Path(given).is_absolute():
        return Path(given) / "sluiceway"
    try:
        return Path.home() / below_home / "sluiceway"
    except RuntimeError:  # an id without an account, as containers have
        return None


def read(path: Path) -> str | None:
    """Its text; None where there is none. Raises `Failed`."""
    try:
        with path.open("rb") as file:
            return _text(path, file.read(MOST + 1))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Failed(t("{path} cannot be read: {why}.", path=path, why=error.strerror), code=2) from error


def read_secret(path: Path) -> str | None:
    """The same of a file with a secret. Raises `Failed` also where others can read it, as ssh does."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if found.st_mode & _OTHERS:
                mode = f"{stat.S_IMODE(found.st_mode):04o}"
                told = t(
                    "{path} can be used by others (mode {mode}), and nothing is read from it. If nobody has "
                    "what is in it: chmod 600 {path}",
                    path=path,
                    mode=mode,
                )
                raise Failed(told, code=NOT_ALLOWED)
            if found.st_uid not in {os.geteuid(), 0}:
                raise Failed(
                    t("{path} belongs to another user, and nothing is read from it.", path=path), code=NOT_ALLOWED
                )
            return _text(path, file.read(MOST + 1))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Failed(t("{path} cannot be read: {why}.", path=path, why=error.strerror), code=NOT_ALLOWED) from error


def write(path: Path, text: str) -> None:
    """Put the file in place in one go, for its owner alone. A link stays one. Raises `Failed`."""
    import tempfile

    path = path.resolve()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, fresh = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # with the mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(fresh, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(fresh)
            raise
    except OSError as error:
        raise Failed(t("{path} cannot be written: {why}.", path=path, why=error.strerror)) from error


def _text(path: Path, content: bytes) -> str:
    if len(content) > MOST:
        raise Failed(t("{path} is larger than any such file: {most} bytes are read.", path=path, most=MOST), code=2)
    try:
        return content.decode()
    except UnicodeDecodeError:
        line = content[:MOST].decode(errors="replace").partition("\ufffd")[0].count("\n") + 1
        raise Failed(t("{path}, line {line}: this is no UTF-8.", path=path, line=line), code=2) from None
