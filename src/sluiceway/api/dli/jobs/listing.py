"""The query of a list of jobs: what it means, and what can never match here. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sluiceway.api.dli.fields import MAX_ID
from sluiceway.api.dli.jobs.status import NEVER_HERE, STATUSES
from sluiceway.api.dli.parameters import choice, descending, limit, number, offset
from sluiceway.api.dli.tags.rules import filtered
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError
from sluiceway.control.queries import JobFilter

JOB_TYPES: Final = ("flink_sql_job", "flink_opensource_sql_job", "flink_sql_edge_job", "flink_jar_job")
ENTERPRISE_PROJECT: Final = "default"  # the one that all jobs are in


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list asks for."""

    where: JobFilter | None  # None: nothing here can match
    offset: int
    limit: int
    descending: bool
    detail: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """The query of a list as it came. An empty value is the same as none."""

    job_type: str = ""
    status: str = ""
    queue_name: str = ""
    user_name: str = ""
    sys_enterprise_project_name: str = ""
    name: str = ""
    tags: str = ""
    order: str = ""
    limit: str = ""
    offset: str = ""
    root_job_id: str = ""
    show_detail: str = ""


def listing(query: ListQuery) -> Listing:
    """The jobs that a query means, and which page of them."""
    tags = filtered(query.tags)
    return Listing(
        where=_where(query, tags) if _possible(query) and tags is not None else None,
        offset=offset(query.offset),
        limit=limit(query.limit),
        descending=descending(query.order),
        detail=choice("show_detail", (query.show_detail or "false").lower(), ("true", "false")) == "true",
    )


def _where(query: ListQuery, tags: Mapping[str, str]) -> JobFilter:
    return JobFilter(
        kind=query.job_type or None,
        statuses=STATUSES[query.status] if query.status else (),
        queue=query.queue_name or None,
        user=query.user_name or None,
        name=query.name or None,
        tags=tags,
    )


def _possible(query: ListQuery) -> bool:
    """Whether any job can match: DLI has statuses, projects and child jobs that do not exist here."""
    if query.job_type:
        choice("job_type", query.job_type, JOB_TYPES)
    if query.status:
        choice("status", query.status, (*STATUSES, *sorted(NEVER_HERE)))
    if query.root_job_id and not 0 < (number(query.root_job_id) or 0) <= MAX_ID:
        raise DliError(Code.BAD_ROOT)
    return not (
        "\0" in query.name + query.queue_name + query.user_name  # no job has it, and PostgreSQL refuses to look
        or query.root_job_id
        or query.status in NEVER_HERE
        or (query.sys_enterprise_project_name or ENTERPRISE_PROJECT) != ENTERPRISE_PROJECT
    )
