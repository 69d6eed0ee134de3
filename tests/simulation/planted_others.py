"""Bugs around jobs of others and clusters that come and go, planted on purpose."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.simulation.planted import plant

from sluiceway.domain import cluster_turn
from sluiceway.domain.adoption import Adopted, Adoption, Adopts, Stranger, adoptions
from sluiceway.domain.facts import Gone
from sluiceway.domain.identity import Fresh, Known, Moved, Recognised, Unsure, Vouched, recognise
from sluiceway.engines.jobmanager import addresses
from sluiceway.engines.session.engine import SessionEngine
from sluiceway.reconcile import returning
from sluiceway.reconcile.turn import Turn
from sluiceway.store import adopted
from sluiceway.store.schema import jobs


@plant(53)
def known_again_by_a_name_that_two_share(put: Any) -> None:
    """Whichever of them was taken in last."""

    def guessed(strangers: Sequence[Stranger], before: Sequence[Adopted], *_: object) -> list[Adoption]:
        resting = {each.flink_name: each for each in before if each.rests}
        return [Adoption(each, resting.pop(each.name, None)) for each in strangers]

    put(adopted, "adoptions", guessed)


@plant()
def one_that_has_just_come_is_overlooked(put: Any) -> None:
    """Although it bears the same name."""
    before = adoptions
    put(adopted, "adoptions", lambda strangers, known, _, back: before(strangers, known, (), back))


@plant()
def known_again_while_its_stop_is_open(put: Any) -> None:
    """Once the Flink job is over, the job rests."""
    put(adopted, "_OPEN", jobs.c.id.is_(None).label("open"))


@plant(10)
def known_again_while_it_runs(put: Any) -> None:
    """Two Flink jobs are one, and nobody asks for the first."""
    put(adopted, "Adopted", lambda *about: replace(Adopted(*about), rests=True))
    nobody_asks_for_its_last_id(put)


@plant(127)
def what_is_known_is_taken_in_again(put: Any) -> None:
    """Also what was made here, and is seen before its row is, or after it has ended."""

    put(adopted, "recognise", lambda *_: Fresh())


@plant(12)
def whatever_there_is_is_taken_in(put: Any) -> None:
    """Nobody asks for the pattern."""
    put(Adopts, "wants", lambda *_: True)


@plant(10)
def commands_go_by_the_name(put: Any) -> None:
    """To the newest job that is called so."""
    before = SessionEngine.send

    async def send(self: Any, place: Any, flink_job_id: str, command: Any) -> Any:
        jobs = await self._jobmanagers.at(place).jobs(set(), others=1000)
        name = next((job.name for job in jobs if job.jid == flink_job_id), None)
        alike = [job for job in jobs if job.name == name and job.lives]
        newest = max(alike, key=lambda job: job.start_time, default=None)
        return await before(self, place, newest.jid if newest else flink_job_id, command)

    put(SessionEngine, "send", send)


@plant(57)
def what_a_removed_cluster_had_is_gone(put: Any) -> None:
    """It is told to be, at once."""
    before = Turn._observe

    async def observe(self: Any, cluster: Any, name: str, watched: Any) -> Any:
        seen = await before(self, cluster, name, watched)
        if cluster is not None:
            return seen
        gone = Gone(seen.why)
        runs, stops = dict.fromkeys(seen.runs, gone), dict.fromkeys(seen.stops, gone)
        return replace(seen, runs=runs, stops=stops, saves=dict.fromkeys(seen.saves, gone))

    put(Turn, "_observe", observe)


@plant(10)
def absent_is_gone(put: Any) -> None:
    """A cluster that gives no answer has none of its jobs any more."""
    put(cluster_turn, "Silent", Gone)


@plant()
def anybody_stands_in(put: Any) -> None:
    """Whatever answers at one of the addresses is a JobManager of the cluster."""
    put(addresses.Addresses, "takes_over", _takes_over)


def _takes_over(where: addresses.Addresses, url: str, _: Any) -> str:
    where.current = url
    return ""


@plant(141)
def lost_elsewhere_is_lost_for_good(put: Any) -> None:
    """Although its own cluster shows it."""

    before = recognise

    def known(*about: Any) -> Recognised:
        told = before(*about)
        return Known() if isinstance(told, Moved) else told

    put(adopted, "recognise", known)


@plant()
def a_known_id_is_a_known_run(put: Any) -> None:
    """Whatever has become of it."""
    put(adopted, "recognise", lambda _, __, namesakes, ___: Known() if namesakes else Fresh())


@plant()
def nobody_asks_for_its_last_id(put: Any) -> None:
    """The list of jobs says it all."""
    put(adopted, "vouched", lambda taken, *_: Vouched(list(taken), {}))


@plant()
def what_is_back_is_the_old_one(put: Any) -> None:
    """Wherever it began."""
    put(returning, "follows", lambda *_: False)


@plant()
def another_start_is_another_job(put: Any) -> None:
    """Nobody asks the cluster that has it."""
    before = recognise

    def told(*about: Any) -> Recognised:
        found = before(*about)
        return Fresh() if isinstance(found, Unsure) else found

    put(adopted, "recognise", told)
