"""Options of a cluster: its labels, and what opens it. Secrets come from files and prompts, as others see options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter

from sluiceway.cli.language import t
from sluiceway.cli.options import Words
from sluiceway.cli.output import Failed
from sluiceway.cli.password import ask_password

File = Annotated[Path | None, Parameter(show_default=False)]
_LONGEST: Final = 200_000  # characters of a file


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What opens a protected cluster."""

    header_file: File = None
    """A file with headers to send with each request, one `Name: value` on a line."""

    user: Words = ""
    """The user of basic authentication. The password is asked for; through a pipe, the first line is taken."""

    ca: File = None
    """A file with the certificates (PEM) of who has signed the cluster's own."""

    cert: File = None
    """A file with the certificate (PEM) to show, for mutual TLS. Needs --key."""

    key: File = None
    """A file with its private key (PEM)."""

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.header_file or self.user or self.ca or self.cert or self.key)

    def body(self, name: str) -> dict[str, Any]:
        """The fields of a request, of the cluster of this name. Raises `Failed`."""
        found: dict[str, Any] = {}
        if self.header_file is not None:
            found["headers"] = _headers(self.header_file)
        if self.user:
            found["basic"] = {
                "user": self.user,
                "password": ask_password(t("Password of {user} at {name}", user=self.user, name=name)),
            }
        named: Mapping[str, Path | None] = {"ca": self.ca, "certificate": self.cert, "key": self.key}
        return found | {field: _text(path) for field, path in named.items() if path is not None}


def labels(given: Sequence[str]) -> dict[str, str]:
    """Labels from KEY=VALUE. Raises `Failed`."""
    found = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise Failed(t("--label {text} is not KEY=VALUE; write for example env=prod.", text=text), code=2)
        found[key] = value
    return found


def _headers(path: Path) -> dict[str, str]:
    found = {}
    for line in filter(str.strip, _text(path).splitlines()):
        name, colon, value = line.partition(":")
        if not colon:
            raise Failed(t("{path}: a line is not `Name: value`.", path=path), code=2)
        found[name.strip()] = value.strip()
    return found


def _text(path: Path) -> str:
    try:
        with path.expanduser().open(encoding="utf-8") as file:
            text = file.read(_LONGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or t("it is not text")
        raise Failed(t("{path} cannot be read: {why}.", path=path, why=why), code=2) from error
    if len(text) > _LONGEST:
        raise Failed(t("{path} is longer than {longest} characters.", path=path, longest=_LONGEST), code=2)
    return text
