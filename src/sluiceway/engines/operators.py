"""Which operators a job's SQL would run as, and the state of each. Nothing is sent to a cluster, and none is needed."""

import hashlib
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import msgspec

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.fit import Plan, Planned, Readable
from sluiceway.domain.job import JobSpec
from sluiceway.engines.java import NoFlink, NoJava
from sluiceway.engines.jvm_process import JvmFailed
from sluiceway.engines.options import flink_options, leaves_state
from sluiceway.engines.planner import Plans
from sluiceway.engines.sql import Script
from sluiceway.engines.submit import JvmProvider, Reader

MOST_KEPT = 2000  # plans
MOST_BYTES = 64 * 1024 * 1024  # of what Java has told of them
MOST_PAIRS = 20_000  # of serializers that were compared
CREATES = "CREATE TABLE … AS makes its table while it is planned, so what it would run as is seen when it starts."
CHANGES = (
    "It changes what may lie in a catalog outside, and planning would do so: what it runs as is seen when it starts."
)

_NOBODY = "0" * 32  # the id of a job that never runs
_NOWHERE = "file:///"  # it keeps no checkpoints either

Pair = tuple[str, str]
T = TypeVar("T")


class NoPlan(Exception):  # noqa: N818 - it is a finding
    """What the job would run as cannot be known before it starts. Its text says why."""


class SqlOperators:
    """Plans SQL as it would be submitted. What was planned once is kept, within bounds, for as long as this lives."""

    def __init__(self, jvm: JvmProvider) -> None:
        """`jvm` gives what plans, and may raise `Unreachable`, `NoJava`, `NoFlink` and `JvmFailed`."""
        self._jvm = jvm
        self._reader = Reader()
        self.flink_version = ""  # that plans; known once it has
        self._plans = _Kept[Plan](MOST_KEPT, MOST_BYTES)
        self._verdicts = _Kept[Readable](MOST_PAIRS, MOST_BYTES)

    async def plan(self, spec: JobSpec, caller: str) -> Plan:
        """What the job would run as. Callers take turns, so that none of them holds up another.

        Raises `SqlRefused`, `NoPlan`, and `Unreachable` when there is nothing to plan with.
        """
        script, effective = await self._reader.read(caller, spec)
        if script.creates_from_query:
            raise NoPlan(CREATES)
        outside = _looks_elsewhere(script)
        if outside and _changes_something(script):
            raise NoPlan(CHANGES)
        options = flink_options(effective, flink_job_id=_NOBODY, name="plan", restore=None, checkpoint_dir=_NOWHERE)
        planner = await self._planner()
        self.flink_version = planner.flink_version
        key = _key(script, options, planner.flink_version)
        if (known := self._plans.get(key)) is None:
            told = await planner.operators(script, options, caller=caller)
            known = replace(_read(told), backend=_backend(options), drops=leaves_state(options))
            if not outside:
                self._plans.keep(key, known, len(told))
        return known

    async def readable(self, pairs: Collection[Pair], caller: str) -> Mapping[Pair, Readable]:
        """Whether what the first serializer of each has written can be read by the second. Raises `Unreachable`."""
        keys = {pair: _digest(*pair) for pair in pairs}
        found = {pair: verdict for pair, key in keys.items() if (verdict := self._verdicts.get(key)) is not None}
        if asked := [pair for pair in pairs if pair not in found]:
            answers = await (await self._planner()).readable(asked, caller=caller)
            for pair, answer in zip(asked, answers, strict=True):
                found[pair] = Readable(answer)
                self._verdicts.keep(keys[pair], found[pair], 100)
        return found

    async def _planner(self) -> Plans:
        try:
            return await self._jvm()
        except (NoJava, NoFlink, JvmFailed) as error:
            raise Unreachable(str(error)) from error


class _Operator(msgspec.Struct):
    """As `StateProbe.java` writes it."""

    id: str
    name: str
    description: str
    parallelism: int
    max_parallelism: int
    kind: str
    content: str
    inputs: tuple[str, ...] = ()
    alternative: str = ""
    keyed: bool = False
    key: str = ""
    states: dict[str, dict[str, str]] | None = None


class _Job(msgspec.Struct):
    batch: bool
    slots: int
    operators: list[_Operator]


def _read(told: str) -> Plan:
    try:
        job = msgspec.json.decode(told, type=_Job)
    except msgspec.DecodeError as error:
        raise Unreachable(f"The planner's answer could not be read: {error}") from error
    return Plan(tuple(Planned(**msgspec.structs.asdict(each)) for each in job.operators), job.slots, job.batch)


def _backend(options: Mapping[str, str]) -> str:
    return (options.get("state.backend.type") or options.get("state.backend") or "").strip().lower()


def _looks_elsewhere(script: Script) -> bool:
    """Whether its tables may be others tomorrow, without a change of the script."""
    return any("CATALOG" in statement.text.upper() for statement in script.statements if not statement.sink)


def _changes_something(script: Script) -> bool:
    """Whether it makes, alters or drops what would outlive the plan, were it in a catalog outside."""
    heads = [statement.text.upper().split(maxsplit=2)[:2] for statement in script.statements if not statement.sink]
    return any(head[:1] != ["USE"] and head not in (["CREATE", "CATALOG"], ["CREATE", "TEMPORARY"]) for head in heads)


def _key(script: Script, options: Mapping[str, str], version: str) -> bytes:
    statements = [statement.text for statement in script.statements]
    settings = [part for name in sorted(options) for part in (name, options[name])]
    return _digest(version, str(len(statements)), *statements, *settings)


def _digest(*parts: str) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode(errors="surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.digest()


@dataclass(slots=True)
class _Kept(Generic[T]):
    """The latest of what was found, within bounds."""

    most: int
    most_bytes: int
    items: OrderedDict[bytes, tuple[T, int]] = field(default_factory=OrderedDict)
    size: int = 0  # of all of them

    def get(self, key: bytes) -> T | None:
        """What is kept under this key."""
        if key not in self.items:
            return None
        self.items.move_to_end(key)
        return self.items[key][0]

    def keep(self, key: bytes, item: T, size: int) -> None:
        """Keep it, and forget what nobody has asked for the longest."""
        self.size += size - (self.items.pop(key)[1] if key in self.items else 0)
        self.items[key] = (item, size)
        while len(self.items) > self.most or self.size > self.most_bytes:
            _, (_, gone) = self.items.popitem(last=False)
            self.size -= gone
