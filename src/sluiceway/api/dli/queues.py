"""The paths of DLI's API that show queues: the registered clusters. Only an administrator registers one."""

import zlib
from collections.abc import Sequence
from typing import Annotated, Final

from litestar import get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter, SkipValidation
from msgspec import Struct

from sluiceway.api.dli import parameters
from sluiceway.api.dli.dependencies import REFUSED, LanguageGiven, ProjectGiven, absent, integer
from sluiceway.api.dli.fields import MAX_ID, TAG_FILTER_PATTERN
from sluiceway.api.dli.tags import rules as tag_rules
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, bad
from sluiceway.api.errors.language import Language, Text
from sluiceway.control.queues import Queues

BASE: Final = "/v1.0/{project_id:str}/queues"
TYPE: Final = "general"  # the type that runs Flink jobs
TYPES: Final = ("sql", TYPE, "all")
OWNER: Final = "sluiceway"  # no user has made them

CLUSTER: Final = Text("A registered Flink cluster.", "已注册的 Flink 集群。")
DEFAULT: Final = Text(
    "A registered Flink cluster; jobs that name no queue run on it.", "已注册的 Flink 集群；未指定队列的作业在此运行。"
)

QueuesGiven = NamedDependency[SkipValidation[Queues]]


class QueueView(Struct, frozen=True, kw_only=True):
    """A queue in a list. What DLI sells it by does not exist here, and is 0 or empty."""

    queue_id: int
    queue_name: str
    description: str
    resource_id: str
    owner: str = OWNER
    create_time: int = 0  # nobody knows
    queue_type: str = TYPE
    cu_count: int = 0
    charging_mode: int = 1
    enterprise_project_id: str = "0"  # DLI's default one
    cidr_in_vpc: str = ""
    cidr_in_mgntsubnet: str = ""
    cidr_in_subnet: str = ""
    resource_mode: int = 1  # exclusive: it is a whole cluster
    platform: str = ""
    is_restarting: bool = False
    labels: str = ""
    feature: str = "basic"
    queue_resource_type: str = ""
    elastic_resource_pool_name: str = ""


class QueueList(Struct, frozen=True):
    """Queues, the default one first. `is_success` is a boolean here."""

    queues: Sequence[QueueView]
    is_success: bool = True
    message: str = ""


class QueueShown(Struct, frozen=True, kw_only=True):
    """One queue. DLI spells some of its fields otherwise than in a list."""

    queue_id: int
    queueName: str  # noqa: N815 - DLI's
    description: str
    resource_id: str
    owner: str = OWNER
    create_time: int = 0
    queueType: str = TYPE  # noqa: N815
    cuCount: int = 0  # noqa: N815
    chargingMode: int = 1  # noqa: N815
    resource_mode: int = 1
    enterprise_project_id: str = "0"
    resource_type: str = ""
    elastic_resource_pool_name: str = ""
    is_success: bool = True
    message: str = ""


@get(BASE, responses=REFUSED, summary="List queues")
async def list_queues(  # noqa: PLR0917 - one for each parameter that DLI has
    project: ProjectGiven,
    language: LanguageGiven,
    queues: QueuesGiven,
    queue_type: Annotated[str, QueryParameter(schema_extra={"enum": ["", *TYPES]})] = "",
    tags: Annotated[str, QueryParameter(schema_extra={"pattern": TAG_FILTER_PATTERN})] = "",
    with_priv: Annotated[str, QueryParameter(name="with-priv")] = "",  # noqa: ARG001
    with_charge_info: Annotated[str, QueryParameter(name="with-charge-info")] = "",  # noqa: ARG001
    page_size: Annotated[str, QueryParameter(name="page-size", schema_extra=integer(1))] = "",
    current_page: Annotated[str, QueryParameter(name="current-page", schema_extra=integer(1, 1))] = "",
) -> QueueList:
    """The queues that jobs may name; all of them, or one page."""
    if queue_type not in {"", *TYPES}:
        raise bad("queue_type", f"it must be one of {', '.join(TYPES)}", f"必须为 {'、'.join(TYPES)} 之一")
    wanted = tag_rules.filtered(tags)
    fit = queue_type in {"", TYPE, "all"} and wanted == {}  # they have no tags
    names = queues.names_for(project)
    size, page = _positive("page-size", page_size, max(1, len(names))), _positive("current-page", current_page, 1)
    shown = names[(page - 1) * size : page * size] if fit else ()
    return QueueList([_view(name, names, language) for name in shown])


@get(
    f"{BASE}/{{queue_name:str}}",
    responses=REFUSED | absent("queue"),
    summary="Show a queue",
)
async def show_queue(
    project: ProjectGiven,
    queue_name: Annotated[str, PathParameter(description="The name of a registered cluster.")],
    language: LanguageGiven,
    queues: QueuesGiven,
) -> QueueShown:
    """One queue."""
    names = queues.names_for(project)
    if queue_name not in names:
        raise DliError(Code.NOT_FOUND, name=queue_name[:200])
    return QueueShown(
        queue_id=_id_of(queue_name),
        queueName=queue_name,
        description=_described(queue_name, names, language),
        resource_id=queue_name,
    )


HANDLERS: Final[list[HTTPRouteHandler]] = [list_queues, show_queue]


def _view(name: str, names: Sequence[str], language: Language) -> QueueView:
    described = _described(name, names, language)
    return QueueView(queue_id=_id_of(name), queue_name=name, description=described, resource_id=name)


def _described(name: str, names: Sequence[str], language: Language) -> str:
    return (DEFAULT if name == names[0] else CLUSTER).in_(language)


def _id_of(name: str) -> int:
    """A number that stays with the name, however many clusters there are."""
    return zlib.crc32(name.encode()) + 1


def _positive(field: str, given: str, default: int) -> int:
    found = parameters.number(given or str(default))
    if found is None or not 1 <= found <= MAX_ID:
        raise bad(field, f"it must be a whole number from 1 to {MAX_ID}", f"必须为 1 到 {MAX_ID} 的整数")
    return found
