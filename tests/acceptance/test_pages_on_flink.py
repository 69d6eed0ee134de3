"""The docs as a reader plays them on real Flink; those whose jobs may be anything are in `test_pages.py`."""

import json
import sys
from pathlib import Path

import pytest
from tests.support.flink.real import RealFlink
from tests.support.people.pages import ROOT
from tests.support.people.reader import Own, Reader

from sluiceway.cli import demo

pytestmark = pytest.mark.real


def checkout(home: Path) -> Path:
    """A directory in which `make setup` was run."""
    home.mkdir(exist_ok=True)
    (home / ".venv").symlink_to(sys.prefix)
    return home


# The sum of each key: a count in its place would be of the same type, and something else.
ORDERS = """
CREATE TABLE orders (id INT, amount BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');
CREATE TABLE sums (id INT, amount BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO sums SELECT id, SUM(amount) FROM orders GROUP BY id;
"""
CHANGED = ORDERS.replace("SELECT id, SUM(amount) FROM orders", "SELECT id, MAX(amount) FROM orders")


def rows(text: str) -> int:
    """The number at the beginning of an output."""
    return int(text.split(maxsplit=1)[0])


def test_the_tutorial(tmp_path: Path) -> None:
    own = Own({"make setup": "true", "/tmp/": f"{tmp_path}/"})
    with Reader(checkout(tmp_path / "checkout"), own) as reader:
        reader.play(ROOT / "docs/tutorial.md")
        at_the_stop = rows(reader.outputs["cat /tmp/hello/part-* | sort -n | tail -1"])
        [in_order] = [out for typed, out in reader.outputs.items() if "awk" in typed]
        assert rows(in_order) > at_the_stop > 0


def test_the_readme_and_a_changed_job(
    tmp_path: Path, real_flink: RealFlink, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = checkout(tmp_path / "checkout")
    (home / "orders.sql").write_text(ORDERS)
    (home / "changed.json").write_text(json.dumps({"sql_body": CHANGED}))
    own = {"make setup": "true", "http://jobmanager:8081": real_flink.url, "/mnt/flink": f"{tmp_path}/flink"}
    alone = {"SLUICEWAY_ADOPT": "none"}  # other tests have jobs on this Flink
    with Reader(home, Own(own, environment=alone)) as reader:
        reader.play(ROOT / "README.md", "Five minutes to your own cluster")
        reader.types("sluiceway stop orders --wait")
        update = f"{reader.service}/v1.0/default/streaming/sql-jobs/1"
        reader.types(f"curl -sf -X PUT {update} -H 'Content-Type: application/json' -d @changed.json")
        reader.play(ROOT / "docs/how-to/change-a-job-and-keep-its-state.md", "What to do")
        # What the demo says in its end, where it stands for itself.
        monkeypatch.setattr(sys, "argv", ["sluiceway"])
        demo._next()
        [create] = [line for line in capsys.readouterr().out.splitlines() if "jobs create" in line]
        reader.types(create)
        reader.types("sluiceway wait --for=running hello")
        reader.types("sluiceway stop --all --no-savepoint --wait --yes")
