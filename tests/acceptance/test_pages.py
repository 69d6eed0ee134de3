"""The how-tos in which no job runs, as a reader plays them over a fake Flink; and that each how-to is played somewhere.

| Page | Why not on real Flink |
|---|---|
| own-cluster | It starts the service three times, and no job. A job on one's own cluster is played with the README. |
| upgrade | It starts the service and asks whether it is ready; the version from elsewhere is a stand-in anyway. |

All others are on real Flink, in `test_how_tos_on_flink.py` and `test_pages_on_flink.py`. Three of their commands have a
stand-in: `terraform apply` (its calls are played by `tests/golang`), `pip install huaweicloudsdkdli` (it is there), and
`make setup` (it was run).
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.doubles.fleet import FakeCluster
from tests.support.flink import jar_job
from tests.support.people.pages import PLAYED, ROOT, blocks
from tests.support.people.reader import Own, Reader

pytestmark = pytest.mark.process

HOW_TO = ROOT / "docs/how-to"
HERE = Path(__file__).parent
IN_ANOTHER_TEST = {"change-a-job-and-keep-its-state.md"}  # that of the README, in `test_pages_on_flink.py`


@pytest.fixture
def flink() -> Iterator[FakeCluster]:
    """A cluster, for services that pages start."""
    with FakeCluster() as made:
        yield made


def test_upgrade(tmp_path: Path, flink: FakeCluster) -> None:
    own = {
        "git pull && make setup": "true",  # a version from elsewhere
        "git pull": "true",
        "pip install --upgrade": "echo",
        "http://jobmanager:8081": flink.fake.url,
        "/mnt/flink": f"{tmp_path}/flink",
        "/var/lib/sluiceway": f"{tmp_path}/data",
    }
    with Reader(tmp_path / "reader", Own(own)) as reader:
        reader.play(HOW_TO / "upgrade.md")


def test_own_cluster(tmp_path: Path, flink: FakeCluster) -> None:
    home = tmp_path / "reader"
    home.mkdir()
    (home / ".venv").symlink_to(sys.prefix)
    (tmp_path / "connectors").mkdir()
    (tmp_path / "connectors/kafka.jar").write_bytes(jar_job.jar({"Kafka.class": b"?"}, "Kafka"))
    own = {
        "make setup": "true",
        "http://jobmanager:8081": flink.fake.url,
        "/mnt/flink": f"{tmp_path}/flink",
        "/var/lib/sluiceway": f"{tmp_path}/data",
        "/opt/flink-connectors": f"{tmp_path}/connectors",
    }
    with Reader(home, Own(own)) as reader:
        reader.play(HOW_TO / "own-cluster.md")


def test_each_how_to_is_played() -> None:
    modules = ("test_pages.py", "test_how_tos_on_flink.py")
    names = [name for module in modules for name in re.findall(r"^def test_(\w+)", (HERE / module).read_text(), re.M)]
    played = {f"{name.replace('_', '-')}.md" for name in names}
    assert {page.name for page in HOW_TO.glob("*.md")} <= played | IN_ANOTHER_TEST


def test_each_block_says_what_it_is() -> None:
    for page in [*HOW_TO.glob("*.md"), ROOT / "docs/tutorial.md", ROOT / "README.md"]:
        for block in blocks(page):
            assert block.language in PLAYED | {"sql", "yaml", "toml", "hcl"}, f"{page}:{block.line}"
