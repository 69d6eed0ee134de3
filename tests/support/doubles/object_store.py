"""A real object store that speaks S3, on loopback, in a thread of its own."""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import boto3
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-so-secret"}
REGION = "us-east-1"


class ObjectStore:
    """The server, and a client of it that has nothing to do with the code under test."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"
        self._made = 0
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )

    def bucket(self) -> str:
        """A new bucket."""
        self._made += 1
        name = f"company-{self._made}"
        self.client.create_bucket(Bucket=name)
        return name

    def put(self, bucket: str, key: str, content: bytes, at: datetime | None = None) -> None:
        """Write an object, as if it had been written at some time."""
        self.client.put_object(Bucket=bucket, Key=key, Body=content)
        if at is not None:
            s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[bucket].keys[key].last_modified = at

    def put_empty(self, bucket: str, keys: Iterable[str]) -> None:
        """Write many empty objects at once, past the network."""
        for key in keys:
            s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(bucket, key, b"")

    def everything(self, bucket: str) -> list[str]:
        """The keys of all objects of a bucket."""
        return [each["Key"] for each in self.client.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def close(self) -> None:
        """End the server."""
        self._server.stop()
