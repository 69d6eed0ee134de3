"""Chooses what submits a job: what plans SQL, or what packs programs in jars."""

from dataclasses import dataclass

from sluiceway.domain.facts import Silent, SubmitRefused, Submitted
from sluiceway.domain.job import JobSpec
from sluiceway.domain.place import Place
from sluiceway.domain.run import Run
from sluiceway.engines.jars.submit import JarSubmitter
from sluiceway.engines.planning.submit import SqlSubmitter


@dataclass(frozen=True, slots=True)
class Router:
    """Submits SQL and programs alike."""

    sql: SqlSubmitter
    programs: JarSubmitter

    async def submit(self, place: Place, run: Run, name: str, spec: JobSpec) -> Submitted | SubmitRefused | Silent:
        """Submit a run under its own Flink job id; see `Engine`."""
        return await (self.programs if spec.program else self.sql).submit(place, run, name, spec)
