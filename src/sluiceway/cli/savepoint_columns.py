"""The columns of savepoints, and of the operators whose state one holds."""

from typing import Any, Final

from sluiceway.cli import tables
from sluiceway.cli.columns import Column, Kind, number
from sluiceway.cli.savepoint_answers import SavepointView


def _format(view: SavepointView) -> str:
    return " ".join(filter(None, (view.format, view.kind if view.kind != "savepoint" else "")))


def _need(view: SavepointView) -> str:
    if view.protected and view.needed:
        return "protected"
    return tables.yes(view.needed) if view.needed else ""


SAVEPOINTS: Final = Kind(
    SavepointView,
    (
        Column("savepoint", lambda view: str(view.id)),
        Column("job", lambda view: str(view.job_id)),
        Column("name", lambda view: view.job_name or ""),
        Column("stop", lambda view: number(view.stop_id), spare=True),
        Column("kept", lambda view: tables.moment(view.created_at), spare=True),
        Column("path", lambda view: view.path, path=True),
        Column("size", lambda view: tables.size(view.bytes), spare=True),
        Column("format", _format, spare=True),
        Column("verified", lambda view: tables.moment(view.verified_at), spare=True),
        Column("needed", _need, spare=True),
        Column("removed", lambda view: tables.moment(view.removed_at), spare=True),
        Column("needed by", lambda view: view.needed_by, wide=True),
        Column("fault", lambda view: view.fault),
        Column("unproven", lambda view: view.unproven),
    ),
    lambda view: str(view.id),
)
_Operator = dict[str, Any]  # as the document has it
OPERATORS: Final = Kind(
    _Operator,
    (
        Column("operator", lambda one: one["name"] or ""),
        Column("uid", lambda one: one["uid"] or ""),
        Column("id", lambda one: one["id"]),
        Column("parallelism", lambda one: str(one["parallelism"]), spare=True),
        Column("max parallelism", lambda one: str(one["max_parallelism"]), spare=True),
        Column("bytes", lambda one: str(one["bytes"])),
        Column("finished", lambda one: tables.yes(one["finished"]) if one["finished"] else "", spare=True),
    ),
    lambda one: one["uid"] or one["id"],
)
