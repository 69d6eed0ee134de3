"""The options of `sluiceway move`, and the request that they become."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from cyclopts import Parameter

from sluiceway.cli.choice import Choice
from sluiceway.cli.language import t
from sluiceway.cli.options import Flag, Names, PositiveInt, Seconds
from sluiceway.cli.output import Failed
from sluiceway.cli.resume_options import Back
from sluiceway.cli.stop_options import Manner, Resolve


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """How to move them."""

    wave: Names = ()
    """A group that moves together: queue=Q, tag:KEY=VALUE, or ids and names with commas. The next begins when the last
    has arrived; jobs in no group come last."""

    max_parallel: PositiveInt | None = None
    """Jobs that are down or on their way at once: the next stops when one is proven where it goes."""

    pace: PositiveInt | None = None
    """Starts a minute, evenly, so that catching up does not overload the jobs' sources."""

    abort_when: str | None = None
    """Pause what has not begun when so many jobs have not arrived: a number, or a share such as 10%."""

    format: Literal["auto", "canonical", "native"] = "auto"
    """Flink's format of the savepoints; auto takes for each job one that does it no harm."""

    if_not_running: Literal["wait", "cancel", "leave"] | None = None
    """What to do with a job whose tasks do not run: wait, cancel it keeping its last checkpoint, or leave it where it
    is. Default: the service's --if-not-running."""

    stop_timeout: Seconds = None
    """How long until a stop without a result is reported as overdue. The service keeps watching it."""

    park: Annotated[bool, Parameter(show_default=False)] = True
    """Park a job that keeps failing where it goes: cancel it, with its state intact. --no-park lets it try on."""

    park_after: Seconds = None
    """How long a job may fail before it is parked. Default: 3m."""

    park_restarts: PositiveInt | None = None
    """Restarts at which a job is parked before that time is up. Default: no bound."""

    allow_non_restored_state: Flag = False
    """Leave behind state that no operator of the job takes where it goes; without it such a job does not start."""

    other_meaning: Flag = False
    """Start also where operators would take state that others have made, as of another aggregate."""

    def body(self, resolve: Resolve) -> dict[str, object]:
        """The fields of the request that differ from the service's defaults. Raises `Failed`."""
        manner = Manner(
            format=self.format,
            if_not_running=self.if_not_running,
            stop_timeout=self.stop_timeout,
            max_parallel=self.max_parallel,
            wave=self.wave,
            abort_when=self.abort_when,
        )
        back = Back(pace=self.pace, park=self.park, park_after=self.park_after, park_restarts=self.park_restarts)
        said = {"non_restored_state": self.allow_non_restored_state, "other_meaning": self.other_meaning}
        allow = [name for name, wanted in said.items() if wanted]
        return manner.body(resolve) | back.body() | ({"allow": allow} if allow else {})


def leaving(choice: Choice, source: str | None) -> Choice:
    """What is chosen, of the jobs on the cluster that they leave. Raises `Failed`."""
    if source is None:
        return choice
    if choice.cluster:
        raise Failed(t("--from and --cluster say the same: on which clusters the jobs are. Give one of them."), code=2)
    return replace(choice, cluster=(source,))
