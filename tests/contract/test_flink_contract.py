"""The Flink contract, claim by claim, on real Flink and on the fake alike: what holds for one must hold for the other."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Protocol, cast

import aiohttp
import pytest

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.facts import Acknowledged, JobState, Refusal, Refused
from sluiceway.engines.flink_rest import (
    AlreadyOver,
    AttemptCompleted,
    AttemptFailed,
    AttemptInProgress,
    AttemptUnknown,
    FlinkRest,
    JobOverview,
    NoSuchJob,
)
from sluiceway.testing.fake_flink import FakeFlink

MAGIC = bytes.fromhex("4960672d")
PATIENCE = 20.0  # seconds; a good stop takes about one
RESTARTS = {
    "execution.checkpointing.interval": "1h",
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": "10",
    "restart-strategy.fixed-delay.delay": "100ms",
}
SOURCE = "CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');"
STREAM = f"{SOURCE} CREATE TABLE b (n BIGINT) WITH ('connector' = 'blackhole'); INSERT INTO b SELECT n FROM s;"
COUNTS = (
    f"{SOURCE.replace(')', ", 'number-of-rows' = '1000000')") if False else SOURCE} "
    "CREATE TABLE b (n BIGINT, c BIGINT) WITH ('connector' = 'blackhole'); "
    "INSERT INTO b SELECT n, COUNT(*) FROM s GROUP BY n;"
)


def fresh_id() -> str:
    """32 hex digits."""
    return os.urandom(16).hex()
