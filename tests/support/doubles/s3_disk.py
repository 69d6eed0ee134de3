"""Where a fake Flink with an S3 plugin puts its savepoints."""

import os
import re

from botocore.exceptions import ClientError
from tests.support.doubles.object_store import ObjectStore

from sluiceway.testing.fake_failures import FAILURES, Failure
from sluiceway.testing.fake_metadata import written

_S3 = re.compile(r"s3://([^/]+)/(.+)")


class S3Disk:
    """See `Disk`. Nothing is visible before it is complete, and there are no directories."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def begin(self, target: str, jid: str) -> str | Failure:
        """See `Disk`."""
        if not _S3.fullmatch(target):
            return Failure(FAILURES["scheme"].chain, target.partition(":")[0])
        return f"{target}/savepoint-{jid[:6]}-{os.urandom(6).hex()}"

    def complete(self, folder: str, number: int, *, of_stop: bool = False) -> str:
        """See `Disk`."""
        bucket, key = _split(folder)
        self._store.put(bucket, f"{key}/_metadata", written(number, of_stop=of_stop))
        return folder

    def discard(self, folder: str) -> None:
        """See `Disk`."""

    def dispose(self, location: str) -> bool:
        """See `Disk`."""
        bucket, key = _split(location)
        try:
            self._store.client.head_object(Bucket=bucket, Key=f"{key}/_metadata")
        except ClientError:
            return False
        self._store.client.delete_object(Bucket=bucket, Key=f"{key}/_metadata")
        return True


def _split(uri: str) -> tuple[str, str]:
    found = _S3.fullmatch(uri)
    assert found is not None, uri
    return found[1], found[2]
