"""The fields of requests as the API describes them, and their limits.

This module enforces nothing: the rules refuse each with its own words and code. What JSON Schema has no words for,
only the reference says: rules between fields, sizes in bytes, and what stands inside texts.
"""

from typing import Annotated, Any, Final

from msgspec import Meta

from sluiceway.domain import tags
from sluiceway.domain.job import JAR_JOB

MAX_ID: Final = 2**63 - 1
NAME_BYTES: Final = 57
DESC_LIMIT: Final = 2048
SQL_LIMIT: Final = 1024 * 1024
QUEUE_LIMIT: Final = 128
TEXT_LIMIT: Final = 64 * 1024  # of every other text, so that a list of jobs stays readable
LIST_LIMIT: Final = 100
CU: Final = (2, 400)
MANAGER_CU: Final = (1, 4)
PARALLELISM: Final = (1, 2000)
CHECKPOINT_SECONDS: Final = (1, 86_400)
RETENTION_SECONDS: Final = (0, 10 * 365 * 86_400)
MIN_CPU: Final = 0.5
GROUP_LIMIT: Final = 128  # characters of the id of an edge group

CLASS_BYTES: Final = 512
ARGS_BYTES: Final = 1024
FILE_LIMIT: Final = 1200  # characters of the name of a jar or file
JAR_CHECKPOINT_SECONDS: Final = 3600

TAG_KEY_LIMIT: Final = tags.KEY_LIMIT
TAG_VALUE_LIMIT: Final = tags.VALUE_LIMIT
TAGS_LIMIT: Final = tags.MOST

SQL_TYPES: Final = ("flink_sql_job", "flink_opensource_sql_job")
MODES: Final = ("shared_cluster", "exclusive_cluster")

# As JSON Schema has them: found anywhere in a text, and in the dialect of ECMAScript.
ID_PATTERN: Final = r"^[1-9][0-9]{0,17}$"
PROJECT_PATTERN: Final = "^[A-Za-z0-9]{1,64}$"
TAG_FILTER: Final = "Tags to have, all of them: k=v,k2=v2."
TAG_FILTER_PATTERN: Final = r"^\s*([^=,\s][^=,]*=[^,]*(,\s*[^=,\s][^=,]*=[^,]*){0,19})?$"
NAME_PATTERN: Final = r"^[A-Za-z0-9_\-\u3400-\u4dbf\u4e00-\u9fff]+$"
BUCKET_PATTERN: Final = r"^(?!jobs$)(?!.*(\.\.|\.-|-\.))[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]$"
GROUP_PATTERN: Final = r"^[A-Za-z0-9._\-]{0,64}$"
KIND_PATTERN: Final = "^([Jj][Aa][Rr]|[Pp][Yy][Ff][Ii][Ll][Ee]|([Mm][Oo][Dd][Ee][Ll])?[Ff][Ii][Ll][Ee])$"
OWNER_PATTERN: Final = r"^[A-Za-z0-9_\-][A-Za-z0-9_.@\-]{0,63}$"
JAR_PATTERN: Final = r"\.[Jj][Aa][Rr]$"
_KEY: Final = r"[\p{L}\p{N}_.:+\-@]([\p{L}\p{N}_ .:+\-@]*[\p{L}\p{N}_.:+\-@])?"
_VALUE: Final = r"[\p{L}\p{N}_.:=+\-@]([\p{L}\p{N}_ .:=+\-@]*[\p{L}\p{N}_.:=+\-@])?"
_MEMORY: Final = r"[0-9]{1,6}(\.[0-9]{1,3})? ?([Gg][Bb]?|[Mm][Bb]?)"

_ID: Final = ({"type": "integer", "minimum": 1, "maximum": MAX_ID}, {"type": "string", "pattern": ID_PATTERN})


def described(**schema: Any) -> Meta:
    """Words of JSON Schema for the description of a field."""
    return Meta(extra_json_schema={"extra": schema})


def among(*values: str | int) -> Meta:
    """One of these, or nothing said at all."""
    return described(enum=[*values, "", None])


def within(bounds: tuple[float, float]) -> Meta:
    """A number between these, both included."""
    return described(minimum=bounds[0], maximum=bounds[1])


def of_ids(most: int, least: int = 1, description: str | None = None) -> Meta:
    """A list of so many ids."""
    shape = {"minItems": least, "maxItems": most, "items": {"oneOf": _ID}}
    return Meta(description=description, extra_json_schema={"extra": shape})


def of_texts(most: int = LIST_LIMIT, least: int = 0, **item: Any) -> Meta:
    """A list of so many such texts."""
    return described(maxItems=most, minItems=least, items={"type": "string", **item})


PathId: Final = {"type": "integer", "minimum": 1, "maximum": MAX_ID}  # of what stands in a path
IdIn = int | str  # a number, or a text that is one
MaybeId = Annotated[IdIn | None, described(oneOf=[*_ID, {"enum": [0, "", None]}])]
SameId = Annotated[IdIn | None, described(oneOf=[*_ID, {"type": "null"}])]

JobName = Annotated[str, described(minLength=1, maxLength=NAME_BYTES, pattern=NAME_PATTERN)]
MaybeJobName = Annotated[str | None, described(minLength=1, maxLength=NAME_BYTES, pattern=NAME_PATTERN)]
Desc = Annotated[str | None, described(maxLength=DESC_LIMIT)]
Sql = Annotated[str | None, described(maxLength=SQL_LIMIT)]
Queue = Annotated[str | None, described(maxLength=QUEUE_LIMIT)]
Text = Annotated[str | None, described(maxLength=TEXT_LIMIT)]
Bucket = Annotated[str | None, described(pattern=f"^({BUCKET_PATTERN[1:-1]})?$")]
TagKey = Annotated[str, described(minLength=1, maxLength=TAG_KEY_LIMIT, pattern=f"^(?!_sys_){_KEY}$")]
TagValue = Annotated[str | None, described(maxLength=TAG_VALUE_LIMIT, pattern=f"^({_VALUE})?$")]

Cu = Annotated[int | None, within(CU)]
ManagerCu = Annotated[int | None, within(MANAGER_CU)]
TaskManagerCu = Annotated[int | None, within((1, CU[1]))]
Parallelism = Annotated[int | None, within(PARALLELISM)]
Slots = Annotated[int | None, within((0, PARALLELISM[1]))]  # 0: the service's choice
Cpu = Annotated[float | None, within((MIN_CPU, CU[1]))]
Memory = Annotated[str | None, described(pattern=f"^({_MEMORY})?$")]
ConfigVersion = Annotated[str | None, among("v1", "v2")]

SqlType = Annotated[str | None, among(*SQL_TYPES)]
RunMode = Annotated[str | None, among(*MODES)]
CheckpointModeIn = Annotated[int | str | None, among(1, 2, "1", "2", "exactly_once", "at_least_once")]
Interval = Annotated[int | None, within((0, CHECKPOINT_SECONDS[1]))]  # 0 only while checkpoints are off
Attempts = Annotated[int | None, described(minimum=-1, maximum=2**31 - 1, **{"not": {"const": 0}})]
Retention = Annotated[int | None, within(RETENTION_SECONDS)]
DirtyData = Annotated[str | None, described(pattern=r"^(0|1|2:\S+)?$", maxLength=TEXT_LIMIT)]
EdgeGroups = Annotated[list[str] | None, of_texts(maxLength=GROUP_LIMIT)]

JarType = Annotated[str | None, among(JAR_JOB)]
JarInterval = Annotated[int | None, within((0, JAR_CHECKPOINT_SECONDS))]
MainClass = Annotated[str | None, described(maxLength=CLASS_BYTES, pattern=r"^\S*$")]
Arguments = Annotated[str | None, described(maxLength=ARGS_BYTES)]
Jar = Annotated[str | None, described(maxLength=FILE_LIMIT, pattern=rf"^([\s\S]*{JAR_PATTERN[:-1]})?$")]
Jars = Annotated[list[str] | None, of_texts(maxLength=FILE_LIMIT, pattern=JAR_PATTERN)]
Files = Annotated[list[str] | None, of_texts(maxLength=FILE_LIMIT, pattern=r"\S")]
Paths = Annotated[list[str], of_texts(least=1, maxLength=FILE_LIMIT, pattern="^(obs|https?)://")]
MaybeGroup = Annotated[str | None, described(pattern=GROUP_PATTERN)]
Kind = Annotated[str, described(pattern=KIND_PATTERN)]
Owner = Annotated[str, described(pattern=OWNER_PATTERN)]
Feature = Annotated[str | None, among("basic")]
