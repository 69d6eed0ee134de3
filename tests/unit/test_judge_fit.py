"""Whether a state fits a job: what the planner, storage and the cluster are asked, and what their silence means."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import pytest
from tests.support.doubles import scripts
from tests.support.flink.handles import key_groups, relative, subtask

from sluiceway.control.judge_fit import JudgeFit, StateFrom
from sluiceway.domain.engine import Unreachable
from sluiceway.domain.fit import FitKind, Plan, Planned, Readable, Why
from sluiceway.domain.job import JarProgram, JobSpec
from sluiceway.domain.place import Place
from sluiceway.domain.variables import Filled, Unfilled
from sluiceway.engines.planning import operators
from sluiceway.engines.planning.operators import NoPlan, SqlOperators
from sluiceway.engines.planning.reading import FillOf, SqlReading
from sluiceway.engines.planning.sql import Script, SqlRefused
from sluiceway.engines.planning.submit import without_variables
from sluiceway.storage.metadata import parse
from sluiceway.storage.savepoints import Storage
from sluiceway.testing.fake_metadata import metadata, operator

OLD, NEW = JobSpec("old"), JobSpec("new")
ID = bytes(range(16)).hex()  # of the fake's operator
PLANNED = Planned(ID, "Count", 1, -1, "k", "c", keyed=True, key="x", states={"acc": {"VALUE_SERIALIZER": "old"}})
OTHER = replace(PLANNED, content="d", states={"acc": {"VALUE_SERIALIZER": "new"}})
SQL = (
    "CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen');"
    "CREATE TABLE b (n BIGINT) WITH ('connector' = 'blackhole'); INSERT INTO b SELECT n FROM s"
)


@dataclass
class Plans:
    """Plans what it was told to, by SQL; an exception is raised."""

    made: dict[str, Plan | Exception]
    verdict: Readable | Exception = Readable.INCOMPATIBLE
    flink_version: str = "2.3.0"

    async def plan(self, spec: JobSpec, caller: str) -> Plan:
        found = self.made[spec.sql]
        if isinstance(found, Exception):
            raise found
        return found

    async def readable(self, pairs: Collection[tuple[str, str]], caller: str) -> Mapping[tuple[str, str], Readable]:
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return dict.fromkeys(pairs, self.verdict)


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A savepoint of one operator."""
    content = metadata(operators=[operator(subtasks=[subtask(keyed=key_groups(relative()))])])
    (tmp_path / "savepoint").mkdir()
    (tmp_path / "savepoint" / "_metadata").write_bytes(content)
    return str(tmp_path / "savepoint")


def use_case(path: str, plans: Plans, slots: int | None = None) -> JudgeFit:
    async def free(cluster: Place) -> int | None:
        return slots

    return JudgeFit(Storage(str(Path(path).parent)), plans, free)


@pytest.mark.parametrize(
    ("old", "new", "verdict", "why"),
    [
        (Plan((PLANNED,), 1), Plan((OTHER,), 1), Readable.INCOMPATIBLE, Why.TYPE_CHANGED),
        (Plan((PLANNED,), 1), Plan((OTHER,), 1), Unreachable("gone"), Why.NOT_TOLD),
        (Plan((PLANNED,), 1), SqlRefused("no such table"), Readable.AS_IS, Why.REFUSED),
        (Plan((PLANNED,), 1), Unreachable("no Java"), Readable.AS_IS, Why.NOT_PLANNED),
        (Plan((PLANNED,), 1), NoPlan("it creates"), Readable.AS_IS, Why.NOT_PLANNED),
        (SqlRefused("no such table"), Plan((OTHER,), 1), Readable.AS_IS, Why.NOT_TOLD),
        (Plan((PLANNED,), 1), Plan((PLANNED,), 7), Readable.AS_IS, Why.SLOTS),
    ],
)
async def test_whatever_happens_there_is_an_answer(
    path: str, old: Plan | Exception, new: Plan | Exception, verdict: Readable | Exception, why: Why
) -> None:
    judge = use_case(path, Plans({"old": old, "new": new}, verdict), slots=3)
    fit = await judge.judge(NEW, StateFrom(path, OLD), Place("c", "http://c"), caller="p")
    assert fit.reasons[0].why is why
    assert not fit.good


async def test_the_same_job_fits_and_a_state_that_cannot_be_read_is_told(path: str) -> None:
    judge = use_case(path, Plans({"old": Plan((PLANNED,), 1)}))
    assert (await judge.judge(OLD, StateFrom(path, OLD), None, caller="p")).kind is FitKind.SAME
    for place in (f"{path}/none", "s3://elsewhere/savepoint"):
        fit = await judge.judge(OLD, StateFrom(place, OLD), None, caller="p")
        assert (fit.kind, fit.reasons[0].why, fit.slots) == (FitKind.UNKNOWN, Why.NOT_READ, 1)
    _damage(path)
    assert (await judge.judge(OLD, StateFrom(path, OLD), None, caller="p")).reasons[0].why is Why.NOT_READ


def _damage(path: str) -> None:
    (Path(path) / "_metadata").write_bytes(b"nonsense")


async def test_what_another_flink_has_made_is_not_vouched_for(path: str) -> None:
    judge = use_case(path, Plans({"old": Plan((PLANNED,), 1)}))
    for version, kind in (("2.3.1", FitKind.SAME), ("", FitKind.SAME), ("2.2.0", FitKind.UNKNOWN)):
        fit = await judge.judge(OLD, StateFrom(path, OLD, flink_version=version), None, caller="p")
        assert fit.kind is kind
    older = parse(metadata(4, [operator(4, subtasks=[subtask(keyed=key_groups(relative()))])]))
    fit = await judge.judge(OLD, StateFrom(path, OLD, older), None, caller="p")
    assert fit.text == (
        "Only the start shows whether the state of Count fits: another version of Flink has made it than 2.3.0, "
        "which would run it."
    )


@pytest.mark.parametrize(
    ("settled", "run", "kind"),
    [
        ({"sink": 6, "pw": 0}, 7, FitKind.SAME),
        ({"sink": 7, "pw": 0}, 7, FitKind.UNKNOWN),
        ({"pw": 0}, 7, FitKind.UNKNOWN),
        ({"sink": 0, "pw": 0}, None, FitKind.UNKNOWN),
    ],
    ids=["as then", "given another value since", "made anew or gone", "nobody knows the run"],
)
async def test_sql_with_variables_is_judged_where_their_values_are_those_of_then(
    path: str, settled: dict[str, int], run: int | None, kind: FitKind
) -> None:
    filled = JobSpec("INSERT INTO {{sink}} SELECT '{{pw}}'")

    async def settled_at(project: str) -> dict[str, int]:
        assert project == "p"
        return settled

    judge = replace(use_case(path, Plans({filled.sql: Plan((PLANNED,), 1)})), settled_at=settled_at)
    fit = await judge.judge(filled, StateFrom(path, filled, run_id=run), None, caller="p")
    assert fit.kind is kind
    if kind is FitKind.UNKNOWN:
        names = "{{sink}}, {{pw}}" if run is None else "{{sink}}"
        assert f"the SQL that has made it has {names} in it, which may have had another value then" in fit.text


async def test_a_program_is_known_when_it_runs(path: str) -> None:
    program = JobSpec("", program=JarProgram("a.jar"))
    judge = use_case(path, Plans({"new": Plan((PLANNED,), 1)}))
    assert (await judge.judge(program, StateFrom(path, OLD), None, caller="p")).reasons[0].why is Why.PROGRAM
    assert (await judge.judge(NEW, StateFrom(path, program), None, caller="p")).reasons[0].why is Why.NOT_TOLD


# What is kept of plans. ----------------------------------------------------------------------------------------------


@dataclass
class Planner:
    """A process that plans."""

    flink_version: str = "2.3.0"
    answer: str = '{"batch": false, "slots": 1, "operators": []}'
    asked: list[object] = field(default_factory=list)
    read: list[str] = field(default_factory=list)

    async def read_sql(self, body: str, *, caller: str, runs: bool) -> Script:
        self.read.append(body)
        return scripts.script(body)

    async def operators(self, script: Script, options: Mapping[str, str], *, caller: str) -> str:
        self.asked.append(script)
        return self.answer

    async def readable(self, pairs: Collection[tuple[str, str]], *, caller: str) -> list[str]:
        self.asked.append(tuple(pairs))
        return ["as_is" for _ in pairs]


def kept_by(planner: Planner, fill: FillOf = without_variables) -> SqlOperators:
    async def provider() -> Planner:
        return planner

    return SqlOperators(SqlReading(provider, fill))  # type: ignore[arg-type]


async def test_a_plan_is_made_once_for_each_sql_each_option_and_each_flink() -> None:
    planner = Planner()
    plans = kept_by(planner)
    for spec in (JobSpec(SQL), JobSpec(f"-- why\n{SQL}"), JobSpec(SQL, parallelism=2), JobSpec(SQL)):
        await plans.plan(spec, "p")
    assert len(planner.asked) == 2
    assert len(planner.read) == 2, "and what was read once is known"
    planner.flink_version = "2.4.0"
    await plans.plan(JobSpec(SQL), "p")
    assert len(planner.asked) == 3


async def test_an_option_that_is_set_between_statements_makes_another_plan() -> None:
    planner = Planner()
    plans = kept_by(planner)
    first, *rest = SQL.split(";")
    for state in ("", "SET 'table.exec.state.ttl' = '1 s';", "SET 'table.exec.state.ttl' = '2 s';"):
        await plans.plan(JobSpec(f"{state}{first}; RESET;{';'.join(rest)}"), "p")
    assert len(planner.asked) == 3


async def test_variables_have_the_values_of_the_project_and_sensitive_ones_are_not_told() -> None:
    operator = {"id": ID, "name": "Calc", "parallelism": 1, "max_parallelism": -1, "kind": "k", "content": "digest"}
    told = {**operator, "description": "Calc(where=[=(n, 's3cret')])", "inputs": ["a s3cret"]}
    planner = Planner(answer=msgspec.json.encode({"batch": False, "slots": 1, "operators": [told]}).decode())
    values = {"p": "s3cret", "q": "other"}

    async def fill(project: str, sql: str) -> Filled:
        if project not in values:
            raise Unfilled("The SQL uses {{word}}, which is no variable of the project.")
        return Filled(sql.replace("{{word}}", values[project]), {values[project]: "word"})

    plans = kept_by(planner, fill)
    spec = JobSpec(f"{SQL} WHERE n = '{{{{word}}}}'")
    [made] = (await plans.plan(spec, "p")).operators
    assert "s3cret" not in repr((plans._plans, plans._reading._scripts)), "nor kept"
    assert (made.description, made.inputs) == ("Calc(where=[=(n, '{{word}}')])", ("a {{word}}",))
    await plans.plan(spec, "q")
    assert [body.rpartition("WHERE ")[2] for body in planner.read] == ["n = 's3cret'", "n = 'other'"]
    await plans.plan(spec, "p")
    assert len(planner.asked) == 2, "the same values make the same plan"
    values["p"] = "moved on"
    await plans.plan(spec, "p")
    assert len(planner.asked) == 3
    values["p"] = "s3cret"
    [guess] = (await plans.plan(JobSpec(spec.sql.replace("{{word}}", "s3cret")), "q")).operators
    assert guess.description == told["description"], "who writes the same text elsewhere does not learn that it is one"
    for sql, project, said in (
        (spec.sql, "r", "no variable of the project"),
        ("INSERT INTO b SELECT 1; {{word}}", "p", "{{word}} cannot be part"),
    ):
        with pytest.raises(SqlRefused, match=said) as refused:
            await plans.plan(JobSpec(sql), project)
        assert "s3cret" not in str(refused.value)


async def test_what_may_look_otherwise_tomorrow_is_planned_anew() -> None:
    planner = Planner()
    plans = kept_by(planner)
    catalog = "CREATE CATALOG c WITH ('type' = 'jdbc'); USE CATALOG c; CREATE TEMPORARY VIEW v AS SELECT * FROM s;"
    for _ in range(2):
        await plans.plan(JobSpec(f"{catalog} INSERT INTO b SELECT n FROM v"), "p")
    assert len(planner.asked) == 2
    for changes in ("CREATE TABLE b (n BIGINT)", "DROP TABLE s", "ALTER TABLE s RENAME TO x"):
        with pytest.raises(NoPlan, match="planning would do so"):
            await plans.plan(JobSpec(f"{catalog} {changes}; INSERT INTO b SELECT n FROM v"), "p")
    assert len(planner.asked) == 2
    with pytest.raises(NoPlan, match="CREATE TABLE … AS makes its table"):
        await plans.plan(JobSpec("CREATE TABLE b WITH ('connector' = 'x') AS SELECT 1"), "p")


async def test_no_more_is_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operators, "MOST_KEPT", 2)
    planner = Planner()
    plans = kept_by(planner)
    for parallelism in (1, 2, 1, 3, 1, 2):
        await plans.plan(JobSpec(SQL, parallelism=parallelism), "p")
    assert len(planner.asked) == 4
    monkeypatch.setattr(operators, "MOST_BYTES", 10)
    small = kept_by(planner)
    for _ in range(2):
        await small.plan(JobSpec(SQL), "p")
    assert len(planner.asked) == 6


async def test_two_serializers_are_compared_once() -> None:
    planner = Planner()
    plans = kept_by(planner)
    assert await plans.readable([("a", "b")], "p") == {("a", "b"): Readable.AS_IS}
    assert await plans.readable([("a", "b"), ("c", "d")], "p") == dict.fromkeys(
        [("a", "b"), ("c", "d")], Readable.AS_IS
    )
    assert planner.asked == [(("a", "b"),), (("c", "d"),)]


async def test_an_answer_of_the_planner_that_nobody_understands_is_none() -> None:
    for answer in ("{}", "", msgspec.json.encode([1]).decode()):
        with pytest.raises(Unreachable, match="could not be read"):
            await kept_by(Planner(answer=answer)).plan(JobSpec(SQL), "p")
