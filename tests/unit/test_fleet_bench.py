"""What the fleet benchmark stands on: the jobs that it puts into a database, and the page that it writes."""

import sqlite3
import xml.etree.ElementTree as ET
from pathlib import Path

from bench.fleet import Figure
from bench.fleet_service import Shape, fill
from bench.lean_flink import job_id
from bench.performance_page import plot, table
from tests import databases

from sluiceway.domain.health import Proof
from sluiceway.store import work
from sluiceway.store.database import Database


async def test_the_jobs_of_a_fleet_are_watched_as_if_they_had_run_for_a_while(tmp_path: Path) -> None:
    path = tmp_path / "sluiceway.db"
    databases.make(path)
    fill(path, Shape(clusters=2, jobs=3))
    db = Database(path)
    watched = [one.run for one in (await work.read(db, "c1")).watched]
    await db.close()
    assert [run.flink_job_id for run in watched] == [job_id(1, number) for number in range(3)]
    assert {run.health.proof for run in watched} == {Proof.GIVEN}, "nobody asks for their checkpoints"
    assert all(run.traits and run.traits.backend == "hashmap" for run in watched), "nor how they keep their state"
    with sqlite3.connect(path) as raw:
        [(running,)] = raw.execute("SELECT count(*) FROM jobs JOIN specs ON job_id = id WHERE status = 'running'")
    raw.close()
    assert running == 6


def test_the_page_of_a_run_has_each_figure_beside_that_of_the_other_build() -> None:
    before = [Figure("stops", "10 jobs on 2 clusters", "seconds", 4.0), Figure("rest", "2 clusters", "MB at most", 99)]
    after = [
        Figure("stops", "10 jobs on 2 clusters", "seconds", 2.0, 3.0),
        Figure("rest", "2 clusters", "MB at most", 98),
    ]
    lines = table({"old": before, "new": after}).splitlines()
    assert lines[0] == "|  |  |  | old | new | to reach |"
    assert lines[2:] == [
        "| **stops** | 10 jobs on 2 clusters | seconds | 4.00 | 2.00 | 3 |",
        "| **rest** | 2 clusters | MB at most | 99.00 | 98.00 |  |",
    ]


def test_the_plot_puts_dearer_stops_higher_and_more_clusters_further_right() -> None:
    curves = {"old": [(10, 3.5), (500, 7.0)], "new": [(10, 1.0), (500, 1.2)]}
    svg = ET.fromstring(plot(curves))
    lines = svg.findall("{http://www.w3.org/2000/svg}polyline")
    old, new = ([tuple(map(float, point.split(","))) for point in line.attrib["points"].split()] for line in lines)
    assert old[0][0] < old[1][0]
    assert old[1][1] < old[0][1] < new[0][1]
