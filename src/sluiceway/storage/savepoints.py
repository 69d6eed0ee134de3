"""Finds savepoints and checkpoints on storage, and reads whether they are whole.

The module is a little long because both need the same listings and the same judgement of a `_metadata`.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter, itemgetter
from typing import Final

from obstore.exceptions import BaseError

from sluiceway.domain.facts import Absent, Broken, Complete, Evidence, Unreadable
from sluiceway.storage.disk import Disk
from sluiceway.storage.errors import BadPath, NotASavepoint, StorageUnreadable, TooMuchToRead, reason_of
from sluiceway.storage.files import JOBS, Files
from sluiceway.storage.inspection import Inspection, Newest, Passed, compare
from sluiceway.storage.metadata import BrokenMetadata, Metadata, Reference, TooMuchMetadata, parse
from sluiceway.storage.metadata_reader import WINDOW
from sluiceway.storage.paths import METADATA, has_scheme, scheme_of
from sluiceway.storage.reader import NO_HEAD, Reader
from sluiceway.storage.root import Found, Heads, Root
from sluiceway.storage.roots import Roots
from sluiceway.storage.s3 import ANYWHERE, S3, SCHEMES, S3Access
from sluiceway.storage.threads import MOST, Pulse

LARGEST: Final = 1 << 30  # bytes of a `_metadata` that is read
LONGEST: Final = 300.0  # seconds of one look, however it gets on
_CHECKPOINT: Final = re.compile(r"/chk-([0-9]{1,18})$")  # Flink counts them with 64 bits
TINY: Final = WINDOW  # bytes of a `_metadata` that is read in one go
FEW: Final = 4  # files that are looked at one after the other
_LANES: Final = 8  # for the sizes of the files of one savepoint
_BEAT: Final = 1000  # files
_PROBE: Final = 5.0  # seconds


class Storage:
    """The root under which Flink writes and we read, and further roots of which states are only ever read.

    The state of a job lies in `jobs/savepoint/…` and `jobs/checkpoint/…`, or in these of its bucket's directory.
    """

    def __init__(
        self, root: str, access: S3Access = ANYWHERE, *, links: bool = False, further: Sequence[str] = ()
    ) -> None:
        """Open a root: a directory, given as a path or a `file:` URI and made when missing, or `s3://bucket/prefix`.

        `links` under a directory are followed only for people who look at their own disks. `further` roots are given
        in the same way, and are not made. Raises `BadStorage`. Neither an object store nor a further root is asked
        before it is checked.
        """
        self._root: Root = S3(root, access) if scheme_of(root) in SCHEMES else Disk(root, links=links)
        self.uri = self._root.uri
        self._roots = Roots(self._root, further, access)
        self.threads = self._roots.own.threads
        self.files = Files(self._root, self.threads)
        self._probe: asyncio.Task[bool] | None = None

    async def check(self) -> None:
        """Look for the root once. Raises `BadStorage` where it is not there, `StorageUnreadable` where nobody knows."""
        await self.threads.run(lambda _: self._root.check())

    async def check_further(self) -> list[str]:
        """Look for the further roots once: why some cannot be read now.

        Raises `BadStorage` where one is, by a link, the same place as another.
        """
        return await self._roots.check()

    async def stuck(self) -> str | None:
        """What keeps work with storage from getting done; None when nothing does.

        One file that hangs is not all of storage: the root is asked then, at most one time at once.
        """
        hanging = self.threads.hanging
        if not hanging:
            return None
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._answers())
        await asyncio.wait({self._probe}, timeout=_PROBE)
        if self._probe.done() and not self._probe.cancelled() and self._probe.result():
            return None
        return f"storage does not answer: {hanging} questions to it hang, of at most {MOST} at once"

    async def _answers(self) -> bool:
        try:
            await self.threads.run(lambda _: self._root.check_present())
        except (OSError, BaseError, StorageUnreadable):
            return False
        return True

    def home(self, bucket: str | None) -> str:
        """The directory (URI) that the jobs of a bucket have their `jobs` directory in; the root for those of none."""
        return f"{self.uri}/{bucket}" if bucket else self.uri

    def checkpoints(self, bucket: str | None, job_id: int) -> str:
        """The directory (URI) that a job's checkpoints go to, each run's into one called like its Flink job id."""
        return f"{self.home(bucket)}/jobs/checkpoint/{job_id}"

    def place(self, text: str) -> str:
        """The URI of a directory under any root, given as Flink has it, or by name (`obs://bucket/dir`).

        Raises `BadPath`, also for a root itself.
        """
        key = self._roots.key(text.rstrip("/"))
        if key is None:
            return self._by_name(text)
        reader = self._roots.at(key)
        uri = reader.uri_of(key)
        if uri == f"{reader.uri}/{METADATA}":
            raise BadPath(f"{uri} lies right in a root, and not in a directory under it.")
        return uri

    def _by_name(self, text: str) -> str:
        try:
            return self.files.uri(text)
        except BadPath as error:
            only_read = "".join(f", or under {reader.uri}, which is only read" for reader in self._roots.further)
            raise BadPath(f"{error} Or name a directory under {self.uri}{only_read}.") from error

    def target(self, text: str) -> str:
        """The same, of one that is to be written: none under a further root. Raises `BadPath`."""
        place = self.place(text)
        if self.only_reads(place):
            raise BadPath(f"{place} is under a root that is only read; name a directory under {self.uri}.")
        return place

    def only_reads(self, uri: str) -> bool:
        """Whether it lies under a further root, in which nothing is written or removed."""
        return self._roots.only_read(uri)

    def owner(self, uri: str) -> str | None:
        """The id of the job whose state lies there; empty where it is not one job's, None where no job has its state.

        Jobs have it in `jobs` directories, of which the root has one and each bucket another.
        """
        parts = uri.removeprefix(f"{self.uri}/").split("/")
        if JOBS not in parts[:2]:
            return None
        return [*parts[parts.index(JOBS) + 2 :], ""][0]

    async def look(self, target: str) -> Evidence:
        """What lies in one attempt's directory: its newest whole savepoint, or why there is none.

        Flink makes a directory of a random name in the target, and writes its `_metadata` last. Stops and savepoints
        go by the storage root alone.
        """
        key = self._root.key(target)
        if key is None:
            return Unreadable(target, "it is not under this service's storage root")
        try:
            async with self._roots.own.gate, asyncio.timeout(LONGEST):
                return await self._look(target, key)
        except (OSError, ValueError, BaseError, StorageUnreadable) as error:
            return Unreadable(target, reason_of(error))

    async def inspect(self, path: str) -> Inspection:
        """Read one savepoint or checkpoint, given as its directory or its `_metadata`, and look for all its files.

        Raises `StorageUnreadable`, also for what lies under no root, and `BehindLink`, which is one of it.
        """
        key = self._roots.key(path)
        if key is None:
            raise StorageUnreadable(f"{path} is not under the storage root")
        reader = self._roots.at(key)
        try:
            async with reader.gate, asyncio.timeout(LONGEST):
                head = await reader.threads.run(lambda _: reader.find(key))
                return await self._inspect(head, {}) if head else Inspection(reader.uri_of(key), None, (NO_HEAD,), 0)
        except (OSError, ValueError, BaseError) as error:
            raise StorageUnreadable(f"{key} could not be read: {reason_of(error)}") from error

    async def operator_names(self, path: str) -> dict[str, str]:
        """The names of the operators in a savepoint or checkpoint, by id; none where it cannot be read."""
        try:
            found = await self.metadata(path)
        except StorageUnreadable:
            return {}
        return {operator.id: operator.name for operator in found.operators if operator.name}

    async def metadata(self, path: str) -> Metadata:
        """What the `_metadata` of a savepoint or checkpoint says; its files are not looked for.

        Raises `StorageUnreadable`, also for what is not there, not whole, or under no root.
        """
        key = self._roots.key(path)
        if key is None:
            raise StorageUnreadable(f"{path} is not under the storage root")
        reader = self._roots.at(key)
        try:
            async with reader.gate, asyncio.timeout(LONGEST):
                head = await reader.threads.run(lambda _: reader.find(key))
                if head is None:
                    raise StorageUnreadable(f"{path} is not there: {NO_HEAD}")
                async with reader.lane(head):
                    return await reader.threads.run(partial(_parse, reader, head))
        except (OSError, ValueError, BaseError, BrokenMetadata) as error:
            raise StorageUnreadable(f"{key} could not be read: {reason_of(error)}") from error

    async def remove(self, path: str) -> None:
        """Remove one savepoint: its own directory, and nothing beside it. It can be repeated.

        Of a further root's nothing is removed; that it is gone is found out. Raises `NotASavepoint` (of that kind
        `OnlyRead`), `StorageUnreadable`.
        """
        key = self._roots.key(path)
        if key is None:
            raise NotASavepoint(f"{path} is not under the storage root; remove it where it lies")
        reader = self._roots.at(key)
        remove = partial(self._root.remove, key) if reader is self._roots.own else lambda _: reader.refuse_removal(key)
        try:
            await reader.threads.run(remove)
        except (OSError, BaseError) as error:
            raise StorageUnreadable(f"{key} could not be removed: {reason_of(error)}; try again") from error

    async def why_unwritable(self, target: str | None) -> str | None:
        """What is known to keep a cluster from writing savepoints there; None when nothing is known.

        Flink may run as another user than this service, so None is no promise.
        """
        key = "jobs/savepoint" if target is None else self._root.key(target)
        if key is None:
            return None
        try:
            return await self.threads.run(lambda _: self._root.why_unwritable(key))
        except (OSError, StorageUnreadable) as error:
            return f"Nobody knows whether storage can be written to: {reason_of(error)}."

    async def newest_state(self, checkpoints: Sequence[str], roots: Sequence[str]) -> Newest:
        """The newest whole state that a run has left, and the newer ones that are not whole.

        It is one of its `checkpoints` (directories, as URIs), or a savepoint in one of the `roots` (URIs, those of the
        run's stops): a stop can fail although its savepoint is complete (FLINK-33522). A job counts both with the same
        numbers, so the highest is the newest. Places outside of all roots are not looked at.

        Raises `StorageUnreadable`: what cannot be read now may well be there.
        """
        own = [key for place in checkpoints if (key := self._roots.key(place)) is not None]
        if not own:
            raise StorageUnreadable(f"{', '.join(checkpoints)} is not under the storage root")
        keys = [key for root in roots if (key := self._roots.key(root)) is not None]
        try:
            async with self._roots.at(*own, *keys).gate, asyncio.timeout(LONGEST):
                return await self._newest(own, keys)
        except (OSError, ValueError, BaseError, StorageUnreadable) as error:
            raise StorageUnreadable(f"{own[0]} could not be read: {reason_of(error)}") from error

    async def _newest(self, own: Sequence[str], roots: Sequence[str]) -> Newest:
        numbered: list[tuple[int, float, Found]] = []
        sizes: dict[str, int] = {}
        for place in own:
            found = await self._heads(place)
            numbered += [(number, head.modified, head) for head in found.metadata if (number := _number(head)) >= 0]
            sizes |= found.sizes
        for root in roots:
            inside = await self._heads(root)
            numbered += [(await self._checkpoint_id(head), head.modified, head) for head in inside.metadata]
            sizes |= inside.sizes
        unnumbered = [(at, head) for number, at, head in numbered if number < 0]
        passed: list[Passed] = []
        for _, at, head in sorted((n for n in numbered if n[0] >= 0), key=itemgetter(0), reverse=True):
            inspection = await self._inspect(head, sizes)
            if not inspection.wrong:
                return Newest(
                    inspection, (*passed, *[await self._passed(h, sizes) for when, h in unnumbered if when > at])
                )
            passed.append(Passed(inspection.path, inspection.why))
        return Newest(None, (*passed, *[await self._passed(head, sizes) for _, head in unnumbered]))

    async def _passed(self, head: Found, listed: Mapping[str, int]) -> Passed:
        inspection = await self._inspect(head, listed)
        return Passed(inspection.path, inspection.why)

    async def _checkpoint_id(self, head: Found) -> int:
        """The number of a savepoint; -1 for one that is not whole."""
        reader = self._roots.at(head.key)
        try:
            async with reader.lane(head):
                return (await reader.threads.run(partial(_parse, reader, head))).checkpoint_id
        except (BrokenMetadata, FileNotFoundError):
            return -1

    async def _look(self, target: str, key: str) -> Evidence:
        found, inspected = await self._roots.own.threads.run(partial(self._glance, key))
        broken: Broken | None = None
        for head in sorted(found.metadata, key=attrgetter("modified"), reverse=True):
            inspection = inspected.get(head) or await self._inspect(head, found.sizes)
            if not inspection.wrong:
                of_stop = inspection.metadata is not None and inspection.metadata.of_stop
                return Complete(inspection.path, inspection.size, inspection.unchecked, of_stop)
            broken = broken or Broken(inspection.path, inspection.why)
        if broken is None and found.begun:
            broken = Broken(target, f"it was begun, and has no {METADATA}")
        return broken or Absent(target)

    def _glance(self, key: str, pulse: Pulse) -> tuple[Heads, Mapping[Found, Inspection]]:
        """What lies under a directory of the storage root. Where that is one small savepoint, it is inspected at once.

        Most are, and to go to a thread for each step takes longer than the steps.
        """
        reader = self._roots.own
        found = reader.heads(key, pulse, small=TINY)
        if len(found.metadata) != 1 or found.metadata[0].size > TINY:
            return found, {}
        (head,) = found.metadata
        pulse.beat()
        try:
            metadata, places, unseen = self._read(reader, head, found.sizes, pulse, found.read.get(head.key))
        except (BrokenMetadata, FileNotFoundError):
            return found, {}  # which is told by who reads it once more
        files = unseen.get(reader, ())
        if len(files) > FEW:
            return found, {}
        pulse.beat()
        sizes = reader.sizes(files, pulse)
        return found, {head: _compared(reader, head, metadata, places, _together(places, found.sizes, sizes))}

    async def _heads(self, key: str) -> Heads:
        reader = self._roots.at(key)
        return await reader.threads.run(partial(reader.heads, key))

    async def _inspect(self, head: Found, listed: Mapping[str, int]) -> Inspection:
        """`listed` has the sizes of files that have been seen already."""
        reader = self._roots.at(head.key)
        uri = reader.uri_of(_parent(head))
        try:
            async with reader.lane(head):
                metadata, places, unseen = await reader.threads.run(partial(self._read, reader, head, listed))
                found = await self._sizes_of(unseen)
                # In a thread, as everything that grows with the number of files.
                return await reader.threads.run(
                    lambda _: _compared(reader, head, metadata, places, _together(places, listed, *found))
                )
        except BrokenMetadata as error:
            why = (f"{METADATA} cannot be read to its end: {error}",)
            return Inspection(uri, None, why, head.size, written=head.modified)
        except FileNotFoundError:
            return Inspection(uri, None, (f"{METADATA} vanished",), 0)

    async def _sizes_of(self, unseen: Mapping[Reader, Sequence[str]]) -> Sequence[Mapping[str, int | None]]:
        """How large these files are, each looked at by a thread of its root."""
        return await asyncio.gather(
            *(
                reader.threads.run(partial(reader.sizes, keys[lane::_LANES]))
                for reader, keys in unseen.items()
                for lane in range(min(_LANES, len(keys)))
            )
        )

    def _read(
        self, reader: Reader, head: Found, listed: Mapping[str, int], pulse: Pulse, content: bytes | None = None
    ) -> tuple[Metadata, Sequence[str | None], Mapping[Reader, Sequence[str]]]:
        """What it says, where each file lies that it names, and which of them have not been seen.

        `content` is what is in it, where that was read before.
        """
        metadata = _parse(reader, head, pulse, content)
        directory = reader.uri_of(_parent(head))
        # Nothing of the storage root waits for a further one, whatever it names.
        find = self._roots.own.key if reader is self._roots.own else self._roots.key
        places: list[str | None] = []
        for number, reference in enumerate(metadata.references):
            places.append(find(_path_of(reference, directory)))
            if number % _BEAT == _BEAT - 1:
                pulse.pause()
        unseen: dict[Reader, list[str]] = {}
        # A file that was written while the listing was made may not be in it.
        for key in dict.fromkeys(places):
            if key is not None and key not in listed:
                unseen.setdefault(self._roots.at(key), []).append(key)
        return metadata, places, unseen


def _parse(reader: Reader, head: Found, pulse: Pulse, content: bytes | None = None) -> Metadata:
    if head.size > LARGEST:
        raise TooMuchToRead(f"{head.key} has {head.size} bytes, and {LARGEST} are read at most")
    # What is read in one go keeps nobody waiting for long.
    pause = pulse.beat if head.size <= TINY else pulse.pause
    try:
        if content is not None:
            return parse(content, pause)
        with reader.open(head.key) as source:
            return parse(source, pause)
    except TooMuchMetadata as error:
        raise TooMuchToRead(f"{head.key} cannot be verified: {error}") from error


def _compared(
    reader: Reader,
    head: Found,
    metadata: Metadata,
    places: Sequence[str | None],
    sizes: Mapping[str, int | None],
) -> Inspection:
    seen = compare(reader.uri_of(_parent(head)), metadata, head.size, places, sizes)
    return replace(seen, written=head.modified)


def _path_of(reference: Reference, directory: str) -> str:
    """Where a file lies that is named by a `_metadata` in a directory."""
    beside = reference.relative and not has_scheme(reference.path)
    return f"{directory}/{reference.path}" if beside else reference.path


def _together(places: Sequence[str | None], *found: Mapping[str, int | None]) -> Mapping[str, int | None]:
    """All that was found of these places."""
    wanted = set(places)
    return {place: size for sizes in found for place, size in sizes.items() if place in wanted}


def _parent(head: Found) -> str:
    return head.key.rpartition("/")[0]


def _number(head: Found) -> int:
    match = _CHECKPOINT.search(_parent(head))
    return int(match[1]) if match else -1
