"""What a template may be, and which page of them a list shows. Pure."""

from typing import Final

from sluiceway.api.dli import parameters
from sluiceway.api.dli.fields import MAX_ID, SQL_LIMIT
from sluiceway.api.dli.parameters import text_of
from sluiceway.api.dli.tags import rules as tag_rules
from sluiceway.api.dli.templates.wire import NAME_LIMIT, CreateTemplate, UpdateTemplate
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, bad
from sluiceway.control.templates import TemplateDraft

DESC_LIMIT: Final = 2048
TYPES: Final = ("flink_sql_job", "flink_opensource_sql_job")


def draft(body: CreateTemplate) -> TemplateDraft:
    """The template that a create asks for. Raises `DliError`."""
    kind = body.job_type or TYPES[0]
    if kind not in TYPES:
        raise DliError(Code.TEMPLATE_TYPE, fitting=", ".join(TYPES))
    tags = tag_rules.checked(body.tags or [])
    return TemplateDraft(_name(body.name), _desc(body.desc or ""), kind, _sql(body.sql_body or ""), tags)


def changes(body: UpdateTemplate) -> dict[str, str]:
    """What an update changes of a template. Raises `DliError`."""
    found = {} if body.name is None else {"name": _name(body.name)}
    found |= {} if body.desc is None else {"desc": _desc(body.desc)}
    return found | ({} if body.sql_body is None else {"sql": _sql(body.sql_body)})


def _name(name: str) -> str:
    if not name.strip():
        raise DliError(Code.TEMPLATE_NAME_EMPTY)
    if len(name) > NAME_LIMIT:
        raise DliError(Code.TEMPLATE_NAME_TOO_LONG, size=len(name), limit=NAME_LIMIT)
    if not name.isprintable():
        raise bad("name", "it holds control characters", "包含控制字符")
    return name


def _desc(desc: str) -> str:
    if len(desc) > DESC_LIMIT:
        raise DliError(Code.TEMPLATE_DESC_TOO_LONG, size=len(desc), limit=DESC_LIMIT)
    return text_of("desc", desc, DESC_LIMIT)


def _sql(sql: str) -> str:
    if len(sql) > SQL_LIMIT:
        raise DliError(Code.TEMPLATE_SQL_TOO_LONG, size=len(sql), limit=SQL_LIMIT)
    return text_of("sql_body", sql, SQL_LIMIT)


def template_id(segment: str) -> int:
    """The template that a path names, or a new job. Raises `DliError`."""
    number = parameters.number(segment)
    if number is None or not 0 < number <= MAX_ID:
        raise DliError(Code.TEMPLATE_BAD_ID, id=segment[:40])
    return number


def page(offset: str, limit: str) -> tuple[int, int]:
    """How many templates to skip, and how many to show. Raises `DliError`."""
    first, most = parameters.number(offset or "0"), parameters.number(limit or str(parameters.DEFAULT_LIMIT))
    if first is None or most is None or not 0 <= first <= MAX_ID or most < 0:
        raise DliError(Code.BAD_TEMPLATE_PAGE)
    return first, min(most, parameters.MAX_LIMIT)
