"""Fixtures that any test may ask for."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tests.support import leftovers
from tests.support.doubles.object_store import KEYS, ObjectStore
from tests.support.doubles.places import DiskPlace, Place, S3Place
from tests.support.flink.real import RealFlink
from tests.support.services import databases, one_application

from sluiceway.assembly import api, service
from sluiceway.cli import accounts
from sluiceway.control import passwords
from sluiceway.engines.planning import fetching
from sluiceway.engines.planning.distributions import Distributions, lying_in

OLDER = "1.20.5"

ended_with_its_module = leftovers.ended_with_its_module
ended_with_the_run = leftovers.ended_with_the_run

# A busy machine is no failure.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Hashes that cost next to nothing; what they cost otherwise is tested in `test_tokens.py`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_COST", 16)
        yield


@pytest.fixture(scope="session", autouse=True)
def _nobodys_contexts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Commands that know nothing of whoever runs the tests: no contexts, no sign-ins."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        patch.setenv("XDG_STATE_HOME", str(home / "state"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _in_utc() -> Iterator[None]:
    """Commands show moments in the zone of the machine; tests are to pass in any."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield


@pytest.fixture(scope="session", autouse=True)
def _in_english() -> Iterator[None]:
    """Commands speak the language of the locale; tests are to pass in any."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
            if os.environ.get(name, "").startswith("zh"):
                patch.setenv(name, "C.UTF-8")
        yield


@pytest.fixture(scope="session", autouse=True)
def _made_once() -> Iterator[None]:
    """Services of the same process share their routes, and begin with copies of one empty database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "Litestar", one_application.shared)
        patch.setattr(service, "migrate", databases.make)
        patch.setattr(accounts, "migrate", databases.make)
        yield


@pytest.fixture(scope="session", autouse=True)
def _java_that_starts_quickly() -> Iterator[None]:
    """Java without its thorough compiler, as long as nothing says otherwise: what a test starts never gets warm."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
        yield


@pytest.fixture(scope="session")
def real_flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealFlink]:
    """One real Flink for the whole run. Its jobs are nobody's in particular: look only at your own."""
    other = os.environ.get("FLINK_DISTRIBUTION")  # a directory with the jars of another version
    flink = RealFlink(tmp_path_factory.mktemp("flink")).of(lying_in(Path(other)) if other else None).start()
    yield flink
    flink.stop()


@pytest.fixture(scope="session")
def older(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """The distributions of a service with Flink 1.20 among them, fetched as an operator does."""
    here = Distributions(tmp_path_factory.mktemp("distributions"))
    added = fetching.fetch(here, "1.20", quiet=True)
    assert (added.distribution.version, added.known) == (OLDER, True)
    return here


@pytest.fixture(scope="session")
def old_flink(older: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealFlink]:
    """A real Flink 1.20 beside the other, for the whole run."""
    flink = RealFlink(tmp_path_factory.mktemp("old"), slots=20, heap_mb=768).of(older.of(OLDER, "old")).start()
    yield flink
    flink.stop()


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    """One object store for the whole run, with buckets for whoever wants them."""
    store = ObjectStore()
    yield store
    store.close()


@pytest.fixture
def keys_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of the object store in the environment."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["disk", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A storage root: once a directory, once a part of an object store."""
    if request.param == "disk":
        return DiskPlace(tmp_path / "root")
    request.getfixturevalue("keys_at_hand")
    return S3Place(request.getfixturevalue("object_store"))
