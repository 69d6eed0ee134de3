"""Finds the operators that SQL would run as, and the state of each. Needs no cluster, and sends nothing to one."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import msgspec

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.fit import Plan, Planned, Readable
from sluiceway.domain.job import JobSpec
from sluiceway.domain.variables import Filled
from sluiceway.engines.planning.kept import Kept, digest
from sluiceway.engines.planning.options import leaves_state, unsent_options
from sluiceway.engines.planning.reading import SqlReading, reached
from sluiceway.engines.planning.sql import Script, SqlRefused

MOST_KEPT = 2000  # plans
MOST_BYTES = 64 * 1024 * 1024  # of what Java has told of them
MOST_PAIRS = 20_000  # of serializers that were compared
CREATES = "CREATE TABLE … AS makes its table while it is planned, so what it would run as is seen when it starts."
CHANGES = (
    "It changes what may lie in a catalog outside, and planning would do so: what it runs as is seen when it starts."
)

Pair = tuple[str, str]


class NoPlan(Exception):
    """The job's plan cannot be known before it starts. The text says why."""


class SqlOperators:
    """Plans SQL as a submission would. Keeps its plans, within bounds."""

    def __init__(self, reading: SqlReading) -> None:
        """`reading` reads the SQL, and knows what plans it."""
        self._reading = reading
        self.flink_version = ""  # that plans; known once it has
        self._plans = Kept[Plan](MOST_KEPT, MOST_BYTES)
        self._verdicts = Kept[Readable](MOST_PAIRS, MOST_BYTES)

    async def plan(self, spec: JobSpec, caller: str) -> Plan:
        """The job's plan, with the present values of the project's variables.

        Callers take turns, so that none of them holds up another. Raises `SqlRefused`, `NoPlan`, and `Unreachable` when
        there is nothing to plan with.
        """
        script, whole, filled = await self._reading.read(spec, caller)
        try:
            return await self._planned(script, whole, caller, filled)
        except SqlRefused as error:
            raise type(error)(filled.masked(str(error))) from None

    async def _planned(self, script: Script, spec: JobSpec, caller: str, filled: Filled) -> Plan:
        if script.creates_from_query:
            raise NoPlan(CREATES)
        outside = _looks_elsewhere(script)
        if outside and _changes_something(script):
            raise NoPlan(CHANGES)
        options = unsent_options(spec, "plan")
        planner = await self._reading.planner()
        self.flink_version = planner.flink_version
        # What is kept has no values of sensitive variables in it, so whoever wrote the same text has not the same plan.
        hidden = (caller, *sorted(filled.secrets.values())) if filled.secrets else ()
        key = _key(script, options, planner.flink_version, *hidden)
        if (known := self._plans.get(key)) is None:
            with reached():
                told = await planner.operators(script, options, caller=caller)
            plan = replace(_read(told), backend=_backend(options), drops=leaves_state(options))
            known = _masked(plan, filled)
            if not outside:
                self._plans.keep(key, known, len(told))
        return known

    async def readable(self, pairs: Collection[Pair], caller: str) -> Mapping[Pair, Readable]:
        """Whether what the first serializer of each has written can be read by the second. Raises `Unreachable`."""
        keys = {pair: digest(*pair) for pair in pairs}
        found = {pair: verdict for pair, key in keys.items() if (verdict := self._verdicts.get(key)) is not None}
        if asked := [pair for pair in pairs if pair not in found]:
            planner = await self._reading.planner()
            with reached():
                answers = await planner.readable(asked, caller=caller)
            for pair, answer in zip(asked, answers, strict=True):
                found[pair] = Readable(answer)
                self._verdicts.keep(keys[pair], found[pair], 100)
        return found


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


def _masked(plan: Plan, filled: Filled) -> Plan:
    """Remove the values of sensitive variables from what people see of the plan."""
    if not filled.secrets:
        return plan
    shown = (
        replace(
            each,
            name=filled.masked(each.name),
            description=filled.masked(each.description),
            inputs=tuple(map(filled.masked, each.inputs)),
        )
        for each in plan.operators
    )
    return replace(plan, operators=tuple(shown))


def _backend(options: Mapping[str, str]) -> str:
    return (options.get("state.backend.type") or options.get("state.backend") or "").strip().lower()


def _looks_elsewhere(script: Script) -> bool:
    """Whether its tables may change without a change of the script."""
    return any("CATALOG" in statement.text.upper() for statement in script.statements if not statement.sink)


def _changes_something(script: Script) -> bool:
    """Whether planning it would change a catalog outside for good."""
    heads = [statement.text.upper().split(maxsplit=2)[:2] for statement in script.statements if not statement.sink]
    return any(head[:1] != ["USE"] and head not in (["CREATE", "CATALOG"], ["CREATE", "TEMPORARY"]) for head in heads)


def _key(script: Script, options: Mapping[str, str], version: str, *hidden: str) -> bytes:
    statements = [statement.text for statement in script.statements]
    changes = [repr(sorted(change.items())) for change in script.changes()]  # between the statements
    settings = [part for name in sorted(options) for part in (name, options[name])]
    return digest(version, str(len(statements)), *statements, *changes, *settings, str(len(hidden)), *hidden)
