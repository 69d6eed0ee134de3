"""A storage root in an object store that speaks S3, which this service and every Flink machine reach."""

import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import ObjectStore, S3Store

from sluiceway.storage.errors import BadStorage, NotASavepoint, StorageUnreadable, reason_of
from sluiceway.storage.paths import METADATA, scheme_of
from sluiceway.storage.root import MOST_LISTED, STORAGE_ROOT, Found, Heads
from sluiceway.storage.threads import Pulse

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ClientConfig, RetryConfig, S3Config

SCHEMES: Final = frozenset({"s3", "s3a", "s3p"})  # Flink has two plugins for the same; the last two choose one
KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")
# Work without any progress is waited for `PATIENCE` seconds, 30; what is known by then is more than "no answer in
# time". A store that takes some seconds for a page of a listing is busy, and has not failed.
_RETRIES: "Final[RetryConfig]" = {
    "max_retries": 3,
    "retry_timeout": timedelta(seconds=20),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=1), "base": 2},
}
_CONNECT: Final = timedelta(seconds=3)
_SILENCE: Final = timedelta(seconds=12)  # within an answer
_ANSWER: Final = timedelta(minutes=5)  # the whole of a large file
_CHUNK: Final = 1 << 20  # bytes
_AHEAD: Final = 4 << 20  # bytes that are read at once where less is wanted
_PAGE: Final = 1000  # objects, as many as the store gives at once
_MOST_OBJECTS: Final = 1_000_000  # in one directory


@dataclass(frozen=True, slots=True)
class S3Access:
    """How to reach the object store. Whatever is None is taken from `AWS_ENDPOINT_URL` and `AWS_REGION`."""

    endpoint: str | None = None
    region: str | None = None


ANYWHERE: Final = S3Access()


class S3:
    """See `Root`. Directories do not exist here: they are what names have in common."""

    def __init__(self, root: str, access: S3Access, *, kind: str = STORAGE_ROOT) -> None:
        """Open a root, given as `s3://bucket/prefix`. Nothing is asked of the store yet. Raises `BadStorage`.

        `kind` is what messages call it.
        """
        place = _place(root)
        if place is None or not _BUCKET.fullmatch(place[0]):
            raise BadStorage(f"The {kind} {root} is not of the form s3://bucket/prefix.")
        if missing := [name for name in KEYS if not os.environ.get(name)]:
            raise BadStorage(f"The {kind} {root} needs {' and '.join(missing)} in the environment.")
        self._bucket, self._prefix = place
        self._kind = kind
        self.uri = f"{scheme_of(root)}://{self._bucket}/{self._prefix}".rstrip("/")
        try:
            self._store: ObjectStore = _store(self._bucket, self._prefix, access)
        except (ValueError, BaseError) as error:
            raise BadStorage(f"The {kind} {root} cannot be used: {reason_of(error)}") from error

    def key(self, text: str) -> str | None:
        """See `Root`."""
        place = _place(text)
        if place is None or place[0] != self._bucket:
            return None
        head = f"{self._prefix}/" if self._prefix else ""
        return place[1].removeprefix(head) or None if place[1].startswith(head) else None

    def check(self) -> None:
        """See `Root`."""
        try:
            self._ask()
        except (OSError, BaseError) as error:
            if "NoSuchBucket" in str(error):
                raise BadStorage(f"The {self._kind} {self.uri} cannot be used: {reason_of(error)}") from error
            raise StorageUnreadable(f"The {self._kind} {self.uri} cannot be read: {reason_of(error)}") from error

    def real(self) -> str:
        """See `Readable`."""
        return self.uri

    def check_present(self) -> None:
        """See `Root`. A bucket that is not there looks like a file that is not there."""
        try:
            self._ask()
        except (OSError, BaseError) as error:
            raise StorageUnreadable(reason_of(error)) from error

    def head(self, key: str) -> Found | None:
        """See `Root`."""
        try:
            return _found(obstore.head(self._store, key))
        except (NotFoundError, FileNotFoundError):
            return None

    def sizes(self, keys: Sequence[str], pulse: Pulse) -> Mapping[str, int | None]:
        """See `Root`."""
        found: dict[str, int | None] = {}
        for key in keys:
            pulse.beat()
            head = self.head(key)
            found[key] = head and head.size
        return found

    @contextmanager
    def open(self, key: str) -> Iterator["_Object"]:
        """See `Root`."""
        yield _Object(self._store, key)

    def list(self, key: str, pulse: Pulse) -> Sequence[Found]:
        """See `Root`."""
        pulse.beat()
        inside = obstore.list_with_delimiter(self._store, f"{key}/")["objects"]
        if len(inside) > MOST_LISTED:
            raise StorageUnreadable(f"it has more than {MOST_LISTED} files in it")
        # A directory may be marked by an empty object of its own name.
        return [_found(meta) for meta in inside if meta["path"].startswith(f"{key}/")]

    def heads(self, key: str, pulse: Pulse, *, small: int = 0) -> Heads:  # noqa: ARG002 - a listing has no contents
        """See `Root`."""
        found: list[Found] = []
        sizes: dict[str, int] = {}
        for page in obstore.list(self._store, f"{key}/", chunk_size=_PAGE):
            pulse.pause()
            sizes |= {meta["path"]: meta["size"] for meta in page}
            found += [_found(meta) for meta in page if meta["path"].endswith(f"/{METADATA}")]
            if len(sizes) > _MOST_OBJECTS:
                raise StorageUnreadable(f"{key} has more than {_MOST_OBJECTS} objects in it")
        return Heads(found, sizes, bool(found) or self._begun(key))

    def _begun(self, key: str) -> bool:
        # Directories without files show in no other listing.
        inside = obstore.list_with_delimiter(self._store, f"{key}/")["common_prefixes"]
        return any(path.rsplit("/", 1)[-1].startswith("savepoint-") for path in inside)

    def write(self, key: str, chunks: Iterable[bytes]) -> None:
        """See `Root`."""
        obstore.put(self._store, key, iter(chunks))

    def delete(self, key: str) -> None:
        """See `Root`."""
        obstore.delete(self._store, key)

    def remove(self, key: str, pulse: Pulse) -> None:
        """See `Root`. `_metadata` goes last, so that what is left of a removal cut off is known for what it is."""
        head, inner = f"{key}/{METADATA}", f"{key}/"
        # An empty object may mark the directory; it has the directory's name then, and cannot be told from here.
        found = []
        for page in obstore.list(self._store, inner, chunk_size=_PAGE):
            pulse.beat()
            found += [path for meta in page if (path := meta["path"]).startswith(inner)]
        others = [path for path in found if path != head]
        if not found and self.head(key) is not None:
            raise NotASavepoint(f"{key} is not a directory under the storage root")
        if others and head not in found:
            raise NotASavepoint(f"{key} has no {METADATA}; look what it is, and remove it by hand")
        for first in range(0, len(others), _PAGE):
            pulse.beat()
            obstore.delete(self._store, others[first : first + _PAGE])
        if found:
            obstore.delete(self._store, head)

    def why_unwritable(self, key: str) -> str | None:  # noqa: ARG002
        """See `Root`. Only an attempt would tell, and that would leave something behind."""
        return None

    def _ask(self) -> None:
        next(iter(obstore.list(self._store)), None)


class _Object:
    """See `Content`. One request does for all of it; others are made for parts of a large one."""

    def __init__(self, store: ObjectStore, key: str) -> None:
        self._store, self._key = store, key
        self._got = obstore.get(store, key)
        self.size = self._got.meta["size"]
        self._at, self._ahead = 0, b""

    def read(self, at: int, size: int) -> bytes:
        if not self._at <= at <= at + size <= self._at + len(self._ahead):
            self._at, self._ahead = at, self._part(at, max(size, _AHEAD))
        return self._ahead[at - self._at : at - self._at + size]

    def _part(self, at: int, size: int) -> bytes:
        size = min(size, self.size - at)
        return bytes(obstore.get_range(self._store, self._key, start=at, length=size)) if size > 0 else b""

    def chunks(self) -> Iterator[bytes]:
        yield from map(bytes, self._got.stream(min_chunk_size=_CHUNK))


def _found(meta: "ObjectMeta") -> Found:
    return Found(meta["path"], meta["size"], meta["last_modified"].timestamp())


def bucket_root(uri: str) -> str | None:
    """The root that is the whole bucket of a URI; None for one of another kind."""
    place = _place(uri)
    return f"{scheme_of(uri)}://{place[0]}" if place else None


def _place(text: str) -> tuple[str, str] | None:
    """The bucket, and the key in it without a slash at either end; None for a URI of another kind."""
    if scheme_of(text) not in SCHEMES or "\\" in text:
        return None
    bucket, _, path = text.partition("://")[2].partition("/")
    # Flink takes dots and doubled slashes out of a path.
    return (bucket, posixpath.normpath(f"/{path}").strip("/")) if bucket else None


def _store(bucket: str, prefix: str, access: S3Access) -> S3Store:
    config: S3Config = {}
    if access.endpoint is not None:
        config["aws_endpoint_url_s3"] = _checked(access.endpoint)
    if access.region is not None:
        config["region"] = access.region
    options: ClientConfig = {
        "allow_http": True,  # where the endpoint says so
        "connect_timeout": _CONNECT,
        "read_timeout": _SILENCE,
        "timeout": _ANSWER,
    }
    return S3Store(bucket, prefix=prefix or None, config=config, client_options=options, retry_config=_RETRIES)


def _checked(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise BadStorage("--s3-endpoint is not an address such as https://obs.example.com")
    return endpoint.rstrip("/")
