"""What must hold of jobs that others have started, and of clusters that come and go. Looked at after every commit."""

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from tests.simulation.disk import plain
from tests.simulation.service import OWNER

from sluiceway.domain.operations.stop import SETTLED, StopPhase
from sluiceway.domain.run import RunPhase
from sluiceway.testing.fake_jobs import FakeJob

if TYPE_CHECKING:
    from tests.simulation.invariants import Watch
    from tests.simulation.world import World

Row = dict[str, Any]
NEWS_LASTS = 75.0  # seconds for which what a service has seen may be what it goes by: it may stand still for 60


class OthersWatch:
    """What must hold of jobs that others have started. Looked at after every commit."""

    def __init__(self, world: "World", watch: "Watch") -> None:
        self._world = world
        self._watch = watch
        self.jobs: dict[str, FakeJob] = {}  # the latest job of others of each Flink job id
        self.lives: Counter[str] = Counter()  # how often a job was started under an id
        self.foreign: set[str] = set()  # trigger ids of their own stops
        self._runs: dict[str, dict[int, Row]] = defaultdict(dict)  # by Flink job id
        self._adopted: dict[int, Row] = {}  # jobs that were taken in

    def launched(self, job: FakeJob) -> None:
        """Flink has taken up a job of theirs."""
        self.jobs[job.jid] = self._watch.jobs[job.jid] = job
        self.lives[job.jid] += 1
        self._world.launched_at[job.jid] = self._world.now

    def is_theirs(self, jid: str) -> bool:
        """Whether others have started a Flink job."""
        return jid in self.jobs

    def adopted(self) -> list[int]:
        """The jobs that were taken in and are not deleted."""
        return [job for job, row in self._adopted.items() if row["deleted_at"] is None]

    def name_of(self, job: int) -> str:
        """What Flink calls a job that was taken in."""
        return str(self._adopted[job]["adopted_as"])

    # Every commit. ------------------------------------------------------------------------------------------------

    def job_changed(self, row: Row, before: Row | None) -> None:
        """A job was made, or shows something else."""
        if row["adopted_as"] is None:
            return
        if before is None:
            self._taken_in(row)
        elif row["run_id"] != before["run_id"]:
            self._known_again(row, before)
        self._adopted[row["id"]] = row

    def run_changed(self, row: Row) -> None:
        """A run was stored: no other is of the same Flink job. One that is recovered is the same job."""
        mine = self._runs[row["flink_job_id"]]
        mine[row["id"]] = row
        self._no_more_than_lives(row["flink_job_id"], len([run for run in mine.values() if not self._forgotten(run)]))

    def _forgotten(self, run: Row) -> bool:
        """Whether a run was lost, and its job deleted since: seen again, it is a job of its own."""
        job = self._adopted.get(run["job_id"])
        return run["phase"] == RunPhase.LOST and job is not None and job["deleted_at"] is not None

    def _no_more_than_lives(self, jid: str, runs: int) -> None:
        if runs > max(self.lives[jid], 1):
            self._world.violate(f"{runs} runs are of {jid}, which was started {max(self.lives[jid], 1)} times")

    def _taken_in(self, row: Row) -> None:
        self._world.counts["a job was adopted"] += 1
        name, jid = row["adopted_as"], row["flink_job_id"]
        self._world.note(f"job {row['id']} is taken in:", row["name"], jid)
        job, adopts = self.jobs.get(jid), self._world.setting.adopts
        if job is None:
            self._world.violate(f"{jid} is taken in as job {row['id']}, and no other has started it")
        elif adopts is None or not _matches(adopts.pattern, job.name):
            self._world.violate(f"{job.name} is taken in, which nobody wanted")
        elif job.batch or job.name != name:
            self._world.violate(f"{job.name} is taken in as {name}, and is a batch job: {job.batch}")

    def _known_again(self, row: Row, before: Row) -> None:
        """Nobody else can be meant: of that name one rests that was taken in, and one has come."""
        self._world.counts["a job was known again"] += 1
        name, jid = row["adopted_as"], row["flink_job_id"]
        told = f"{jid} is told to be job {row['id']} ({name})"
        self._world.note(told)
        job, last = self.jobs.get(jid), self._watch.jobs[before["flink_job_id"]]
        if job is None or job.name != name:
            self._world.violate(f"{told}, and is {job.name if job else 'ours'}")
            return
        anew = any(run["job_id"] == row["id"] and run["id"] != row["run_id"] for run in self._runs[jid].values())
        if last is not job and not last.state.terminal and not self._is_out_of_sight(last, before["cluster"]):
            self._world.violate(f"{told}, of which {last.jid} still runs")
        alike = [each for each in self._adopted.values() if each["adopted_as"] == name and _is_there(each)]
        if not anew and len([each for each in alike if each["cluster"] == row["cluster"]]) > 1:
            self._world.violate(f"{told}, and several of that name were taken in")
        service = OWNER.get()
        listed = service.overviews[self._world.launched_in[jid].name] if service else []
        bearing = {each for each, its in listed if its == name} - self._runs.keys()
        if not anew and bearing - {jid}:
            self._world.violate(f"{told}, and {sorted(bearing - {jid})} bear the same name")
        mine = [stop for stop in self._watch.rows("stops") if stop["job_id"] == row["id"]]
        if any(stop["phase"] not in SETTLED for stop in mine):
            self._world.violate(f"{told}, of which a stop is open")

    def _is_out_of_sight(self, job: FakeJob, cluster: str) -> bool:
        """Whether its cluster has not shown it for longer than anybody promises to wait."""
        reached = self._world.registry.reaches(cluster, job.jid)
        return job.jid in self._watch.excused or not reached

    def stop_moved(self, row: Row) -> None:
        """Nothing is told to be over of which no cluster has told anything for long."""
        if row["phase"] not in SETTLED - {StopPhase.WITHDRAWN} or not self._world.setting.registered:
            return
        home = self._world.launched_in.get(row["flink_job_id"])
        if home is None or self._has_heard(row["cluster"]):
            return
        self._world.violate(f"stop {row['id']} is told {row['phase']}, and nobody has heard of {row['cluster']}")

    def _has_heard(self, name: str) -> bool:
        """Whether somebody may have heard lately of a cluster under its name."""
        meant, now = self._world.registry.means(name), self._world.now
        at = self._world.left_at.get(name, now) if meant is None else self._world.heard_at.get(meant.name, -NEWS_LASTS)
        return now - at <= NEWS_LASTS

    # The end. -----------------------------------------------------------------------------------------------------

    def missed(self) -> str:
        """A job that should have been taken in by now; empty when there is none."""
        adopts = self._world.setting.adopts
        if adopts is None:
            return ""
        for name in self._world.registry.names:
            cluster = self._world.registry.means(name)
            for jid, its in cluster.living() if cluster else ():
                if not self.is_theirs(jid) or not _matches(adopts.pattern, its):
                    continue
                run = max(self._runs[jid].values(), key=lambda row: int(row["id"]), default=None)
                if run is None:
                    return f"{its} ({jid}) lives in {name}, and is not taken in"
                if not self._world.registry.reaches(run["cluster"], jid):
                    return f"{its} ({jid}) lives in {name}, and is only known of {run['cluster']}"
        return ""

    def at_rest(self) -> None:
        """What a job is told to have been saved as is of one of its own runs, and no row is gone."""
        runs = self._watch.rows("runs")
        for row in self._watch.rows("jobs"):
            if row["adopted_as"] is None or row["savepoint_path"] is None:
                continue
            folder = self._world.disk.by_path.get(plain(row["savepoint_path"]))
            mine = {run["flink_job_id"] for run in runs if run["job_id"] == row["id"]}
            if folder is None or folder.jid not in mine:
                self._world.violate(f"job {row['id']} shows {row['savepoint_path']}, which is of another job")
        gone = {run for mine in self._runs.values() for run in mine} - {run["id"] for run in runs}
        if gone:
            self._world.violate(f"runs {sorted(gone)} are no longer known")
        for jid, count in Counter(run["flink_job_id"] for run in runs if not self._forgotten(run)).items():
            self._no_more_than_lives(jid, count)


def _is_there(job: Row) -> bool:
    return job["deleted_at"] is None


def _matches(pattern: str, name: str) -> bool:
    """Only what the patterns of `setting` need: anything, or any of three first letters."""
    return pattern == "*" or name[:1] in pattern[1:-2]
