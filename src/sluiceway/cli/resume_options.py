"""The options of a resume: its terms, and how to bring jobs back; and the request that they become."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from sluiceway.cli.language import t
from sluiceway.cli.options import Flag, PositiveInt, Seconds
from sluiceway.cli.output import Failed
from sluiceway.cli.stop_options import threshold


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """How to bring them back."""

    max_parallel: PositiveInt | None = None
    """Jobs on their way back at once, over all clusters: the next begins when one is proven."""

    pace: PositiveInt | None = None
    """Starts a minute, evenly, over all clusters, so that catching up does not overload the jobs' sources."""

    abort_when: str | None = None
    """Pause what has not begun when so many jobs have not come back: a number, or a share such as 10%."""

    park: Annotated[bool, Parameter(show_default=False)] = True
    """Park a job that keeps failing: cancel it, with its state intact. --no-park lets it try on."""

    park_after: Seconds = None
    """How long a job may fail before it is parked. Default: 3m."""

    park_restarts: PositiveInt | None = None
    """Restarts at which a job is parked before that time is up. Default: no bound."""

    def body(self) -> dict[str, object]:
        """The fields of the request that differ from the service's defaults. Raises `Failed`."""
        if not self.park and (self.park_after is not None or self.park_restarts is not None):
            raise Failed(t("--no-park leaves no --park-after and no --park-restarts."), code=2)
        given = {
            "max_parallel": self.max_parallel,
            "pace": self.pace,
            "abort_when": None if self.abort_when is None else threshold(self.abort_when),
            "park_after_seconds": self.park_after,
            "park_restarts": self.park_restarts,
        }
        said: dict[str, object] = {name: value for name, value in given.items() if value is not None}
        return said if self.park else said | {"park": False}


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of a resume."""

    dry_run: Flag = False
    """Touch nothing; say for each job which state it would start from, and the pitfalls."""

    drained: Flag = False
    """Resume also from savepoints of a stop with --drain: windows that it cut are written twice."""

    finished: Flag = False
    """Resume also jobs that have finished on their own: rows are written again."""

    allow_non_restored_state: Flag = False
    """Leave behind, for this start, state that no operator of the job takes; without it such a job is refused."""

    other_meaning: Flag = False
    """Resume also where operators would take state that others have made, as of another aggregate."""

    yes: Flag = False
    """Ask nothing, however many jobs there are. Without a terminal, more than 20 need it."""

    def body(self) -> dict[str, object]:
        """The fields of the request."""
        given = {
            "drained": self.drained,
            "finished": self.finished,
            "non_restored_state": self.allow_non_restored_state,
            "other_meaning": self.other_meaning,
        }
        allow = [name for name, said in given.items() if said]
        return ({"allow": allow} if allow else {}) | ({"dry_run": True} if self.dry_run else {})

    def refuse(self, why: str) -> None:
        """Refuse options that mean nothing without a resume, or beside a plan. Raises `Failed`."""
        if self.body():
            raise Failed(why, code=2)
