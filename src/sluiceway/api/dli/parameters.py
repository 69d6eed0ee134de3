"""What stands in paths, queries and batch bodies: ids, projects, and the filters of a list. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sluiceway.api.dli.fields import MAX_ID
from sluiceway.api.dli.jobs.status import NEVER_HERE, STATUSES
from sluiceway.api.dli.jobs.wire import JobIdIn
from sluiceway.api.dli.tags.rules import filtered
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, bad
from sluiceway.control.queries import JobFilter
from sluiceway.settings import MAX_JOB_IDS

DEFAULT_LIMIT: Final = 10
MAX_LIMIT: Final = 100
JOB_TYPES: Final = ("flink_sql_job", "flink_opensource_sql_job", "flink_sql_edge_job", "flink_jar_job")
ENTERPRISE_PROJECT: Final = "default"  # the one that all jobs are in

_PROJECT = re.compile(r"[A-Za-z0-9]{1,64}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,19}")


def project(segment: str) -> str:
    """The project that a path names."""
    if not _PROJECT.fullmatch(segment):
        raise DliError(Code.BAD_PROJECT)
    return segment


def job_id(segment: str) -> int:
    """The job that a path names."""
    found = number(segment)
    if found is None or not 0 < found <= MAX_ID:
        raise DliError(Code.BAD_ID, id=segment[:40])
    return found


def job_ids(given: Sequence[JobIdIn], most: int = MAX_JOB_IDS, field: str = "job_ids") -> list[int]:
    """The jobs that a batch names, in its order. All of them are good, or nothing is done."""
    if not given:
        raise bad(field, "it is empty", "不能为空")
    if len(given) > most:
        raise DliError(Code.TOO_MANY, count=len(given), limit=most)
    ids = [item if type(item) is int else _id_in_text(str(item), field) for item in given]
    if max(ids) > MAX_ID:
        raise bad(field, f"{_short(max(ids))} is beyond 64 bits", f"{_short(max(ids))} 超出 64 位整数范围")
    if min(ids) < 1:
        raise DliError(Code.BAD_ID, id=_short(min(ids)))
    return ids


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
        detail=_choice("show_detail", (query.show_detail or "false").lower(), ("true", "false")) == "true",
    )


def descending(order: str) -> bool:
    """Whether a list is to begin with the newest, as it does when nothing else is asked for."""
    return _choice("order", order or "desc", ("desc", "asc")) == "desc"


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
    """Whether anything can match: DLI has statuses, projects and child jobs that do not exist here."""
    if query.job_type:
        _choice("job_type", query.job_type, JOB_TYPES)
    if query.status:
        _choice("status", query.status, (*STATUSES, *sorted(NEVER_HERE)))
    if query.root_job_id and not 0 < (number(query.root_job_id) or 0) <= MAX_ID:
        raise DliError(Code.BAD_ROOT)
    return not (
        "\0" in query.name + query.queue_name + query.user_name  # no job has it, and PostgreSQL refuses to look
        or query.root_job_id
        or query.status in NEVER_HERE
        or (query.sys_enterprise_project_name or ENTERPRISE_PROJECT) != ENTERPRISE_PROJECT
    )


def offset(given: str) -> int:
    """How many items of a list to skip."""
    found = number(given or "0")
    if found is None or not 0 <= found <= MAX_ID:
        raise DliError(Code.BAD_OFFSET)
    return found


def limit(given: str) -> int:
    """How many items of a list to show."""
    found = number(given or str(DEFAULT_LIMIT))
    if found is None or found < 0:
        raise bad("limit", f"it must be a whole number, 0 to {MAX_LIMIT}", f"必须为 0 到 {MAX_LIMIT} 的整数")
    return min(found, MAX_LIMIT)


def _choice(field: str, given: str, choices: Sequence[str]) -> str:
    if given not in choices:
        raise bad(field, f"it must be one of {', '.join(choices)}", f"必须为 {'、'.join(choices)} 之一")
    return given


def _id_in_text(text: str, field: str) -> int:
    found = number(text)
    if found is None:
        raise bad(field, f"{text[:40]!r} is not a 64-bit number", f"{text[:40]!r} 不是 64 位整数")
    return found


def number(text: str) -> int | None:
    """The whole number that a text is, if it is one of 64 bits or little more."""
    text = text.strip()
    return int(text) if _NUMBER.fullmatch(text) else None


def _short(number: int) -> str:
    return str(number)[:40]
