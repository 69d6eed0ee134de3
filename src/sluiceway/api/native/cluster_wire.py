"""The wire models of registered clusters."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from sluiceway.domain.clusters import (
    LONGEST_ADDRESS,
    LONGEST_HEADER,
    LONGEST_PEM,
    MOST_ADDRESSES,
    MOST_HEADERS,
    MOST_LABELS,
    MOST_PROJECTS,
    MOST_SAVEPOINTS,
)
from sluiceway.settings import MAX_BODY

Kind = Literal["session", "application"]
Name = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[\w.\-]+$")]
_ADDRESS: Final[dict[str, Any]] = {"type": "string", "minLength": 1, "maxLength": LONGEST_ADDRESS}
Addresses = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=LONGEST_ADDRESS)]],
    Meta(min_length=1, max_length=MOST_ADDRESSES, extra_json_schema={"extra": {"items": _ADDRESS}}),
]
_LABELS: Final[dict[str, Any]] = {
    "maxProperties": MOST_LABELS,
    "propertyNames": {"minLength": 1, "maxLength": 128},
    "additionalProperties": {"type": "string", "maxLength": 255},
}
Labels = Annotated[
    dict[Annotated[str, Meta(min_length=1, max_length=128)], Annotated[str, Meta(max_length=255)]],
    Meta(max_length=MOST_LABELS, extra_json_schema={"extra": _LABELS}),
]
Projects = Annotated[
    list[Annotated[str, Meta(pattern="^[A-Za-z0-9]{1,64}$")]],
    Meta(
        max_length=MOST_PROJECTS,
        extra_json_schema={"extra": {"items": {"type": "string", "pattern": "^[A-Za-z0-9]{1,64}$"}}},
    ),
]
MaxSavepoints = Annotated[int, Meta(ge=1, le=MOST_SAVEPOINTS)]
_HEADERS: Final[dict[str, Any]] = {
    "maxProperties": MOST_HEADERS,
    "propertyNames": {"minLength": 1, "maxLength": 128},
    "additionalProperties": {"type": "string", "maxLength": LONGEST_HEADER},
}
Headers = Annotated[
    dict[Annotated[str, Meta(min_length=1, max_length=128)], Annotated[str, Meta(max_length=LONGEST_HEADER)]],
    Meta(max_length=MOST_HEADERS, extra_json_schema={"extra": _HEADERS}),
]
Pem = Annotated[str, Meta(min_length=1, max_length=min(LONGEST_PEM, MAX_BODY))]


class Basic(Struct, frozen=True, forbid_unknown_fields=True):
    """Basic authentication."""

    user: Annotated[str, Meta(min_length=1, max_length=255)]
    password: Annotated[str, Meta(max_length=1000)]


class NewCluster(Struct, frozen=True, forbid_unknown_fields=True):
    """A cluster to register. What opens it is sealed, and never shown."""

    name: Name  # DLI calls it a queue
    addresses: Addresses  # of the REST API; where there are several JobManagers, of each
    kind: Kind = "session"
    labels: Labels = {}
    projects: Projects = []  # that may use it; none: all
    max_savepoints: MaxSavepoints | None = None  # under way at once; null: the service's setting
    draining: bool = False  # no job is started there
    headers: Headers = {}  # sent with each request
    basic: Basic | None = None
    ca: Pem | None = None  # PEM of who has signed its certificate; null: those that the machine trusts
    certificate: Pem | None = None  # PEM of the service's own certificate, for mutual TLS; needs the key
    key: Pem | None = None  # PEM of its private key


class ClusterChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a cluster. What is left out stays; null takes it away."""

    version: Annotated[int, Meta(ge=1, le=2**63 - 1)] | UnsetType = UNSET  # change it only if it is still that
    addresses: Addresses | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    labels: Labels | UnsetType = UNSET  # in place of all that it has
    projects: Projects | UnsetType = UNSET
    max_savepoints: MaxSavepoints | UnsetType | None = UNSET
    draining: bool | UnsetType = UNSET
    headers: Headers | UnsetType = UNSET  # in place of all that it has
    basic: Basic | UnsetType | None = UNSET
    ca: Pem | UnsetType | None = UNSET
    certificate: Pem | UnsetType | None = UNSET  # goes with the key
    key: Pem | UnsetType | None = UNSET


class Guards(Struct, frozen=True):
    """How a cluster is protected, without any secret."""

    headers: list[str]  # names of those that are sent
    user: str  # of basic authentication; empty: there is none
    ca: bool  # its certificate is signed by an authority of its own
    certificate: bool  # the service shows a certificate


class ClusterHealth(Struct, frozen=True):
    """What turns have seen of a cluster. Nobody looks at one without jobs."""

    answers: bool
    since: datetime  # it has been like that
    reason: str  # why it does not answer
    flink_version: str  # as it was last seen; empty where nobody has


class Cluster(Struct, frozen=True):
    """A registered cluster."""

    name: str
    addresses: list[str]
    kind: Annotated[Kind, Meta(description="As it is registered.")]
    kind_seen: Annotated[
        Kind | None,
        Meta(
            description="As its JobManager says, asked when an adopted job was first asked about there; null where none"
            " was. A cluster counts as an application cluster, which goes with its jobs, where either says so."
        ),
    ]
    labels: dict[str, str]
    projects: list[str]  # that may use it; none: all
    max_savepoints: int | None
    draining: bool
    guards: Guards
    source: str  # embedded, settings, database or file
    origin: str  # the file that names it
    default: bool  # jobs that name no queue go there
    runs: int  # that may live there, of jobs of this service
    trouble: str  # why it cannot be reached, whatever it says; empty: nothing is known that keeps us from it
    health: ClusterHealth | None  # null: nobody has looked yet
    version: int | None  # of one that can be changed here; counts its changes
    created_at: datetime | None
    updated_at: datetime | None
    created_by: str


class ClusterFile(Struct, frozen=True):
    """A file that clusters are read from. While it cannot be taken, what it last held stays."""

    path: str
    clusters: int
    trouble: str  # why it cannot be taken; empty: it is
    since: datetime | None  # it cannot


class ClusterList(Struct, frozen=True):
    """Registered clusters, the default one first."""

    clusters: list[Cluster]
    files: list[ClusterFile]  # that some of them are read from, for administrators of the service alone


class ClusterJar(Struct, frozen=True):
    """A jar that somebody has uploaded to a cluster."""

    id: str  # one for each upload
    name: str
    uploaded_at: datetime | None
    classes: list[str]  # that it names as its main ones


class ClusterJars(Struct, frozen=True):
    """The jars of a cluster, the newest first; those that this service has uploaded are left out."""

    jars: list[ClusterJar]
    reason: str  # why they are not known now; empty: they are


class ClusterToTry(Struct, frozen=True, forbid_unknown_fields=True):
    """A cluster to try, registered or not."""

    addresses: Addresses
    headers: Headers = {}
    basic: Basic | None = None
    ca: Pem | None = None
    certificate: Pem | None = None
    key: Pem | None = None


class TriedAddress(Struct, frozen=True):
    """What one address answered."""

    address: str
    answers: bool
    reason: str  # why it does not
    flink_version: str
    high_availability: str  # its kind; empty: it has none
    jobs: int  # that run there, by whomever


class Tried(Struct, frozen=True):
    """What works at a cluster."""

    answers: bool  # at least one of its JobManagers does
    addresses: list[TriedAddress]
    same_cluster: bool  # all that answer are JobManagers of one cluster
    flink_version: str
    kind: Literal["session", "application"]  # an application cluster goes with its jobs, however it is registered
    submits: bool | None  # it takes jars (`web.submit.enable`); null: it does not tell
    taskmanagers: int
    slots: int
    free_slots: int
    storage: Literal["yes", "no", "unknown"]  # it sees the service's storage
    storage_reason: str
