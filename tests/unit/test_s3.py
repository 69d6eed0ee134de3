"""A storage root in an object store: how it is named and reached, and what it is when it cannot be."""

import contextlib
import socket
import urllib.request
from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.support.doubles.object_store import KEYS, REGION, ObjectStore
from tests.support.doubles.places import S3Place

from sluiceway.domain.facts import Broken, Complete, Unreadable
from sluiceway.storage import s3
from sluiceway.storage.errors import BadStorage, NoSuchFile, StorageUnreadable
from sluiceway.storage.s3 import S3Access
from sluiceway.storage.savepoints import Storage
from sluiceway.testing.fake_metadata import metadata

SECRET = KEYS["AWS_SECRET_ACCESS_KEY"]

pytestmark = pytest.mark.usefixtures("keys_at_hand")


@pytest.fixture
def place(object_store: ObjectStore) -> S3Place:
    return S3Place(object_store)


def access(store: ObjectStore) -> S3Access:
    return S3Access(store.endpoint, REGION)


# How it is named. ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root", "uri"),
    [
        ("s3://company", "s3://company"),
        ("s3://company/", "s3://company"),
        ("s3://company/flink/state/", "s3://company/flink/state"),
        ("s3://company/flink//./x/../state", "s3://company/flink/state"),
        ("S3://company/a b/数据/100%", "s3://company/a b/数据/100%"),
        ("s3a://company/flink", "s3a://company/flink"),
        ("s3p://company/flink", "s3p://company/flink"),
    ],
)
def test_a_root_is_shown_to_flink_as_it_was_given(root: str, uri: str) -> None:
    assert Storage(root).uri == uri
    assert Storage(uri).uri == uri
    assert Storage(root).home("data") == f"{uri}/data"


@pytest.mark.parametrize(
    "root", ["s3:/company/x", "s3://", "s3:///x", "s3://Company", "s3://a", "s3://co mpany", "s3:x"]
)
def test_a_root_without_a_bucket_is_refused(root: str) -> None:
    with pytest.raises(BadStorage, match="is not of the form s3://bucket/prefix"):
        Storage(root)


async def test_the_whole_bucket_may_be_the_root(object_store: ObjectStore) -> None:
    place = S3Place(object_store, prefix="")
    place.put("jobs/savepoint/7/t/savepoint-abc/_metadata", metadata())
    place.put("data/a.jar", b"jar")
    made = f"s3://{place.bucket}/jobs/savepoint/7/t/savepoint-abc"
    evidence = await place.storage.look(f"s3://{place.bucket}/jobs/savepoint/7/t")
    assert evidence == Complete(made, len(metadata()))
    assert await place.storage.files.read("obs://data/a.jar", 3) == b"jar"
    assert place.storage.files.uri("obs://data/a.jar") == f"s3://{place.bucket}/data/a.jar"


@pytest.mark.parametrize("name", ["a b", "数据", "100%", "50%20off", "what?", "a#b", "c:d", "[x]", "~", "a=b&c", "+"])
async def test_any_name_will_do_for_a_prefix(object_store: ObjectStore, name: str) -> None:
    place = S3Place(object_store, prefix=name)
    place.put("jobs/checkpoint/7/abc/chk-1/_metadata", metadata())
    found = (await place.storage.newest_state([place.storage.checkpoints(None, 7) + "/abc"], [])).path
    assert found == f"s3://{place.bucket}/{name}/jobs/checkpoint/7/abc/chk-1"


async def test_what_flink_answers_is_known_whichever_plugin_wrote_it(place: S3Place) -> None:
    place.put("jobs/savepoint/7/t/savepoint-abc/_metadata", metadata())
    for scheme in ("s3", "s3a", "s3p"):
        answer = place.flink("jobs/savepoint/7/t/savepoint-abc").replace("s3:", f"{scheme}:")
        assert (await place.storage.inspect(answer)).wrong == ()


# How it is reached. --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(KEYS))
def test_the_keys_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "")
    with pytest.raises(BadStorage, match=f"needs {name} in the environment"):
        Storage("s3://company/flink")


async def test_without_settings_the_environment_says_where_it_is(
    object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = S3Place(object_store)
    monkeypatch.setenv("AWS_ENDPOINT_URL", object_store.endpoint)
    await Storage(place.storage.uri).check()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    await Storage(place.storage.uri, access(object_store)).check()


@pytest.mark.parametrize(
    "endpoint",
    ["obs.example.com", "ftp://obs.example.com", "https://", "https://key:secret@obs.example.com", "http://x?a=b", ""],
)
def test_an_endpoint_is_an_address_and_nothing_else(endpoint: str) -> None:
    with pytest.raises(BadStorage, match="--s3-endpoint is not an address") as refused:
        Storage("s3://company/flink", S3Access(endpoint))
    assert "secret" not in str(refused.value)


# What it is when it cannot be reached. -------------------------------------------------------------------------------


async def everything_fails(storage: Storage, why: str) -> None:
    """Whatever is asked, the answer is that nobody knows, and `why`."""
    target = f"{storage.uri}/jobs/savepoint/7/t"
    evidence = await storage.look(target)
    assert isinstance(evidence, Unreadable)
    assert why in evidence.why
    files = storage.files
    for asked in (
        storage.inspect(f"{target}/savepoint-abc"),
        storage.remove(f"{target}/savepoint-abc"),
        storage.newest_state([storage.checkpoints(None, 7) + "/abc"], [target]),
        files.read("obs://data/a", 100),
        files.exists("obs://data/a"),
        files.list("obs://data"),
        files.write("obs://data/a", b""),
    ):
        with pytest.raises(StorageUnreadable) as unreadable:
            await asked
        said = str(unreadable.value)
        assert why in said or "403 Forbidden" in said
        assert SECRET not in said
        assert len(said) < 400


async def test_a_bucket_that_does_not_exist_is_told_at_the_start(object_store: ObjectStore) -> None:
    storage = Storage("s3://no-such-bucket/flink", access(object_store))
    with pytest.raises(BadStorage, match="no-such-bucket/flink cannot be used: NoSuchBucket: The specified bucket"):
        await storage.check()
    await everything_fails(storage, "NoSuchBucket: The specified bucket does not exist")


async def test_an_endpoint_that_is_down_says_nothing_about_what_is_there(
    place: S3Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "_RETRIES", {**s3._RETRIES, "max_retries": 1})
    storage = Storage(place.storage.uri, S3Access("http://127.0.0.1:1", REGION))
    with pytest.raises(StorageUnreadable, match="does not answer"):
        await storage.check()
    await everything_fails(storage, "http://127.0.0.1:1 does not answer")


async def test_an_endpoint_that_hangs_is_given_up(place: S3Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_SILENCE", timedelta(milliseconds=50))
    monkeypatch.setattr(s3, "_RETRIES", {**s3._RETRIES, "max_retries": 1})
    with socket.create_server(("127.0.0.1", 0), backlog=100) as hanging:
        url = f"http://127.0.0.1:{hanging.getsockname()[1]}"
        await everything_fails(Storage(place.storage.uri, S3Access(url, REGION)), f"{url} does not answer")


@contextlib.contextmanager
def checking_keys(store: ObjectStore) -> Iterator[None]:
    """Let the store look at keys, which it does not as long as nobody has made a user."""

    def reset(count: bytes) -> None:
        request = urllib.request.Request(
            f"{store.endpoint}/moto-api/reset-auth", count, {"Content-Type": "text/plain"}, method="POST"
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200

    reset(b"0")
    try:
        yield
    finally:
        reset(b"inf")


async def test_wrong_keys_say_nothing_about_what_is_there(object_store: ObjectStore, place: S3Place) -> None:
    with checking_keys(object_store):
        storage = Storage(place.storage.uri, access(object_store))
        with pytest.raises(StorageUnreadable, match="InvalidAccessKeyId"):
            await storage.check()
        await everything_fails(storage, "InvalidAccessKeyId: The AWS Access Key Id you provided does not exist")


def test_keys_are_never_shown(place: S3Place) -> None:
    shown = f"{place.storage!r} {vars(place.storage)} {(root := vars(place.storage._root))} {root['_store']!r}"
    assert SECRET not in shown


# Directories, which do not exist here. -------------------------------------------------------------------------------


async def test_objects_that_mark_directories_are_no_files(place: S3Place) -> None:
    """Some of Flink's plugins write them: empty objects with a slash at the end of their names."""
    savepoint = "jobs/savepoint/7/t/savepoint-abc"
    for key in ("jobs/", "jobs/savepoint/7/t/", f"{savepoint}/", "data/", "data/d/"):
        place.put(key, b"")
    target = f"{place.storage.uri}/jobs/savepoint/7/t"
    assert await place.storage.look(target) == Broken(target, "it was begun, and has no _metadata")
    place.put(f"{savepoint}/_metadata", metadata())
    assert await place.storage.look(target) == Complete(f"{target}/savepoint-abc", len(metadata()))
    assert (await place.storage.inspect(f"{target}/savepoint-abc")).wrong == ()
    assert await place.storage.files.list("obs://data/d") == []
    assert not await place.storage.files.exists("obs://data/d")
    with pytest.raises(NoSuchFile):
        await place.storage.files.read("obs://data/d/", 10)
    await place.storage.remove(f"{target}/savepoint-abc")
    assert f"{savepoint}/_metadata" not in place.everything()
    await place.storage.remove(f"{target}/savepoint-abc")


async def test_a_listing_of_many_pages_is_read_to_its_end(object_store: ObjectStore, place: S3Place) -> None:
    first_page = (f"flink/state/jobs/checkpoint/7/abc/chk-7/{number}" for number in range(1010))
    object_store.put_empty(place.bucket, first_page)
    place.put("jobs/checkpoint/7/abc/chk-7/_metadata", metadata())
    assert (await place.storage.newest_state([place.storage.checkpoints(None, 7) + "/abc"], [])).path is not None
    await place.storage.remove(f"{place.storage.uri}/jobs/checkpoint/7/abc/chk-7")
    assert place.everything() == []
