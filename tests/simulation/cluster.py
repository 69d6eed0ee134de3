"""A simulated cluster: the fake Flink's answers, jobs that process records, and a JobManager that may be away."""

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tests.simulation.disk import Flow

from sluiceway.domain.facts import JobState
from sluiceway.domain.run import Run
from sluiceway.testing.fake_jobs import Attempt, FakeCheckpoint, FakeJob, FakeJobs, Truth
from sluiceway.testing.fake_rest import FakeRest, Kind, decoded, route

if TYPE_CHECKING:
    from tests.simulation.world import World

HANG = 60.0  # seconds until a stop that hangs expires; Flink's own default is ten minutes
PROMISED = 28.0  # seconds for which a job that is not shown does not count as gone
LINGER = 0.1  # of the jobs: a failure ends whoever was to tell of their attempts
LEAVES_AFTER = 2.0  # seconds from the end of the jobs of an application cluster, whose results were read
STORE = 120.0  # seconds for which results are kept


class SimJobs(FakeJobs):
    """The fake's jobs, with what each has processed, and an eye on what is done to them."""

    world: "World"
    cluster: str
    _blamed: Sequence[Attempt] = ()  # the attempts that what happens now befalls

    def add(self, job: FakeJob) -> FakeJob:
        """See `FakeJobs`."""
        added = super().add(job)
        self._flow(job)
        return added

    def _flow(self, job: FakeJob) -> None:
        self.world.disk.flows[job.jid].move(self.world.now, flowing=job.processing)

    def loop(self, jid: str, why: str) -> None:
        """See `FakeJobs`. Records flow again as soon as a job that is up loops no more."""
        super().loop(jid, why)
        self._flow(self.jobs[jid])

    def _begin(self, job: FakeJob, attempt: Attempt) -> None:
        self.world.watch.begins(self.cluster, job, attempt, self._in_flight.get(job.jid, ()))
        super()._begin(job, attempt)
        self._flow(job)

    def _complete(self, job: FakeJob, attempt: Attempt) -> None:
        self._blamed = [attempt]
        super()._complete(job, attempt)
        self._blamed = []
        self._flow(job)

    def _restart(self, job: FakeJob, why: str) -> None:
        self._blamed = [*self._blamed, *self.in_flight_of(job.jid), *job.finishing]
        super()._restart(job, why)
        self._blamed = []

    def _recover(self, job: FakeJob, attempts: list[Attempt], truth: Truth, seconds: float) -> None:
        self._blamed = [*attempts, *job.finishing]
        super()._recover(job, attempts, truth, seconds)
        self._blamed = []

    def _bring_back(self, job: FakeJob) -> None:
        before = job.from_nothing
        super()._bring_back(job)
        if job.from_nothing > before:
            self.world.note(job.name, "restarts from nothing")
            self.world.watch.lost_state(job, [attempt.trigger for attempt in self._blamed])

    def _checkpoint_of(self, job: FakeJob) -> str | None:
        self._flow(job)
        flow = self.world.disk.flows[job.jid]
        name = flow.checkpoint_name
        return None if name is None else f"{flow.directory}/{name}"

    def _move(self, job: FakeJob, state: JobState) -> None:
        self._flow(job)
        super()._move(job, state)
        self.world.note(job.name, state.value)
        self._flow(job)
        flow = self.world.disk.flows[job.jid]
        if state is JobState.RESTARTING:
            flow.roll_back()
        elif state is JobState.FINISHED or (state is JobState.CANCELED and not job.retains_checkpoints):
            flow.kept = False

    def forget(self, jid: str) -> None:
        """Whoever runs a job of that id next knows nothing of this one."""
        self.jobs.pop(jid, None)
        self._kept.discard(jid)
        self._attempts = {key: attempt for key, attempt in self._attempts.items() if key[0] != jid}

    def in_flight_of(self, jid: str) -> list[Attempt]:
        """The attempts under way on a job."""
        return self._in_flight.get(jid, [])


class SimCluster(FakeRest):
    """One cluster; see `FakeRest`."""

    def __init__(self, world: "World", name: str, *, ha: bool, application: bool = False) -> None:
        super().__init__(store_seconds=STORE, disk=world.disk)
        self.world = world
        self.name = name
        self.ha = ha
        self.life = 0
        self.down = False
        self.application = application  # it goes with its jobs, and refuses connections from then on
        self.counted = 0  # requests for savepoints
        self.lost_at = -1.0  # when the JobManager was last lost
        self.hosts = (name, f"{name}-b") if world.setting.standby else (name,)
        self.leader = name  # the host of the JobManager that leads
        self.dead: set[str] = set()  # hosts without one
        if world.setting.standby:
            self.options = {"high-availability.type": "zookeeper", "high-availability.cluster-id": f"/{name}"}
        self._unseen: dict[str, float] = {}  # since when a job that recovers has not been shown
        self.state = SimJobs(world.later, world.disk, STORE, HANG)
        self.state.world, self.state.cluster = world, name
        self._state = self.state
        if application:
            self.of_application(leaves_after=LEAVES_AFTER)

    def leave(self) -> None:
        """See `FakeRest`."""
        self.world.note("JobManager leaves", self.name)
        self.down = True

    def asked(self, method: str, path: str, data: bytes | None) -> tuple[int, bytes]:
        """A request has arrived."""
        kind, ids = route(method, path.partition("?")[0])
        self.counted += kind in {Kind.STOP, Kind.SAVEPOINT}
        if kind in {Kind.STOP, Kind.CANCEL, Kind.SAVEPOINT}:
            self.world.note(f"{kind} arrives", ids[0])
            self.world.watch.commanded(kind, ids[0])
        if kind is Kind.CHECKPOINTS and ids[0] in self.jobs:
            self.jobs[ids[0]].checkpoint = self._checkpoint(ids[0])
        return self.answer(method, path, decoded(data or b""))

    def living(self) -> list[tuple[str, str]]:
        """The ids and the names of the streaming jobs that live and are shown."""
        shown = (job for job in self.jobs.values() if job.jid not in self._hidden)
        return [(job.jid, job.name) for job in shown if not job.state.terminal and not job.batch]

    def shows_running(self, path: str) -> str | None:
        """The job that an answer shows to run on without the attempt that was asked about; None for other answers."""
        kind, ids = route("GET", path.partition("?")[0])
        return ids[0] if kind is Kind.POLL and ids[0] in self.jobs and self.jobs[ids[0]].processing else None

    def _checkpoint(self, jid: str) -> FakeCheckpoint | None:
        flow = self.world.disk.flows[jid]
        flow.move(self.world.now, flowing=flow.flowing)
        if flow.checkpoint is None:
            return None
        taken = self.world.time.time() - (flow.position - flow.checkpoint)
        return FakeCheckpoint(f"{flow.directory}/{flow.checkpoint_name}", taken)

    def submitted(self, run: Run) -> tuple[int, bytes]:
        """A job has arrived."""
        if run.flink_job_id in self.jobs:
            return 200, b""
        if run.restore is not None and run.job_id in self.world.changelogs and not run.claims:
            self.world.violate(f"job {run.job_id} keeps a changelog, and is resumed in a mode in which it fails")
        self.launch(run.flink_job_id, run.job_id, run.restore)
        if run.job_id in self.world.stillborn:
            self.fail_to_start(run.flink_job_id)
        return 200, b""

    def launch(self, jid: str, job_id: int, restore: str | None) -> None:
        """Begin to run a job, unless its id was seen before."""
        world = self.world
        start = world.disk.position(restore)
        is_async = job_id in world.asynchronous
        habits = world.habits(job_id)
        job = FakeJob(jid, name=f"job-{job_id}", restored=restore, asynchronous=is_async, interval=7.0, **habits)
        if job_id in world.cursed and not job.batch:
            job.loops, job.comes_up, job.up_seconds, job.restartable = "java.lang.Loop: again", True, 4.0, True
        directory = f"file:/storage/jobs/checkpoint/{job_id}/{jid}"
        if self._take_up(job, Flow(job_id, start, start, world.now, directory=directory)):
            world.watch.launched(jid, job_id, job)

    def deploy_anew(self, old: FakeJob, restore: str | None, **habits: Any) -> FakeJob:
        """Run a job under the id of one that is over, in a cluster that is made anew: no request outlives the old one.

        Where the JobManager stays the same, it knows a late request by its trigger, and begins nothing (contract).
        """
        self.life += 1
        self.state.forget(old.jid)
        self._cache.clear()
        self._leaving = self.down = False
        return self.take_up(old.name, restore, old.jid, **habits)

    def take_up(self, name: str, restore: str | None, jid: str = "", **habits: Any) -> FakeJob:
        """Begin to run a job of others, under an id of Flink's."""
        world, jid = self.world, jid or self.world.token()
        start = world.disk.position(restore)
        job = FakeJob(jid, name=name, restored=restore, interval=7.0, **habits)
        self._take_up(job, Flow(0, start, start, world.now, directory=f"file:/elsewhere/{jid}"))
        world.note("others start", name, jid, "from", restore)
        world.watch.others.launched(job)
        return job

    def _take_up(self, job: FakeJob, flow: Flow) -> bool:
        """Whether its id was never seen before."""
        flows, jid = self.world.disk.flows, job.jid
        job.lingers = random.Random(f"lingers {self.world.seed} {jid}").random() < LINGER
        before, flows[jid] = flows.get(jid), flow
        try:
            self.state.add(job)
        except ValueError:
            assert before is not None
            flows[jid] = before
            return False
        self.world.launched_in[jid] = self
        return True

    def lose(self, seconds: float, recovery: float, truths: Any, *, dies: bool = True) -> None:
        """Kill the JobManager, or take the lead from it; there is one again after `seconds`."""
        if len(self.hosts) > 1:
            self._fail_over(seconds, dies=dies)
        self.world.note("JobManager lost", self.name)
        self.life += 1
        self.lost_at = self.world.now
        self.world.watch.back.lost[self.name].append(self.world.now)
        self.down = True
        before = set(self.state.recovering)
        self.lose_jobmanager(ha=self.ha, truths=truths, recovery_seconds=seconds + recovery)
        self._excuse(before, seconds + recovery)
        self.world.later(seconds, self._back)

    def _fail_over(self, seconds: float, *, dies: bool) -> None:
        """Another JobManager is to lead; the one that did stands by once it is back."""
        lost, self.leader = self.leader, next(host for host in self.hosts if host != self.leader)
        self.world.counts["a leader changed"] += 1
        self.world.note("leads from now on:", self.leader, "dies" if dies else "stands by", lost)
        if dies:
            self.kill(lost, 2 * seconds + 5.0)

    def kill(self, host: str, seconds: float) -> None:
        """There is no JobManager at a host for a while."""
        self.dead.add(host)
        self.world.later(seconds, lambda: self.dead.discard(host))

    def _excuse(self, before: set[str], until_shown: float) -> None:
        """Nobody promises to wait for jobs that a JobManager does not show for that long."""
        now = self.world.now
        self._unseen = {jid: self._unseen[jid] if jid in before else now for jid in self.state.recovering}
        late = {jid for jid, since in self._unseen.items() if now + until_shown - since > PROMISED}
        self.world.watch.excused |= late

    def _back(self) -> None:
        self.down = False
