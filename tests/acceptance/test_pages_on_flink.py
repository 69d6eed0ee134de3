"""The docs as a reader plays them on real Flink; those whose jobs may be anything are in `test_pages.py`."""

import sys
from pathlib import Path

import pytest
from tests.support.people.pages import ROOT
from tests.support.people.reader import Own, Reader

pytestmark = pytest.mark.real


def checkout(home: Path) -> Path:
    """A directory in which `make setup` was run."""
    home.mkdir(exist_ok=True)
    (home / ".venv").symlink_to(sys.prefix)
    return home


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
