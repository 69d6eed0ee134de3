"""What must hold of ways back. Looked at after every commit."""

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.simulation.disk import plain

from sluiceway.domain.operations.stop import SETTLED, StopPhase
from sluiceway.domain.run import LIVE, RunPhase

if TYPE_CHECKING:
    from tests.simulation.invariants import Watch
    from tests.simulation.world import World

Row = dict[str, Any]
SLACK = 2.0  # virtual seconds between a failure and a look at it
UNSEEN = 30.0  # virtual seconds for which what was seen may be gone by: a look, and a database that is locked
ENDED_BADLY = {RunPhase.FAILED, RunPhase.REJECTED, RunPhase.LOST}


class BackWatch:
    """What must hold of ways back. Looked at after every commit."""

    def __init__(self, world: "World", watch: "Watch") -> None:
        self._world = world
        self._watch = watch
        self._unwell: set[int] = set()  # runs that were ever told so: they keep no place
        self._canceled_at: dict[int, float] = {}  # when the cancel that parks was last sent, by stop
        self.lost: defaultdict[str, list[float]] = defaultdict(list)  # when the JobManager of each cluster was lost

    def run_changed(self, row: Row, before: Row | None) -> None:
        """A start that was held may begin; and who is told unwell."""
        if row["unwell"]:
            self._unwell.add(row["id"])
        was_held = row["released_at"] is not None and (before is None or before["held"] > row["held"])
        if was_held and row["phase"] in LIVE:
            self._let_begin(row)

    def stop_changed(self, row: Row, before: Row | None) -> None:
        """A job is to be parked, or is parked."""
        order = self.order(row["batch_id"])
        if order is None or order["kind"] != "resume":
            return
        if before is None:
            self._parks(row, order)
        elif before["phase"] != row["phase"] and row["phase"] == StopPhase.SENT:
            self._canceled_at[row["id"]] = self._world.now
        elif before["phase"] != row["phase"] and row["phase"] == StopPhase.STOPPED:
            self._parked(row)

    def order(self, batch: int | None) -> Row | None:
        """The row of an order."""
        return next((row for row in self._watch.rows("batches") if row["id"] == batch), None)

    def runs_of(self, order: int) -> list[Row]:
        """The starts of a way back."""
        return [row for row in self._watch.rows("runs") if row["batch_id"] == order]

    def is_parked(self, run: Row) -> bool:
        """Whether it was canceled because it did not come back."""
        mine = [row for row in self._watch.rows("stops") if row["run_id"] == run["id"]]
        return any(row["batch_id"] == run["batch_id"] and row["phase"] == StopPhase.STOPPED for row in mine)

    def parks(self, jid: str) -> bool:
        """Whether a Flink job was canceled, or is to be, because it did not come back."""
        mine = [row for row in self._watch.rows("stops") if row["flink_job_id"] == jid]
        orders = (self.order(row["batch_id"]) for row in mine)
        return any(order is not None and order["kind"] == "resume" for order in orders)

    def missed(self, run: Row) -> bool:
        """Whether it did not come back, and nobody has stopped it."""
        mine = [row for row in self._watch.rows("stops") if row["run_id"] == run["id"]]
        last = max(mine, key=lambda row: row["id"], default=None)
        parks = last is not None and last["batch_id"] == run["batch_id"]
        if last is not None and last["phase"] == StopPhase.STOPPED:
            return parks
        could_not_be = parks and last is not None and last["phase"] in SETTLED and run["phase"] in LIVE
        return run["up_at"] is None and (run["phase"] in ENDED_BADLY or could_not_be)

    def _let_begin(self, row: Row) -> None:
        order = self.order(row["batch_id"])
        if order is None or order["kind"] != "resume":
            return
        if order["state"] == "aborted":
            self._world.violate(f"run {row['id']} begins although its order was aborted")
        mine = self.runs_of(order["id"])
        coming = [run for run in mine if not run["held"] and run["phase"] in LIVE and run["up_at"] is None]
        coming = [run for run in coming if run["id"] not in self._unwell and not self._is_given_up(run)]
        if order["max_parallel"] is not None and len(coming) > order["max_parallel"]:
            self._world.violate(f"{len(coming)} jobs of order {order['id']} on their way back at once")
        if any(run["wave"] > row["wave"] for run in coming):
            self._world.violate(f"run {row['id']} of wave {row['wave']} begins before the wave after it is back")
        if order["pace"] is not None:
            at = row["released_at"]
            lately = [run for run in mine if run["released_at"] and at - 60_000 < run["released_at"] <= at]
            if len(lately) > order["pace"]:
                self._world.violate(f"{len(lately)} starts of order {order['id']} within a minute")

    def _is_given_up(self, run: Row) -> bool:
        """Whether it could not be parked: it runs on, and nobody waits for it."""
        mine = [row for row in self._watch.rows("stops") if row["run_id"] == run["id"]]
        return any(row["batch_id"] == run["batch_id"] and row["phase"] in SETTLED for row in mine)

    def _parks(self, row: Row, order: Row) -> None:
        """It has truly failed, for as long or as often as was said, and has never proven itself."""
        run = next(run for run in self._watch.rows("runs") if run["id"] == row["run_id"])
        job = self._watch.jobs.get(row["flink_job_id"])
        self._world.note(f"job {row['job_id']} is to be parked", row["reason"][:100])
        if job is None or run["up_at"] is not None:
            self._world.violate(f"job {row['job_id']} is parked, and was proven or never there")
            return
        cluster = self._world.launched_in[row["flink_job_id"]]
        if cluster.down and self._world.now - cluster.lost_at > UNSEEN:
            self._world.violate(f"job {row['job_id']} is parked, and nobody can have seen it fail")
        launched = self._world.launched_at[row["flink_job_id"]]
        losses = [at for at in self.lost[cluster.name] if at >= launched]
        fell = [at - self._world.time.time() + self._world.now for at, _ in job.failures] + losses
        often = order["park_restarts"] is not None and len(fell) >= order["park_restarts"]
        lasts = self._world.now - min(fell, default=self._world.now)
        long = order["park_after"] is not None and lasts >= order["park_after"] / 1000 - SLACK
        if not fell or not (often or long):
            self._world.violate(f"job {row['job_id']} is parked after {len(fell)} failures within {lasts:.1f} s")

    def _parked(self, row: Row) -> None:
        """What it had when its cancel was sent is still there. A late cancel takes what was completed meanwhile."""
        flow = self._world.disk.flows[row["flink_job_id"]]
        asked = self._canceled_at.get(row["id"], self._world.now)
        if flow.checkpoint is not None and not flow.kept and flow.checkpointed_at < asked - SLACK:
            self._world.violate(f"job {row['job_id']} is parked, which has cost it its checkpoint")

    def needs(self, dispensable: set[str]) -> None:
        """What a parked job is resumed from is never removed. `dispensable`: the savepoints that may be."""
        for job in self._watch.rows("jobs"):
            run = next((run for run in self._watch.rows("runs") if run["id"] == job["run_id"]), None)
            if run is None or job["deleted_at"] is not None or not run["restore"] or not self.is_parked(run):
                continue
            if run["restore"] in dispensable:
                self._world.violate(f"job {job['id']} is parked, and {run['restore']} may be removed")
            known = "/savepoint-" not in run["restore"] or plain(run["restore"]) in self._world.disk.by_path
            if not known:
                self._world.violate(f"job {job['id']} is parked, and {run['restore']} is gone")
