"""What a worker watches: a run with the latest stop and the latest savepoint of it. They move together."""

from dataclasses import dataclass
from typing import TypeVar

from sluiceway.domain.admission import RUNNABLE
from sluiceway.domain.copies import replace
from sluiceway.domain.doubt import shown
from sluiceway.domain.job import Standing, standing
from sluiceway.domain.operations.save import SETTLED as SETTLED_SAVES
from sluiceway.domain.operations.save import Save, SavePhase
from sluiceway.domain.operations.stop import SETTLED, Stop
from sluiceway.domain.run import Run, RunPhase

Part = TypeVar("Part", Run, Stop, Save)
Saving = TypeVar("Saving", Stop, Save)


@dataclass(frozen=True, slots=True)
class Watched:
    """One run, with the latest stop and the latest savepoint of it."""

    run: Run
    stop: Stop | None = None
    current: bool = True  # the job's latest run: its moves show in the job's status
    project: str = ""
    starts_batch: int | None = None  # the batch that the run is brought back from
    save: Save | None = None  # the latest that was asked for while it ran

    @property
    def open_stop(self) -> Stop | None:
        """The stop, as long as it has not settled."""
        return None if self.stop is None or self.stop.phase in SETTLED else self.stop

    @property
    def open_save(self) -> Save | None:
        """The savepoint, as long as it has not settled."""
        return None if self.save is None or self.save.phase in SETTLED_SAVES else self.save

    @property
    def settled(self) -> bool:
        """Whether nothing of it moves any more. A run that was lost may be shown again, where no life is told."""
        lost = self.run.phase is RunPhase.LOST and self.run.life is None
        return not (self.run.live or lost or self.open_stop or self.open_save)

    @property
    def unconfirmed(self) -> list[str]:
        """The trigger ids of what was asked, or may have been, and has had no answer."""
        pending = [one for one in (self.open_stop, self.open_save) if one is not None and not one.acknowledged]
        return [one.trigger for one in pending]

    @property
    def stop_waits_for(self) -> int | None:
        """The order whose rest its stop waits for; None when it waits for none."""
        return self.open_stop.batch_id if self.open_stop and self.open_stop.held else None

    @property
    def start_waits_for(self) -> int | None:
        """The same for the start that its run is."""
        return self.starts_batch if self.run.held else None

    @property
    def may_be_parked(self) -> bool:
        """Whether it fails on its way back, nothing of ours is under way on it, and nobody has tried to park it."""
        save, stop = self.open_save, self.stop
        saving = save is not None and save.phase is not SavePhase.OVERDUE
        tried = stop is not None and stop.batch_id == self.starts_batch
        return bool(self.current and self.run.falters_since and not self.open_stop and not saving and not tried)

    @property
    def standing(self) -> Standing:
        """What its job shows, if this is the job's latest run."""
        return standing(self.run, self.stop, self.save)

    @property
    def newest_savepoint(self) -> tuple[str, int | None] | None:
        """Where the last savepoint of the run lies that was kept, and its size: a stop's own is the newest.

        One of a run that never proved its state does not count.
        """
        for kept in (self.stop, self.save):
            if kept is not None and kept.savepoint_path is not None and not kept.unproven:
                return kept.savepoint_path, kept.savepoint_size
        return None

    @property
    def undoubted(self) -> "Watched":
        """The same, with every grace period yet to begin."""
        stop, save = self.stop, self.save
        return replace(
            self,
            run=replace(self.run, doubt_since=None, falters_since=None),
            stop=shown(stop) if stop else None,
            save=shown(save) if save else None,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What one turn makes of one run with its stop and savepoint. It is stored whole or not at all."""

    before: Watched
    after: Watched
    flink_version: str = ""  # of the cluster, where it is known

    @property
    def moved(self) -> bool:
        """Whether there is anything to store."""
        return self.before is not self.after and self.before != self.after

    @property
    def moved_run(self) -> tuple[Run, Run] | None:
        """The run as it was and as it is, if it has moved."""
        return _moved(self.before.run, self.after.run)

    @property
    def moved_stop(self) -> tuple[Stop, Stop] | None:
        """The same of the stop."""
        return _moved(self.before.stop, self.after.stop)

    @property
    def moved_save(self) -> tuple[Save, Save] | None:
        """The same of the savepoint."""
        return _moved(self.before.save, self.after.save)

    @property
    def kept_by_stop(self) -> Stop | None:
        """The stop, if it has just kept a savepoint."""
        return _just_kept(self.before.stop, self.after.stop)

    @property
    def kept_by_save(self) -> Save | None:
        """The savepoint, if it has just been kept."""
        return _just_kept(self.before.save, self.after.save)

    @property
    def revived(self) -> bool:
        """Whether a run that was lost runs again."""
        return self.before.run.phase is RunPhase.LOST and self.after.run.phase is RunPhase.RUNNING

    @property
    def alive_again(self) -> bool:
        """Whether its job seemed to be over, and is not."""
        return self.before.standing.status in RUNNABLE and self.after.standing.status not in RUNNABLE


def _moved(before: Part | None, after: Part | None) -> tuple[Part, Part] | None:
    """A turn moves what there is, and adds nothing."""
    if before is None or after is None or after is before or after == before:
        return None
    return before, after


def _just_kept(before: Saving | None, after: Saving | None) -> Saving | None:
    """What holds a savepoint now and held none before."""
    if after is None or after.savepoint_path is None or (before is not None and before.savepoint_path is not None):
        return None
    return after
