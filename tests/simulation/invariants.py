"""What must hold, whatever happens. Looked at after every commit, at every command that arrives, and at the end."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.simulation.back_watch import BackWatch
from tests.simulation.disk import Folder, plain
from tests.simulation.others_watch import OthersWatch
from tests.simulation.service import MAX_SAVEPOINTS, RULES

from sluiceway.domain.admission import RUNNABLE
from sluiceway.domain.batch import Kind as BatchKind
from sluiceway.domain.job import standing
from sluiceway.domain.operations.save import SETTLED as SETTLED_SAVES
from sluiceway.domain.operations.save import SavePhase
from sluiceway.domain.operations.stop import SETTLED, Stop, StopPhase
from sluiceway.domain.policy import Resort
from sluiceway.domain.run import RunPhase
from sluiceway.store.rows import to_run, to_save, to_stop
from sluiceway.testing.fake_jobs import Attempt, FakeJob
from sluiceway.testing.fake_rest import Kind

if TYPE_CHECKING:
    from tests.simulation.world import World

Row = dict[str, Any]
LOOK_LASTS = 75.0  # seconds for which what a service has seen may be what it goes by: it may stand still for 60
LIVE_RUN = {RunPhase.ACCEPTED, RunPhase.SUBMITTING, RunPhase.RUNNING}


class Watch:
    """Sees what the database holds, what the clusters do, and what people asked for."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.jobs: dict[str, FakeJob] = {}  # every Flink job that ever was, by its id
        self.asked: defaultdict[int, set[str]] = defaultdict(set)  # by job: run, savepoint, cancel
        self.excused: set[str] = set()  # Flink jobs that came back later than anybody promises to wait for
        self.known: dict[str, float] = {}  # when a job was seen to run on without its attempt, by who has stored it
        self._seen: defaultdict[str, dict[int, tuple[Any, ...]]] = defaultdict(dict)  # by table and id: what it held
        self._stops: dict[int, Row] = {}
        self._runs: dict[int, Row] = {}
        self._saves: dict[int, Row] = {}
        self._jobs: dict[int, Row] = {}
        self._choices: dict[int, str] = {}  # by run: what somebody had said that it is to be resumed from
        self._told: defaultdict[int, list[str]] = defaultdict(list)  # the phases of each stop, as they were stored
        self._runs_told: defaultdict[int, list[str]] = defaultdict(list)  # the phases of each job's runs
        self._saves_told: defaultdict[int, list[str]] = defaultdict(list)  # the phases of each job's savepoints
        # Attempts, by trigger id, that made their job restart from nothing: the job, and its number of restarts then.
        self._lost: dict[str, tuple[FakeJob, int]] = {}
        self.back = BackWatch(world, self)
        self.others = OthersWatch(world, self)
        self._was_overdue: set[int] = set()
        self._save_was_overdue: set[int] = set()

    # Every commit. ------------------------------------------------------------------------------------------------

    def committed(self) -> None:
        """See what a transaction has changed."""
        for row, before in self._changes("stops", self._stops):
            self._stop_changed(row, before)
            self.back.stop_changed(row, before)
        for row, before in self._changes("runs", self._runs):
            self.back.run_changed(row, before)
            if before is None or before["phase"] != row["phase"]:
                self._run_moved(row, before)
            self._run_changed(row, before)
        for row, before in self._changes("jobs", self._jobs):
            self.others.job_changed(row, before)
            if row["chosen_savepoint"] and row["status"] not in RUNNABLE:
                self._world.violate(f"job {row['id']} is {row['status']}, and keeps the choice of what to begin from")
            if before is not None and before["chosen_savepoint"] and before["run_id"] != row["run_id"]:
                self._choices[row["run_id"]] = before["chosen_savepoint"]
        for row, before in self._changes("saves", self._saves):
            if before is None or before["phase"] != row["phase"]:
                self._save_moved(row, before)

    def _changes(self, table: str, known: dict[int, Row]) -> list[tuple[Row, Row | None]]:
        """The rows that are not as they were, each with what it was; from now on they are known."""
        found, seen = self._world.memory.raw.execute(f"SELECT * FROM {table}"), self._seen[table]
        names = [column[0] for column in found.description]
        moved = [values for values in found if seen.get(values[0]) != values]  # the first column is the id
        seen.update({values[0]: values for values in moved})
        rows = [dict(zip(names, values, strict=True)) for values in moved]
        changed = [(row, known.get(row["id"])) for row in rows]
        known.update({row["id"]: row for row in rows})
        return changed

    def _stop_changed(self, row: Row, before: Row | None) -> None:
        if before is not None and row["savepoint"] > before["savepoint"]:
            self._world.violate(f"stop {row['id']} gave up its savepoint, and asks for it again")
        superseded = before is not None and before["savepoint"] > row["savepoint"]  # it waits for its wave no longer
        begins = not row["held"] and (before is None or before["held"])
        if begins and row["phase"] not in SETTLED and not superseded:
            self._let_begin(row)
        if before is None or (before["phase"], before["attempt"]) != (row["phase"], row["attempt"]):
            self._stop_moved(row, before)

    def rows(self, table: str) -> list[Row]:
        """All rows of a table as they are stored now."""
        found = self._world.memory.raw.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found]

    def _stop_moved(self, row: Row, before: Row | None) -> None:
        phase = StopPhase(row["phase"])
        self._world.note(
            f"stop {row['id']} of job {row['job_id']}", phase, f"attempt {row['attempt']}", row["reason"][:150]
        )
        if before is not None:
            self._told[row["id"]].append(phase)
        if phase is StopPhase.OVERDUE:
            self._was_overdue.add(row["id"])
        job = self.jobs.get(row["flink_job_id"])
        if row["flink_job_id"] in self.excused or self._world.registry.misleads(row["cluster"], row["flink_job_id"]):
            return
        self.others.stop_moved(row)
        match phase:
            case StopPhase.STOPPED:
                self._stopped(row, job)
            case StopPhase.LOST | StopPhase.ENDED:
                if job is not None and not job.state.terminal and not self._has_begun_anew(job.jid):
                    self._world.violate(
                        f"stop {row['id']} is told {phase}, and its job is {job.state}: {row['reason']}"
                    )
            case StopPhase.FAILED:
                self._failed(row, job)
            case StopPhase.WITHDRAWN:
                if any(attempt.kind == "stop" for attempt in self.in_flight(row["flink_job_id"])):
                    self._world.violate(f"stop {row['id']} is told WITHDRAWN while an attempt of it is under way")
            case _:
                pass

    def _let_begin(self, row: Row) -> None:
        """A stop begins: its wave has come, and there is room. A deleted job waits for nobody."""
        if row["cancel_on_failure"] or row["batch_id"] is None:
            return
        batch = next(batch for batch in self.rows("batches") if batch["id"] == row["batch_id"])
        if batch["kind"] == BatchKind.RESUME:
            return  # a job is parked whatever has become of its way back
        mine = [stop for stop in self._stops.values() if stop["batch_id"] == batch["id"]]
        if any(stop["wave"] < row["wave"] and stop["phase"] not in SETTLED for stop in mine):
            self._world.violate(f"stop {row['id']} of wave {row['wave']} begins before the wave before it has settled")
        begun = [stop for stop in mine if not stop["held"] and stop["phase"] not in {*SETTLED, StopPhase.OVERDUE}]
        begun = [s for s in begun if s["id"] not in self._was_overdue and not s["cancel_on_failure"]]
        if batch["max_parallel"] is not None and len(begun) > batch["max_parallel"]:
            self._world.violate(f"{len(begun)} stops of batch {batch['id']} at once")
        if batch["state"] == "aborted":
            self._world.violate(f"stop {row['id']} begins although its batch was aborted")

    def _run_moved(self, row: Row, before: Row | None) -> None:
        if before is not None:
            self._runs_told[row["job_id"]].append(row["phase"])
        self._world.note(f"run {row['id']} of job {row['job_id']}", row["phase"], row["reason"][:150])
        job = self.jobs.get(row["flink_job_id"])
        alive = job is not None and not job.state.terminal and row["flink_job_id"] not in self.excused
        if row["phase"] not in LIVE_RUN and alive and not self._is_followed(row):
            if self._has_begun_anew(row["flink_job_id"]):
                return
            if self._world.registry.misleads(row["cluster"], row["flink_job_id"]):
                return
            self._world.violate(f"run {row['id']} is told {row['phase']}, and runs: {row['reason']}")

    def _is_followed(self, row: Row) -> bool:
        """Whether a later run bears the Flink job id of this one: what lives under it is that."""
        return bool((self._run_of(row["flink_job_id"]) or row)["id"] > row["id"])

    def _has_begun_anew(self, jid: str) -> bool:
        """Whether others have just deployed a job anew under its id: what is told may be of its life before."""
        return self.others.lives[jid] > 1 and self._world.now - self._world.launched_at[jid] < LOOK_LASTS

    def _run_of(self, jid: str) -> Row | None:
        """The latest run of a Flink job id."""
        mine = [row for row in self._runs.values() if row["flink_job_id"] == jid]
        return max(mine, key=lambda row: int(row["id"]), default=None)

    def _run_changed(self, row: Row, before: Row | None) -> None:
        self.others.run_changed(row)
        theirs = self.others.is_theirs(row["flink_job_id"])
        if before is None and row["created_at"] and row["checkpoints"] is None and not theirs:
            self._world.violate(f"run {row['id']} of job {row['job_id']} has no directory for its checkpoints")
        if row["up_at"] is not None and (before is None or before["up_at"] is None) and _up_too_soon(self._world, row):
            self._world.violate(f"run {row['id']} of job {row['job_id']} is told to do its work, and has shown nothing")

    def _save_moved(self, row: Row, before: Row | None) -> None:
        phase, save = SavePhase(row["phase"]), f"savepoint {row['id']} of job {row['job_id']}"
        self._world.note(save, phase, row["reason"][:150])
        if before is not None:
            self._saves_told[row["job_id"]].append(phase)
        if phase is SavePhase.OVERDUE:
            self._save_was_overdue.add(row["id"])
        under_way = any(attempt.trigger == row["trigger"] for attempt in self.in_flight(row["flink_job_id"]))
        if under_way and row["flink_job_id"] not in self.excused and phase in {*SETTLED_SAVES, SavePhase.CHECKING}:
            self._world.violate(f"{save} is told {phase} while Flink is at it: {row['reason']}")
        folder = self._world.disk.by_path.get(plain(row["savepoint_path"] or "-"))
        whole = folder is not None and folder.complete_at is not None and folder.jid == row["flink_job_id"]
        if (phase is SavePhase.SAVED) != (row["savepoint_path"] is not None) or (
            phase is SavePhase.SAVED and not whole
        ):
            self._world.violate(f"{save} is told {phase} with {row['savepoint_path']}: {row['reason']}")

    def unsent(self, job_id: int) -> bool:
        """Whether the job's stop with a savepoint has never sent anything."""
        mine = [row for row in self._stops.values() if row["job_id"] == job_id and row["phase"] == StopPhase.WAITING]
        return any(row["savepoint"] and row["sent_at"] is None and row["attempt"] == 1 for row in mine)

    def fares(self, jid: str) -> str:
        """How the run of a Flink job is told to fare."""
        run = self._run_of(jid)
        return str(run["condition"]) if run else ""

    def has_taken(self, jid: str) -> bool:
        """Whether a Flink job is one of ours, or was taken in, and somebody here can see it."""
        known = (row for row in self._runs.values() if row["flink_job_id"] == jid)
        return any(self._world.registry.reaches(row["cluster"], jid) for row in known)

    def has_run(self, job_id: int) -> bool:
        """Whether a run of a job was ever stored: the request for its first one may have come to nothing."""
        return any(row["job_id"] == job_id for row in self._runs.values())

    def latest(self, job_id: int) -> Row:
        """The latest run of a job."""
        return max((row for row in self._runs.values() if row["job_id"] == job_id), key=lambda row: row["id"])

    def kept(self, job_id: int) -> Row | None:
        """The latest stop of a job, if it has kept a savepoint."""
        mine = [row for row in self._stops.values() if row["job_id"] == job_id]
        last = max(mine, key=lambda row: row["id"], default=None)
        return last if last is not None and last["savepoint_path"] and last["phase"] == StopPhase.STOPPED else None

    def unsettled_jobs(self) -> list[int]:
        """The jobs whose stop has not settled."""
        return sorted({row["job_id"] for row in self._stops.values() if row["phase"] not in SETTLED})

    def _stopped(self, row: Row, job: FakeJob | None) -> None:
        stop = f"stop {row['id']}"
        self._tells_what_it_did(row)
        self._knows_what_is_proven(row)
        if job is not None and not job.state.terminal and not self._has_begun_anew(job.jid):
            self._world.violate(f"{stop} is told STOPPED, and its job is {job.state}: {row['reason']}")
        if row["savepoint_path"] is None:
            if row["checkpoint_path"] is not None:
                self._kept_checkpoint(row)
            elif row["savepoint"]:
                self._world.violate(f"{stop} is told STOPPED without the savepoint that was asked for")
            return
        folder = self._world.disk.by_path.get(plain(row["savepoint_path"]))
        if folder is None or folder.complete_at is None or folder.jid != row["flink_job_id"]:
            self._world.violate(
                f"{stop} is told STOPPED with {row['savepoint_path']}, which is no savepoint of its job"
            )
        elif self._ran_on_after(folder) and not self._untold(row, folder):
            self._world.violate(f"{stop} is told STOPPED with a savepoint that is not its job's last state")

    def lost_state(self, job: FakeJob, triggers: Sequence[str]) -> None:
        """A job has restarted from nothing while these attempts were at it."""
        self._lost |= dict.fromkeys(triggers, (job, job.restarts))

    def _tells_what_it_did(self, row: Row) -> None:
        """A stop never makes a job worse than its answer says.

        What an attempt has saved before is not lost. Of several restarts the last is seen (a known weakness).
        """
        if not row["savepoint"] or "from nothing" in row["reason"]:
            return
        stop = to_stop(_as_mapping(row))
        mine = {replace(stop, attempt=number).trigger for number in range(1, stop.attempt + 1)}
        lost = {trigger for trigger in mine & self._lost.keys() if trigger not in (row["savepoint_path"] or "")}
        if any(job.restarts == number for job, number in (self._lost[trigger] for trigger in lost)):
            told = f"stop {row['id']} is told {row['phase']}, and no word of the restart from nothing that it caused"
            self._world.violate(f"{told}: {row['reason']}")

    def _knows_what_is_proven(self, row: Row) -> None:
        """A savepoint is not passed over because nobody has looked: Flink tells of its run's checkpoints."""
        if not row["unproven"] or "found on storage" in row["reason"]:
            return
        jid = row["flink_job_id"]
        home = self._world.launched_in[jid].name
        lost = any(at >= self._world.launched_at[jid] for at in self.back.lost[home])
        if self._world.disk.flows[jid].proven and not lost:
            self._world.violate(f"stop {row['id']} is told unproven, and its run has completed a checkpoint")

    def _kept_checkpoint(self, row: Row) -> None:
        disk = self._world.disk
        flow = disk.flows[row["flink_job_id"]]
        newest = flow.checkpoint
        if newest is None or not flow.kept or disk.position(row["checkpoint_path"]) < newest - 1e-6:
            self._world.violate(f"stop {row['id']} kept {row['checkpoint_path']}, which is not the newest checkpoint")

    def _ran_on_after(self, folder: Folder) -> bool:
        """Whether records flowed after it, be it from an older state: then it is not what its job has come to."""
        flow = self._world.disk.flows[folder.jid]
        return flow.position > folder.position + 1e-6 or flow.last > (folder.complete_at or 0.0) + 1e-6

    def _untold(self, row: Row, folder: Folder) -> bool:
        """Whether nobody knew that it ran on when its JobManager forgot (a known weakness)."""
        cluster = self._world.launched_in[folder.jid]
        known = self.known.get(folder.jid, 0.0)
        return known <= (folder.complete_at or 0.0) < cluster.lost_at

    def _failed(self, row: Row, job: FakeJob | None) -> None:
        stop = f"stop {row['id']}"
        flights = self.in_flight(row["flink_job_id"])
        if any(attempt.kind == "stop" for attempt in flights):
            self._world.violate(f"{stop} is told FAILED while an attempt of it is under way: {row['reason']}")
        if job is None or (job.state.terminal and self._ago(job) > LOOK_LASTS):
            self._world.violate(f"{stop} is told FAILED, and its job does not run: {row['reason']}")

    def _ago(self, job: FakeJob) -> float:
        return self._world.time.time() - (job.ended_at or 0.0)

    def in_flight(self, jid: str) -> Sequence[Attempt]:
        """The attempts of ours that are under way on a Flink job."""
        cluster = self._world.cluster_of(jid)
        found = cluster.state.in_flight_of(jid) if cluster else ()
        return [attempt for attempt in found if attempt.trigger not in self.others.foreign]

    # Every command. -----------------------------------------------------------------------------------------------

    def commanded(self, kind: str, jid: str) -> None:
        """A command of ours has arrived at a cluster."""
        run = self._run_of(jid)
        if run is None:
            self._world.violate(f"a {kind} of a job that is not ours")
            return
        if kind == Kind.SAVEPOINT:
            self._savepoint_commanded(run)
            return
        wanted = "cancel" if kind == Kind.CANCEL else "savepoint"
        mine = [row for row in self._stops.values() if row["run_id"] == run["id"]]
        implied = wanted == "cancel" and any(_implies_cancel(row) for row in mine)
        if wanted not in self.asked[run["job_id"]] and not implied:
            self._world.violate(f"a {kind} of job {run['job_id']}, for which nobody asked")
        if kind == Kind.CANCEL and wanted not in self.asked[run["job_id"]]:
            self._keeps_a_checkpoint(run, mine)
        if not any(row["sent_at"] is not None or row["attempt"] > 1 for row in mine):
            self._world.violate(f"a {kind} of job {run['job_id']} is sent before it is stored as sent")

    def _keeps_a_checkpoint(self, run: Row, mine: Sequence[Row]) -> None:
        """A job that is canceled only to go on from its checkpoint must have one that outlives the cancel."""
        open_ = [to_stop(_as_mapping(row)) for row in mine if row["phase"] not in SETTLED]
        if any(stop.foreign_savepoint or stop.policy.resort is Resort.CANCEL for stop in open_):
            return
        job, flow = self.jobs[run["flink_job_id"]], self._world.disk.flows[run["flink_job_id"]]
        if job.state.terminal:
            return  # the copy of a cancel that has done its work
        if not job.retains_checkpoints or flow.checkpoint is None:
            self._world.violate(f"a cancel of job {run['job_id']} for its checkpoint, which would not outlive it")

    def _savepoint_commanded(self, run: Row) -> None:
        if "save" not in self.asked[run["job_id"]]:
            self._world.violate(f"a savepoint of job {run['job_id']}, for which nobody asked")
        if not any(row["sent_at"] is not None for row in self._saves.values() if row["run_id"] == run["id"]):
            self._world.violate(f"a savepoint of job {run['job_id']} is sent before it is stored as sent")

    def begins(self, cluster: str, job: FakeJob, attempt: Attempt, others: Sequence[Attempt]) -> None:
        """Flink takes up an attempt."""
        triggers = {row["trigger"]: row for row in self._saves.values()}
        saving = triggers.get(attempt.trigger)
        if (attempt.kind != "stop" and saving is None) or attempt.trigger in self.others.foreign:
            return  # somebody else's
        if job.deadly and not attempt.native:
            self._world.violate(f"a canonical savepoint of {job.name}, which would kill it")
        ours = [other for other in others if other.trigger not in self.others.foreign]
        if any(other.kind == "stop" or other.trigger in triggers for other in ours):
            self._world.violate(f"two operations of ours at once on the state of {job.name} ({job.jid})")
        if saving is not None:
            if saving["phase"] not in {SavePhase.SENT, SavePhase.OVERDUE}:
                self._world.violate(f"a savepoint of {job.name} begins after it was told {saving['phase']}")
            self._count(cluster)
            return
        mine = next((r for r in self._stops.values() if attempt.trigger in _may_arrive(to_stop(_as_mapping(r)))), None)
        if mine is None:
            self._world.violate(f"an attempt of {job.name} that is not the present one of any stop")
        elif mine["phase"] in SETTLED:
            self._world.violate(f"an attempt of {job.name} begins after its stop was told {mine['phase']}")
        self._count(cluster)

    def _count(self, cluster: str) -> None:
        under_way = sum(self._counts(row) for row in self._stops.values() if self._is_in(cluster, row))
        for row in self._saves.values():
            open_ = row["phase"] == SavePhase.SENT and row["id"] not in self._save_was_overdue
            under_way += bool(self._is_in(cluster, row) and open_ and self.in_flight(row["flink_job_id"]))
        if under_way > MAX_SAVEPOINTS:
            self._world.violate(f"{under_way} savepoints at once in {cluster}")

    def _is_in(self, cluster: str, row: Row) -> bool:
        """Whether it is of a job there, known by that name; the name may have meant another cluster for a while."""
        found = self._world.cluster_of(row["flink_job_id"])
        return bool(row["cluster"] == cluster and found and found.name == cluster)

    def _counts(self, row: Row) -> bool:
        open_ = row["phase"] in {StopPhase.SENT, StopPhase.ENDING} and row["id"] not in self._was_overdue
        return bool(row["savepoint"] and open_ and self.in_flight(row["flink_job_id"]))

    def launched(self, jid: str, job_id: int, job: FakeJob) -> None:
        """Flink takes up a job."""
        self.jobs[jid] = job
        self._world.launched_at[jid] = self._world.now
        if any(row["flink_job_id"] == jid and row["held"] for row in self._runs.values()):
            self._world.violate(f"job {job_id} is started although it is held")
        if all(row["flink_job_id"] != jid for row in self._runs.values()):
            self._world.violate(f"job {job_id} is started under an id that is not stored")
        if "run" not in self.asked[job_id]:
            self._world.violate(f"job {job_id} is started, for which nobody asked")
        for row in self._runs.values():
            other = self.jobs.get(row["flink_job_id"])
            if row["job_id"] != job_id or row["flink_job_id"] == jid or other is None or other.state.terminal:
                continue
            if row["phase"] != RunPhase.LOST and row["flink_job_id"] not in self.excused:
                self._world.violate(f"a second copy of job {job_id} beside {row['flink_job_id']} ({row['phase']})")

    # Every start that resumes. ------------------------------------------------------------------------------------

    def resumed(self, job_id: int) -> None:
        """A start from the newest state was just accepted."""
        new, *older = sorted((r for r in self._runs.values() if r["job_id"] == job_id), key=lambda r: -r["id"])
        if (chosen := self._choices.get(new["id"])) is not None:
            if new["restore"] != chosen:
                self._world.violate(f"job {job_id} is resumed from {new['restore']}, and not from {chosen}")
            return
        if not older:
            self._world.violate(f"job {job_id} is resumed without ever having run")
            return
        disk, last = self._world.disk, older[0]
        flow = disk.flows.get(last["flink_job_id"])
        mine = [row for row in self._stops.values() if row["run_id"] == last["id"]]
        taken = [row for row in self._saves.values() if row["run_id"] == last["id"]]
        unproven = {plain(row["savepoint_path"]) for row in (*mine, *taken) if row["unproven"]}
        if plain(new["restore"] or "-") in unproven:
            self._world.violate(f"job {job_id} is resumed from {new['restore']}, which proves nothing")
        # What an earlier attempt of an unproven stop has left proves no more than that stop's own savepoint.
        roots = [row.get("root") or row["target"] for row in (*mine, *taken) if not row["unproven"]]
        folders = [f for f in disk.whole(roots, self._world.now - LOOK_LASTS) if f.path not in unproven]
        done = [row for row in mine if row["phase"] == StopPhase.STOPPED]
        done += [row for row in taken if row["phase"] == SavePhase.SAVED]
        kept = [row["savepoint_path"] for row in done if row["savepoint_path"] and not row["unproven"]]
        folders += [disk.by_path[plain(path)] for path in kept]
        known = [(folder.complete_at or 0.0, folder.position) for folder in folders]
        if flow is not None and flow.kept and flow.checkpoint is not None:
            known.append((flow.checkpointed_at, flow.checkpoint))
        # By time: what a job had processed before it was set back counts for nothing.
        made_at, newest = max(known, default=(0.0, disk.position(last["restore"])))
        folder = disk.by_path.get(plain(new["restore"] or ""))
        if folder and any(self._untold(row, folder) for row in mine if row["savepoint_path"] == new["restore"]):
            return
        is_newer = folder is not None and (folder.complete_at or 0.0) >= made_at
        if not is_newer and disk.position(new["restore"]) < newest - 1e-6:
            self._world.violate(f"job {job_id} is resumed from {new['restore']}, which is not its newest state")

    def started_as_shown(self, job_id: int, state: str) -> None:
        """A start that carries out a plan was just accepted."""
        new = max((row for row in self._runs.values() if row["job_id"] == job_id), key=lambda row: int(row["id"]))
        if new["restore"] != state:
            self._world.violate(f"job {job_id} is resumed from {new['restore']}, and its plan has shown {state}")

    def stopped_as_shown(self, batch: int, shown: set[str]) -> None:
        """A stop that carries out a plan was just accepted."""
        mine = {row["flink_job_id"] for row in self._stops.values() if row["batch_id"] == batch}
        if not mine <= shown:
            self._world.violate(f"stop {batch} is one of {sorted(mine - shown)}, which its plan has not shown")

    # The end. -----------------------------------------------------------------------------------------------------

    def unrest(self) -> str:
        """What has yet to settle; empty when all is at rest."""
        for row in self._stops.values():
            if row["phase"] not in SETTLED:
                return f"stop {row['id']} is {row['phase']}: {row['reason']}"
        for row in self._saves.values():
            if row["phase"] not in SETTLED_SAVES:
                return f"savepoint {row['id']} is {row['phase']}: {row['reason']}"
        for row in self._runs.values():
            job = self.jobs.get(row["flink_job_id"])
            alive = job is not None and not job.state.terminal
            if not self._world.registry.reaches(row["cluster"], row["flink_job_id"]) and job is not None:
                continue  # nobody can tell
            if row["phase"] in LIVE_RUN and not (row["phase"] == RunPhase.RUNNING and alive):
                return f"run {row['id']} of job {row['job_id']} is {row['phase']}, alive: {alive}: {row['reason']}"
            if row["phase"] not in LIVE_RUN and alive and not self._is_followed(row):
                return f"run {row['id']} of job {row['job_id']} is {row['phase']}, and runs"
        return self.others.missed()

    def at_rest(self) -> None:
        """What must hold when nothing more is to happen."""
        self._statuses()
        self._events()
        self.others.at_rest()

    def _statuses(self) -> None:
        for job in self.rows("jobs"):
            run = self._runs.get(job["run_id"])
            stop = self._stops.get(job["stop_id"])
            if job["deleted_at"] is not None:
                continue
            flink_job = self.jobs.get(job["flink_job_id"])
            reached = self._world.registry.reaches(job["cluster"], job["flink_job_id"])
            alive = flink_job is not None and not flink_job.state.terminal and reached
            if alive and job["status"] in RUNNABLE and not (run and self._is_followed(run)):
                self._world.violate(f"job {job['id']} shows {job['status']}, and runs")
            save = self._saves.get(job["save_id"])
            stands = standing(
                to_run(_as_mapping(run)) if run else None,
                to_stop(_as_mapping(stop)) if stop else None,
                to_save(_as_mapping(save)) if save else None,
            )
            if job["status"] != stands.status:
                self._world.violate(f"job {job['id']} shows {job['status']}, and is {stands.status}")

    def _events(self) -> None:
        told: defaultdict[int, list[str]] = defaultdict(list)
        runs_told: defaultdict[int, list[str]] = defaultdict(list)
        saves_told: defaultdict[int, list[str]] = defaultdict(list)
        for event in self.rows("events"):
            if event["stop_id"] is not None and event["kind"].startswith("stop_"):
                told[event["stop_id"]].append(event["kind"].removeprefix("stop_"))
            elif event["kind"].startswith("run_"):
                runs_told[event["job_id"]].append(event["kind"].removeprefix("run_"))
            elif event["kind"].startswith("snapshot_") and event["kind"] != "snapshot_accepted":
                saves_told[event["job_id"]].append(event["kind"].removeprefix("snapshot_"))
        for job_id, phases in self._runs_told.items():
            if runs_told[job_id] != phases:
                self._world.violate(f"the runs of job {job_id} went {phases}, and its events tell {runs_told[job_id]}")
        for job_id, phases in self._saves_told.items():
            if saves_told[job_id] != phases:
                told_ = saves_told[job_id]
                self._world.violate(f"the savepoints of job {job_id} went {phases}, and their events tell {told_}")
        for stop_id, phases in self._told.items():
            if told[stop_id] != phases:
                self._world.violate(f"stop {stop_id} went {phases}, and its events tell {told[stop_id]}")


def _up_too_soon(world: "World", row: Row) -> bool:
    """Whether a run is told to do its work without having completed a checkpoint, which all jobs here take."""
    flow = world.disk.flows.get(row["flink_job_id"])
    job = world.watch.jobs.get(row["flink_job_id"])
    if flow is None or job is None or job.batch or job.savepoints:
        return False
    flow.move(world.now, flowing=flow.flowing)
    return not flow.proven


def _implies_cancel(row: Row) -> bool:
    """Whether a stop with a savepoint may come to a cancel: by its policy, or for somebody else's savepoint."""
    return row["foreign_savepoint"] is not None or '"cancel' in row["policy"]


def _may_arrive(stop: Stop) -> set[str]:
    """The attempts of a stop that the network may still hold: that of now, and one that was given up in flight."""
    return {stop.trigger, *([replace(stop, attempt=stop.attempt - 1).trigger] if stop.abandoned else [])}


def _as_mapping(row: Row) -> Any:
    return row


PATIENCE = RULES.timeout.total_seconds() * 10  # virtual seconds within which all comes to rest once the weather is calm
