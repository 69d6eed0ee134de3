"""What the fleet benchmark stands on: the jobs that it puts into a database, and the page that it writes."""

import json
import sqlite3
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path

import pytest
from bench import fleet, performance_page, viewers
from bench.crowd import Viewer
from bench.fleet import CPU, Bench, Figure
from bench.fleet_service import Shape, fill
from bench.lean_flink import job_id
from bench.performance_page import plot, table
from bench.viewers import Run
from tests.support.services import databases

from sluiceway.domain.health import Proof
from sluiceway.store import work
from sluiceway.store.database import Database


async def test_the_jobs_of_a_fleet_are_watched_as_if_they_had_run_for_a_while(tmp_path: Path) -> None:
    path = tmp_path / "sluiceway.db"
    databases.make(path)
    fill(path, Shape(clusters=2, jobs=3))
    db = Database(path)
    [found] = await work.read_all(db, ["c1"])
    watched = [one.run for one in found.watched]
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


def test_a_run_prints_both_builds_and_writes_what_it_is_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stops(bench: Bench) -> None:
        for build, cost in zip(bench.builds, (6.0, 1.6), strict=True):
            points = [Figure("stops", f"{clusters} clusters", CPU, cost, 1.5) for clusters in bench.sizes.clusters]
            bench.figures[build.name] = points

    monkeypatch.setattr(fleet, "SCENES", {"stops": stops})
    monkeypatch.setattr(fleet, "checked_out", lambda commit, directory: directory)
    monkeypatch.setattr(performance_page, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(performance_page, "PLOT", tmp_path / "page.svg")
    assert not fleet.main(["--clusters", "2", "4", "--write", "--json", str(tmp_path / "figures.json")])
    printed = capsys.readouterr().out
    assert "MISS" in printed
    assert "0.27" in printed, "the ratio of the two"
    assert "| **stops** | 4 clusters | CPU ms a stop | 6.00 | 1.60 | 1.5 |" in (tmp_path / "page.md").read_text()
    assert (tmp_path / "page.svg").read_text().count("<circle") == 4
    assert [len(one) for one in json.loads((tmp_path / "figures.json").read_text()).values()] == [2, 2]


@pytest.mark.parametrize("step", [1, 7, 10_000])
async def test_viewers_read_events_however_they_arrive(step: int) -> None:
    events = [b"id: 1\r\nevent: sent\r\ndata: {}\r\n\r\n", b"id: 1\r\nevent: settled\r\ndata: {}\r\n\r\n"]
    pieces = [events[0], b": still here\r\n\r\n", events[1], b""]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    answer, viewer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks, Viewer(b"")
    for at in range(0, len(answer), step):
        assert not viewer.ended.done()
        viewer.data_received(answer[at : at + step])
    assert viewer.ended.done()
    assert (viewer.seen.status, viewer.seen.settled) == (200, True)
    assert [size for _, size in viewer.seen.pieces] == [len(event) for event in events]
    assert viewer.seen.digest == zlib.crc32(b"".join(events))


def test_what_viewers_cost_is_told_without_what_sending_alone_costs() -> None:
    shape = Shape(clusters=viewers.CLUSTERS, jobs=viewers.JOBS // viewers.CLUSTERS)
    runs = [Run(0, 20.0, 9.0), Run(1, 20.0, 10.5, sending=0.5), Run(viewers.VIEWERS, 21.0, 19.0, sending=8.0)]
    found = {one.what: (one.value, one.at_most) for one in viewers.figures(runs, shape) if "/" in one.scene}
    assert found == {"CPU beyond sending": (1.1, 1.2), "time of the stop": (1.05, 1.05)}
    added = [one.value for one in viewers.figures(runs, shape) if "beyond sending" in one.what and "s that" in one.what]
    assert added == [1.0, 2.0]
