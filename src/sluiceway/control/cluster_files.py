"""What is in a file of clusters: a list of entries, as JSON or YAML. A file is taken whole or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import yaml
from msgspec import Meta, Struct

from sluiceway.domain.clusters import (
    BadCluster,
    Cluster,
    Credentials,
    Kind,
    check_credentials,
    checked,
)
from sluiceway.engines.jobmanager.doors import BadCertificate, tls_context

LARGEST: Final = 4 << 20  # bytes of a file as JSON, which is read in a moment
LARGEST_YAML: Final = 1 << 20  # as YAML, which takes some seconds
MOST: Final = 5000  # clusters in a file
LARGEST_SECRET: Final = 200_000  # bytes of a file that an entry names


class BadFile(Exception):
    """A file cannot be taken; the message says why, and of which entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A cluster of a file, with what opens it."""

    cluster: Cluster
    credentials: Credentials


class _Entry(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    addresses: list[str]
    kind: Kind = Kind.SESSION
    labels: dict[str, str] = {}
    projects: list[str] = []
    max_savepoints: int | None = None
    draining: bool = False
    headers: dict[str, str] = {}
    user: str = ""
    password_file: str = ""
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""


_Entries = Annotated[list[dict[str, Any]], Meta(max_length=MOST)]


def read(path: Path) -> list[Entry]:
    """The entries of a file. Waits for the disk. Raises `BadFile`."""
    found = [_entry(path, number, given) for number, given in enumerate(_document(path), 1)]
    names = [entry.cluster.name for entry in found]
    if twice := sorted({name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ()):
        raise BadFile(f"it names {', '.join(twice[:5])} more than once")
    return found


def _document(path: Path) -> Sequence[dict[str, Any]]:
    is_json = path.suffix.lower() == ".json"
    raw = _bytes(path, LARGEST if is_json else LARGEST_YAML)
    try:
        if is_json:
            return msgspec.json.decode(raw, type=_Entries)
        return msgspec.convert(yaml.load(raw, Loader=_Plain) or [], type=_Entries)  # noqa: S506 - it is a safe loader
    except yaml.YAMLError as error:
        raise BadFile(f"it is not YAML: {' '.join(str(error).split())[:300]}") from error
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadFile(f"it is not a list of clusters: {str(error)[:300]}") from error


class _Plain(yaml.SafeLoader):  # type: ignore[misc]  # it comes without types
    """Knows no aliases, with which a few lines stand for billions."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not taken")
        return super().compose_node(parent, index)


def _entry(path: Path, number: int, given: dict[str, Any]) -> Entry:
    told = f"entry {number}" + (f" ({given['name'][:128]})" if isinstance(given.get("name"), str) else "")
    try:
        entry = msgspec.convert(given, type=_Entry)
        credentials = _credentials(path, entry)
        check_credentials(credentials)
        tls_context(credentials)
        return Entry(checked(_cluster(entry, credentials)), credentials)
    except (msgspec.ValidationError, BadCluster, BadCertificate, BadFile) as error:
        raise BadFile(f"{told}: {str(error)[:300]}") from error


def _cluster(entry: _Entry, credentials: Credentials) -> Cluster:
    return Cluster(
        name=entry.name,
        addresses=tuple(entry.addresses),
        kind=entry.kind,
        labels=entry.labels,
        projects=frozenset(entry.projects),
        max_savepoints=entry.max_savepoints,
        draining=entry.draining,
        guards=credentials.guards,
    )


def _credentials(path: Path, entry: _Entry) -> Credentials:
    """What opens the cluster. Files that it names lie beside the one that it stands in, or have whole paths."""

    def text(name: str) -> str:
        return _bytes(path.parent / Path(name).expanduser(), LARGEST_SECRET).decode() if name else ""

    password = text(entry.password_file).removesuffix("\n")
    files = (text(name) for name in (entry.ca_file, entry.certificate_file, entry.key_file))
    return Credentials(entry.headers, entry.user, password, *files)


def _bytes(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            found = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise BadFile(f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(found) > limit:
        raise BadFile(f"{path.name} is longer than {limit} bytes")
    return found
