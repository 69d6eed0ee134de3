"""`sluiceway jobs tag`."""

from typing import Annotated, Final

from cyclopts import Parameter

from sluiceway.cli import tables
from sluiceway.cli.choice import Choice, Texts, pair, picked
from sluiceway.cli.connection import Unreachable
from sluiceway.cli.language import t
from sluiceway.cli.options import Common, once, or_default
from sluiceway.cli.output import Failed, complain, say

_ANY: Final = ()  # whatever status a job is in


def tag(
    jobs: Annotated[
        tuple[str, ...], Parameter(negative=(), show_default=False, help="Ids or exact names of jobs.")
    ] = (),
    /,
    *,
    choice: Choice | None = None,
    set_: Annotated[Texts, Parameter(name="--set")] = (),
    remove: Texts = (),
    common: Common | None = None,
) -> int:
    """Give jobs tags, or take some away, whatever status they are in. Other tags stay.

    Exits with 0 when it is done for every job, and with 3 when no job is meant.

    Example: `sluiceway jobs tag --name 'in-*' --set tier=source --remove draft`

    Parameters
    ----------
    set_
        A tag as KEY=VALUE, which takes the place of another value; may be repeated.
    remove
        The key of a tag to take away; may be repeated.
    """
    choice, common = choice or Choice(), or_default(common)
    choice.check(jobs)
    if not set_ and not remove:
        raise Failed(t("Say which tags: --set KEY=VALUE, --remove KEY, or both."), code=2)
    given = dict(pair("--set", text) for text in set_)
    client = common.client()
    wanted = once(client, jobs) if jobs else picked(client, choice, _ANY, t("there is"))
    done, failed = list[int](), list[int]()
    for job in wanted:
        try:
            client.tag(job, given, remove)
            done.append(job)
        except Unreachable:
            raise
        except Failed as error:
            complain(t("job {job}: {what}", job=job, what=error))
            failed.append(job)
    if common.json:
        common.document({"tagged": done, "failed": failed})
    elif not common.words:
        common.names(*done)
    elif done:
        say(t("Changed the tags of {jobs}.", jobs=tables.jobs(len(done))))
    return int(bool(failed))
