"""One highly available cluster, one without, and one service over both, for all tests of what must survive."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.doubles.relay import Relay
from tests.support.flink.ha import HaFlink
from tests.survival.world import World


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where everything of these tests lies."""
    return tmp_path_factory.mktemp("survival")


@pytest.fixture(scope="session")
def flink(home: Path) -> Iterator[HaFlink]:
    """A highly available cluster. A test leaves it complete; its jobs are nobody's in particular."""
    with HaFlink(home / "ha") as flink:
        yield flink


@pytest.fixture(scope="session")
def plain(home: Path) -> Iterator[HaFlink]:
    """A cluster without high availability, which is not started yet."""
    flink = HaFlink(home / "plain", ha=False)
    yield flink
    flink.end()


@pytest.fixture(scope="session")
def relay(flink: HaFlink) -> Iterator[Relay]:
    """The highly available cluster once more, behind a relay that a test leaves honest."""
    with Relay(int(flink.url.rpartition(":")[2])) as relay:
        yield relay


@pytest.fixture(scope="session")
def world(home: Path, flink: HaFlink, plain: HaFlink, relay: Relay) -> Iterator[World]:
    """The service. A test leaves it running."""
    world = World(home, {"ha": (flink.url, flink), "plain": (plain.url, plain), "relayed": (relay.url, flink)})
    world.start()
    yield world
    world.service.kill()


@pytest.fixture(scope="module", autouse=True)
def ended_with_its_module() -> None:
    """Clusters and their service are there for all modules; the run ends them."""
