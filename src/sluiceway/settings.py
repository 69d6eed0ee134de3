"""Every setting of the service, with its default. Each is also an option, an environment variable and a TOML key."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from cyclopts import Parameter, Token
from cyclopts.validators import Number

MAX_JOB_IDS = 100_000  # in one request
MAX_BODY = 12 * 1024 * 1024  # bytes of one request (DLI contract, section 1)
DATABASE = "sluiceway.db"  # in the data directory
KEY_FILE = "secret.key"  # in the data directory, unless a setting names another
DISTRIBUTIONS = "distributions"  # folder of the data directory with the versions of Flink that were added
MAX_RESOURCE = 1024 * 1024 * 1024  # bytes of one jar or file that jobs are made of

RetentionUnit = Literal["auto", "seconds", "hours"]
StopAtRest = Literal["refuse", "accept"]
ResumeAnyway = Literal["drained", "finished", "non_restored_state", "other_meaning"]

_PART: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([smhd])")
_LENGTH: Final = re.compile(rf"(?:{_PART.pattern})++")
_NUMBER: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def length(text: str) -> float:
    """The seconds in a length of time such as 45s, 30m, 1h30m or 2d, or in a number of them. Raises `ValueError`."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    if not _LENGTH.fullmatch(text):
        raise ValueError("It is a length of time, for example 45s, 30m, 1h30m or 2d.")
    return sum(float(count) * _UNITS[unit] for count, unit in _PART.findall(text))


def _length(_: Any, tokens: Sequence[Token]) -> float:
    return length(tokens[0].value)


Port = Annotated[int, Parameter(validator=Number(gte=0, lte=65_535), metavar="PORT")]
Seconds = Annotated[float, Parameter(converter=_length, metavar="TIME", validator=Number(gt=0, lte=30 * 86_400))]
_YEARS: Final = Number(gt=0, lte=100 * 365 * 86_400)
Age = Annotated[float | None, Parameter(converter=_length, metavar="TIME", validator=_YEARS)]


class BadSettings(Exception):
    """The service cannot run with these settings; the message says why and what to do."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to run the service."""

    host: str = "127.0.0.1"
    """Address to listen on. Callers must sign in wherever it is not a loopback address."""

    port: Port = 8640
    """Port to listen on; 0 takes a free one."""

    data: Annotated[Path, Parameter(name=["--data", "-d"])] = Path("sluiceway-data")
    """Directory for the database, logs and, unless --storage says otherwise, savepoints."""

    auth: Annotated[bool, Parameter(negative=())] = False
    """Have callers sign in on a loopback address, too."""

    secret_key_file: Path | None = None
    """File with the key that stored access keys are sealed with; it is made when it is not there."""

    cluster: Annotated[tuple[str, ...], Parameter(negative=())] = ()
    """A Flink cluster as NAME=URL of its JobManager's REST API; may be repeated. DLI calls it a queue."""

    clusters_from: Annotated[tuple[str, ...], Parameter(negative=())] = ()
    """A file of clusters, JSON or YAML, or a pattern of such files; they come and go with its entries. May be
    repeated."""
    adopt: str = "all"
    """Which jobs are taken in that somebody else has started on the clusters: all, none, or matching GLOB, by their
    names in Flink. They can be listed, stopped with savepoints and followed as any other."""

    adopt_into: str = "default"
    """The project that adopted jobs belong to; whoever may stop its jobs may stop them."""

    adopt_tag: Annotated[tuple[str, ...], Parameter(negative=())] = ()
    """A tag for adopted jobs as GLOB:KEY=VALUE, by their whole names in Flink, as 'orders-*:team=orders'; may be
    repeated, and the first one for a key counts. Labels of their clusters become tags of theirs, too."""

    embedded: bool | None = None
    """Run a Flink of one's own beside the service, for trying things out. Default: when no cluster is given."""

    embedded_port: Port = 0
    """Port of the embedded Flink's REST API and web page; 0 takes a free one."""

    embedded_slots: Annotated[int, Parameter(validator=Number(gte=1, lte=10_000))] = 200
    """Slots of the embedded Flink: one for each unit of parallelism of each job."""

    embedded_heap: Annotated[int, Parameter(validator=Number(gte=256, lte=1_000_000))] = 2048
    """MB of heap for the embedded Flink and its tasks."""

    embedded_managed: Annotated[int, Parameter(validator=Number(gte=1, lte=100_000))] = 8
    """MB of managed memory for each slot of the embedded Flink, taken when it is used. Windows need some."""

    jars: Path | None = None
    """Directory of jars (connectors, formats, functions) for planning SQL and for the embedded Flink."""

    storage: str | None = None
    """Where savepoints lie: a directory or file: URI that the service and Flink see at the same place, or s3://…."""

    read_root: Annotated[tuple[str, ...], Parameter(negative=())] = ()
    """A further directory, or s3://bucket/prefix, of which states are read for savepoints register and resumes, and in
    which nothing is written or removed; whoever may register in any project may read them. May be repeated."""

    s3_endpoint: str | None = None
    """Address of the object store. Default: the variable AWS_ENDPOINT_URL, else Amazon's."""

    s3_region: str | None = None
    """Region of the object store. Default: the variable AWS_REGION, else us-east-1."""

    savepoint_timeout: Seconds = 600.0
    """Seconds after which a stop without a result is reported as overdue. It is watched on."""

    stop_attempts: Annotated[int, Parameter(validator=Number(gte=1, lte=20))] = 3
    """Attempts for one stop, each begun only when the one before is known to be over."""

    max_savepoints: Annotated[int, Parameter(validator=Number(gte=1))] = 100
    """Savepoints that may be under way in one cluster at once."""

    savepoint_max_age: Age = None
    """Seconds after which a savepoint that no job needs is removed. Default: never."""

    savepoints_kept: Annotated[int | None, Parameter(validator=Number(gte=1))] = None
    """Savepoints to keep of each job; older ones that no job needs are removed. Default: all."""

    unwell_after: Seconds = 120.0
    """Seconds for which a job may not run steadily before its status says so; DLI calls it job_running_exception."""

    if_not_running: Literal["wait", "cancel", "leave"] = "leave"
    """What becomes of a job whose tasks do not run when it is to be stopped with a savepoint, where nobody has said:
    wait as long as the stop may take, cancel it keeping its last checkpoint, or leave it alone after a while."""

    gone_after: Seconds = 30.0
    """Seconds for which an answering cluster must not know a job before the job counts as gone."""

    refused_form: Literal["array", "object"] = "array"
    """How DLI's batch calls answer when every job is refused: as the cloud does, or so that SDKs show the code."""

    dli_savepoint_format: Literal["auto", "native", "canonical"] = "auto"
    """Format of the savepoints that DLI's calls ask for; auto takes for each job one that does it no harm."""

    dli_resume_anyway: Annotated[tuple[ResumeAnyway, ...], Parameter(negative=())] = ()
    """What DLI's resume_savepoint does although it is refused otherwise: resume drained savepoints, or jobs that have
    finished (both write rows twice), leave behind state that no operator takes, or take state for another meaning; may
    be repeated."""

    idle_state_retention_unit: RetentionUnit = "auto"
    """What idle_state_retention of DLI's API counts; auto: hours below 60, and seconds from there on."""

    stop_at_rest: StopAtRest = "refuse"
    """Whether DLI's stop refuses a job that does not run (DLI.15002), or marks it as stopped and says so."""

    tls_cert: Path | None = None
    """File of the certificate to serve https with, and of those that lead to its root (PEM). Needs --tls-key."""

    tls_key: Path | None = None
    """File of the certificate's private key (PEM, without a password)."""

    rate_limit: Annotated[float, Parameter(validator=Number(gte=0, lte=1e6))] = 500.0
    """Requests a second that one caller may send; 0 for no limit. Twice as many may come at once."""

    max_connections: Annotated[int, Parameter(validator=Number(gte=1, lte=1_000_000))] = 500
    """Connections that may be open at once, half of them from one address. Who comes beyond is answered 503."""

    trusted_proxy: Annotated[tuple[str, ...], Parameter(negative=())] = ()
    """Address or network of a proxy that says where requests come from (X-Forwarded-For, -Proto); may be repeated."""

    refuse_replays: Annotated[bool, Parameter(negative=())] = False
    """Refuse a signed request that was here before. Two equal calls within a second are refused, too."""

    oidc_issuer: str | None = None
    """Address of an OIDC issuer whose bearer tokens are taken, exactly as it calls itself. Needs --oidc-audience."""

    oidc_audience: str | None = None
    """What a bearer token must name as its audience."""

    oidc_client_id: str | None = None
    """The public client of the issuer with which `sluiceway login` gets tokens (device flow). Needs --oidc-issuer."""

    metrics_token_file: Path | None = None
    """File with the token that a monitoring system reads /metrics with, where callers sign in."""
