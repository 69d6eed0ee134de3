"""What a registered cluster is: its name, where it is and how it is opened, and who may use it for what."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from sluiceway.domain.access import PROJECT
from sluiceway.domain.place import Place

EMBEDDED: Final = "embedded"  # the name of the Flink that the service runs itself

MOST_ADDRESSES: Final = 8  # JobManagers of one cluster
MOST_LABELS: Final = 32
MOST_PROJECTS: Final = 1000
MOST_HEADERS: Final = 16
MOST_SAVEPOINTS: Final = 100_000  # that may be under way at once
LONGEST_ADDRESS: Final = 2000  # characters
LONGEST_HEADER: Final = 8000  # characters of a value
LONGEST_PEM: Final = 200_000  # characters of certificates or of a key

_NAME: Final = re.compile(r"[\w.\-]{1,128}")
_HOST: Final = re.compile(r"[\w.:%\-]+")
_LABEL: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-/]{0,127}")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~\-]{1,128}")
_VALUE: Final = re.compile(r"[\x20-\x7e]*")
# What says how a request is to be read, and not who sends it.
_NOT_ONES_OWN: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class BadCluster(Exception):
    """A cluster cannot be like that; the message says which part of it, and what would do."""


class Kind(StrEnum):
    """How a cluster comes and goes."""

    SESSION = "session"  # takes jobs, and stays when they end
    APPLICATION = "application"  # runs the jobs of one program, and goes with them


class Source(StrEnum):
    """Where a cluster is registered."""

    EMBEDDED = "embedded"  # the service runs it
    SETTINGS = "settings"  # --cluster
    DATABASE = "database"  # by the API
    FILE = "file"  # --clusters-from


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens the door of a protected cluster. Nothing of it may be shown."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    user: str = ""
    password: str = field(default="", repr=False)
    ca: str = field(default="", repr=False)  # PEM of who has signed the cluster's certificate
    certificate: str = field(default="", repr=False)  # PEM of our own certificate, for mutual TLS
    key: str = field(default="", repr=False)  # PEM of its private key

    @property
    def guards(self) -> "Guards":
        """What there is of it, without any secret."""
        return Guards(tuple(sorted(self.headers)), self.user, bool(self.ca), bool(self.certificate))

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.headers or self.user or self.ca or self.certificate)


@dataclass(frozen=True, slots=True)
class Guards:
    """How a cluster is protected, for anybody to see."""

    headers: tuple[str, ...] = ()  # their names
    user: str = ""  # of basic authentication
    ca: bool = False
    certificate: bool = False


OPEN: Final = Guards()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A registered cluster, wherever it is registered."""

    name: str
    addresses: tuple[str, ...]  # of the REST APIs of its JobManagers, each without a trailing slash
    kind: Kind = Kind.SESSION
    labels: Mapping[str, str] = field(default_factory=dict)
    projects: frozenset[str] = frozenset()  # that may use it; empty: all
    max_savepoints: int | None = None  # that may be under way at once; None: the service's setting
    draining: bool = False  # no job is started there any more
    guards: Guards = OPEN

    def serves(self, project: str) -> bool:
        """Whether jobs of the project may be put there."""
        return not self.projects or project in self.projects

    def place(self, key: str = "") -> Place:
        """Where it is."""
        first, *others = self.addresses
        application = self.kind is Kind.APPLICATION
        return Place(self.name, first, None, tuple(others), self.max_savepoints, key, application)


@dataclass(frozen=True, slots=True)
class Listed:
    """A registered cluster with where it comes from."""

    cluster: Cluster
    source: Source
    origin: str = ""  # the file that names it
    version: int = 0  # counts its changes, of one in the database
    created_at: datetime | None = None  # the same
    updated_at: datetime | None = None
    user: str = ""  # who has registered it
    trouble: str = ""  # why it cannot be reached, whatever it says


@dataclass(frozen=True, slots=True)
class Health:
    """What turns have seen of a cluster."""

    answers: bool
    since: datetime  # it has been like that
    reason: str = ""  # why it does not answer
    flink_version: str = ""  # as it was last seen; empty where nobody has


# Rules. ---------------------------------------------------------------------------------------------------------------


def checked(cluster: Cluster) -> Cluster:
    """The same cluster, with its addresses in plain form. Raises `BadCluster`."""
    check_name(cluster.name)
    if not 1 <= len(cluster.addresses) <= MOST_ADDRESSES:
        raise BadCluster(
            f"addresses are not valid: a cluster has 1 to {MOST_ADDRESSES} of them, one for each JobManager"
        )
    addresses = tuple(dict.fromkeys(address(each) for each in cluster.addresses))
    _check_labels(cluster.labels)
    _check_projects(cluster.projects)
    if cluster.max_savepoints is not None and not 1 <= cluster.max_savepoints <= MOST_SAVEPOINTS:
        raise BadCluster(f"max_savepoints is not valid: it is a number from 1 to {MOST_SAVEPOINTS}")
    schemes = {each.partition(":")[0] for each in addresses}
    if schemes != {"https"} and (cluster.guards.ca or cluster.guards.certificate):
        raise BadCluster(
            "addresses are not valid: certificates are of use over https alone; write https:// for each address"
        )
    return replace(cluster, addresses=addresses)


def check_name(name: str) -> None:
    """Raises `BadCluster`."""
    if not _NAME.fullmatch(name):
        raise BadCluster("name is not valid: it has 1 to 128 letters, digits and . _ -")
    if name == EMBEDDED:
        raise BadCluster(
            f"name is not valid: {EMBEDDED} is the Flink that the service runs itself; choose another name"
        )


def address(text: str) -> str:
    """The address of a REST API, without a trailing slash; a path before it is kept. Raises `BadCluster`."""
    why = _why_no_address(text)
    if why:
        raise BadCluster(f"address {shown(text)}: {why}; write for example http://jobmanager:8081")
    return text.rstrip("/")


def _why_no_address(text: str) -> str:
    if len(text) > LONGEST_ADDRESS:
        return f"it is longer than {LONGEST_ADDRESS} characters"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "it is not a URL"
    if parts.scheme not in {"http", "https"}:
        return "it begins with http:// or https://"
    if "@" in parts.netloc:
        return "names and passwords have no place in it; give them as a header or for basic authentication"
    if not _HOST.fullmatch(host) or port == 0 or not text.isprintable() or " " in text or "\\" in text:
        return "it is not the URL of a host"
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        return "it ends with its path"
    return ""


def shown(text: str) -> str:
    """What of an address may be shown: nothing of a name or password that should not be in it."""
    before, at, after = text.rpartition("@")
    if not at:
        return text[:200]
    return f"{before.partition('//')[0]}//…@{after}"[:200] if "//" in before else f"…@{after}"[:200]


def _check_labels(labels: Mapping[str, str]) -> None:
    if len(labels) > MOST_LABELS:
        raise BadCluster(f"labels are not valid: a cluster has at most {MOST_LABELS}")
    for key, value in labels.items():
        if not _LABEL.fullmatch(key):
            raise BadCluster(f"labels are not valid: {key[:128]!r} has to be 1 to 128 letters, digits and . _ - /")
        if len(value) > 255 or not value.isprintable():
            raise BadCluster(f"labels are not valid: the value of {key} has at most 255 characters, all to be seen")


def _check_projects(projects: Iterable[str]) -> None:
    named = list(projects)
    if len(named) > MOST_PROJECTS:
        raise BadCluster(
            f"projects are not valid: at most {MOST_PROJECTS} are named; name none to let all use the cluster"
        )
    for project in named:
        if not PROJECT.fullmatch(project):
            raise BadCluster(
                f"projects are not valid: {project[:64]!r} is no project's id, which is 1 to 64 letters and digits"
            )


def check_credentials(given: Credentials) -> None:
    """Raises `BadCluster`. What PEM texts hold is seen when they are used."""
    if len(given.headers) > MOST_HEADERS:
        raise BadCluster(f"headers are not valid: at most {MOST_HEADERS} are sent")
    for name, value in given.headers.items():
        _check_header(name, value, basic=bool(given.user))
    if ":" in given.user or not given.user.isprintable() or len(given.user) > 255:
        raise BadCluster("basic is not valid: the user's name has at most 255 characters, and no colon")
    if given.password and not given.user:
        raise BadCluster("basic is not valid: a password needs the user's name")
    if len(given.password) > 1000 or not given.password.isprintable():
        raise BadCluster("basic is not valid: the password has at most 1000 characters, all to be seen")
    if bool(given.certificate) != bool(given.key):
        raise BadCluster(
            "certificate is not valid: a certificate and its private key go together; one of them is missing"
        )
    for name, text in (("ca", given.ca), ("certificate", given.certificate), ("key", given.key)):
        if len(text) > LONGEST_PEM or (text and "-----BEGIN " not in text):
            raise BadCluster(f"{name} is not valid: it is PEM text of at most {LONGEST_PEM} characters")


def _check_header(name: str, value: str, *, basic: bool) -> None:
    if not _HEADER.fullmatch(name):
        raise BadCluster(f"headers are not valid: {name[:128]!r} is no name of a header")
    if name.lower() in _NOT_ONES_OWN:
        raise BadCluster(f"headers are not valid: {name} is not yours to set")
    if basic and name.lower() == "authorization":
        raise BadCluster("headers are not valid: Authorization is what basic authentication sends; give one of the two")
    if len(value) > LONGEST_HEADER or not _VALUE.fullmatch(value) or value != value.strip():
        raise BadCluster(
            f"headers are not valid: the value of {name} has at most {LONGEST_HEADER} plain ASCII characters"
        )


def merged(*sources: Sequence[Listed]) -> tuple[dict[str, Listed], list[Listed]]:
    """All clusters by name, in order, and those that are left out because one before them has their name."""
    found: dict[str, Listed] = {}
    left_out = []
    for listed in (each for source in sources for each in source):
        if listed.cluster.name in found:
            left_out.append(listed)
        else:
            found[listed.cluster.name] = listed
    return found, left_out
