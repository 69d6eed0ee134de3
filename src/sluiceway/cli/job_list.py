"""`sluiceway jobs list`."""

from typing import Annotated

from cyclopts import Parameter

from sluiceway.cli.choice import Choice, tell_unjudged
from sluiceway.cli.cluster_answers import complain_of_silence
from sluiceway.cli.job_columns import JOBS
from sluiceway.cli.language import t
from sluiceway.cli.options import Common, Flag, PositiveInt, or_default
from sluiceway.cli.output import NOTHING, complain
from sluiceway.cli.output_options import ColumnNames


def list_(
    *,
    choice: Choice | None = None,
    limit: PositiveInt = 20,
    offset: Annotated[int, Parameter(validator=lambda _, value: _not_negative(value))] = 0,
    all_: Annotated[bool, Parameter(name="--all", negative=(), show_default=False)] = False,
    watch: Flag = False,
    columns: ColumnNames = None,
    common: Common | None = None,
) -> int:
    """List jobs, the newest first.

    Exits with 3 when none matches.

    Example: `sluiceway jobs list --status running -l 'tier in (source,sink)' --all`

    Parameters
    ----------
    limit
        How many to list.
    offset
        How many to skip first.
    all_
        List them all.
    watch
        Show the list again and again, until Ctrl-C; through a pipe its changed rows, each in a line.
    """
    choice, common = choice or Choice(), or_default(common)
    client, query, most = common.client(), choice.query(), None if all_ else offset + limit
    if watch:
        from sluiceway.cli import watching  # draws with rich

        watching.watch(lambda: client.listed(query, most)[0][offset:], JOBS, columns, common)
    found, total, unjudged = client.listed(query, most)
    page = found[offset:]
    common.show(JOBS, page, {"total_count": total, "jobs": page}, columns)
    tell_unjudged(unjudged)
    if choice and not total:
        complain(t("No job in project {project} matches {choice}.", project=common.project, choice=choice.told))
        return NOTHING
    if len(page) < total - offset and not common.json:
        complain(t("{count} of {total} jobs; --all lists them all", count=len(page), total=total))
    complain_of_silence(client)
    return 0


def _not_negative(value: int) -> None:
    if value < 0:
        raise ValueError(t("It is 0 or more."))
