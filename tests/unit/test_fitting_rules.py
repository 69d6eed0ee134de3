"""Whether a savepoint fits a job, case by case; that Flink does as is said is shown by tests/changes."""

from dataclasses import replace

import pytest

from sluiceway.domain.fit import FitKind, Held, Left, Plan, Planned, Readable, Why
from sluiceway.domain.fitting import Case, judge, questions

SOURCE = Planned("a" * 32, "Source: s", 1, -1, "Udf DataGeneratorSource", "s1", description="TableSourceScan(s)")
COUNT = Planned(
    "b" * 32,
    "GroupAggregate",
    1,
    -1,
    "Udf GroupAggFunction",
    "c1",
    description="GroupAggregate(groupBy=[id], select=[id, COUNT(*) AS c])",
    inputs=("s",),
    keyed=True,
    key="bigint",
    states={"accState": {"type": "VALUE", "VALUE_SERIALIZER": "count", "NAMESPACE_SERIALIZER": "void"}},
)
PLAN = Plan((SOURCE, COUNT), slots=1)
HELD = (Held(SOURCE.id, "", 128, 0, stateful=False), Held(COUNT.id, "", 128, 700, stateful=True))


def state(value: str = "count", name: str = "accState", kind: str = "VALUE") -> dict[str, dict[str, str]]:
    return {name: {"type": kind, "VALUE_SERIALIZER": value, "NAMESPACE_SERIALIZER": "void"}}


def after(**changes: object) -> Plan:
    """The plan with another count."""
    return Plan((SOURCE, replace(COUNT, **{"content": "c2", **changes})), slots=1)  # type: ignore[arg-type]


def case(now: Plan, **changes: object) -> Case:
    return replace(Case(HELD, PLAN, now), **changes)  # type: ignore[arg-type]


AS_IS, MIGRATES, OTHER = Readable.AS_IS, Readable.AFTER_MIGRATION, Readable.INCOMPATIBLE


@pytest.mark.parametrize(
    ("now", "verdict", "kind", "why"),
    [
        (PLAN, OTHER, FitKind.SAME, None),
        (after(), OTHER, FitKind.SAME, None),
        (after(states=state("other")), AS_IS, FitKind.SAME, None),
        (after(states=state("with a retention")), MIGRATES, FitKind.SAME, None),
        (after(states=state("other")), OTHER, FitKind.WOULD_NOT_START, Why.TYPE_CHANGED),
        (after(states=state("other")), Readable.UNKNOWN, FitKind.UNKNOWN, Why.NOT_TOLD),
        (after(states=state(kind="MAP")), AS_IS, FitKind.WOULD_NOT_START, Why.TYPE_CHANGED),
        (after(key="text"), OTHER, FitKind.WOULD_NOT_START, Why.KEY_CHANGED),
        (after(key="text"), MIGRATES, FitKind.WOULD_NOT_START, Why.KEY_CHANGED),
        (after(key="text", content="c1"), OTHER, FitKind.WOULD_NOT_START, Why.KEY_CHANGED),
        (after(states=state(name="other")), AS_IS, FitKind.LEFT_BEHIND, Why.STATE_GONE),
        (after(states=None), AS_IS, FitKind.UNKNOWN, Why.NOT_TOLD),
        (
            after(description="GroupAggregate(groupBy=[id], select=[id, MAX(w) AS c])"),
            OTHER,
            FitKind.OTHER_MEANING,
            None,
        ),
        (after(description="GroupAggregate(groupBy=[id], select=[id, COUNT(*) AS x])"), OTHER, FitKind.SAME, None),
        (after(id="c" * 32), OTHER, FitKind.LEFT_BEHIND, Why.OPERATOR_GONE),
        (after(id="c" * 32, alternative=COUNT.id), OTHER, FitKind.SAME, None),
        (after(max_parallelism=256), OTHER, FitKind.WOULD_NOT_START, Why.MAX_PARALLELISM),
        (after(max_parallelism=128), OTHER, FitKind.SAME, None),
        (after(parallelism=129), OTHER, FitKind.WOULD_NOT_START, Why.MAX_PARALLELISM),
        (replace(PLAN, batch=True), OTHER, FitKind.WOULD_NOT_START, Why.BATCH),
    ],
)
def test_what_comes_of_a_change(now: Plan, verdict: Readable, kind: FitKind, why: Why | None) -> None:
    it = case(now)
    fit = judge(it, dict.fromkeys(questions(it), verdict))
    assert fit.kind is kind, fit
    if why is not None:
        assert fit.reasons[0].why is why
    assert bool(fit.text) is (kind is not FitKind.SAME)
    assert fit.good is (kind is FitKind.SAME)


def test_what_is_left_behind_is_told_by_name_and_size() -> None:
    fit = judge(case(after(id="c" * 32)), {})
    assert fit.left == (Left("GroupAggregate", COUNT.id, 700),)
    assert fit.fresh == ("GroupAggregate",)
    assert fit.text == (
        "The state of GroupAggregate (700 bytes) would be left behind: the job has no such operator any more. "
        "GroupAggregate begins without state."
    )
    nameless = judge(case(after(id="c" * 32), before=None), {})
    assert nameless.left[0].operator == f"an operator without a name ({COUNT.id})"


def test_an_operator_more_begins_without_state() -> None:
    more = replace(COUNT, id="d" * 32, name="Rank")
    fit = judge(case(Plan((SOURCE, COUNT, more), slots=1)), {})
    assert (fit.kind, fit.fresh, fit.good) == (FitKind.NEW_OPERATORS, ("Rank",), True)


def test_nobody_knows_the_types_of_a_state_whose_sql_is_not_known() -> None:
    assert judge(case(PLAN, before=None), {}).kind is FitKind.UNKNOWN
    gone = judge(case(after(id="c" * 32), before=None), {})
    assert gone.kind is FitKind.LEFT_BEHIND, "that much is certain"


def test_state_that_another_input_has_made_is_told_and_a_renamed_input_is_not() -> None:
    other = replace(COUNT, id="e" * 32, inputs=("r",))
    before = Plan((SOURCE, COUNT, other), slots=1)
    swapped = Plan((SOURCE, replace(COUNT, inputs=("r",)), replace(other, inputs=("s",))), slots=1)
    held = (*HELD, Held(other.id, "", 128, 7, stateful=True))
    fit = judge(Case(held, before, swapped), {})
    assert [reason.why for reason in fit.reasons] == [Why.MEANING_CHANGED] * 2
    renamed = Plan((SOURCE, replace(COUNT, inputs=("z",)), other), slots=1)
    assert judge(Case(held, before, renamed), {}).kind is FitKind.SAME


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        ("Join(where=[((id = id0) AND (w = w0))])", "Join(where=[((id = id0) AND (w = w0) AND (v > v0))])", True),
        ("Join(where=[(id = id0)])", "Join(where=[(id = w0)])", False),
        ("Rank(orderBy=[v ASC], select=[id, v])", "Rank(orderBy=[v ASC], select=[id, v, w])", True),
        ("Rank(orderBy=[v ASC], select=[id])", "Rank(orderBy=[v DESC], select=[id])", False),
        ("Deduplicate(key=[id])", "Deduplicate(key=[w])", False),
    ],
)
def test_what_state_of_the_same_type_is_taken_for(before: str, now: str, same: bool) -> None:
    old, new = (Plan((SOURCE, replace(COUNT, description=text)), slots=1) for text in (before, now))
    kind = judge(Case(HELD, old, new), {}).kind
    assert kind is (FitKind.SAME if same else FitKind.OTHER_MEANING)


def test_the_same_connector_keeps_its_state_whatever_its_options() -> None:
    kafka = replace(SOURCE, kind="x.SourceOperatorFactory KafkaSource")
    held = (replace(HELD[0], stateful=True),)
    for now, kind in (
        (replace(kafka, content="s2"), FitKind.SAME),
        (replace(kafka, content="s2", kind="x.SourceOperatorFactory FileSource"), FitKind.UNKNOWN),
        (replace(kafka, content="s2", kind="x.StreamingFileWriter"), FitKind.UNKNOWN),
    ):
        assert judge(Case(held, Plan((kafka,), 1), Plan((now,), 1)), {}).kind is kind


@pytest.mark.parametrize(("free", "kind"), [(0, FitKind.WOULD_NOT_START), (1, FitKind.SAME), (None, FitKind.SAME)])
def test_slots(free: int | None, kind: FitKind) -> None:
    fit = judge(case(PLAN, slots=free), {})
    assert (fit.kind, fit.slots) == (kind, 1)


def test_what_had_ended_goes_on_only_in_the_same_job() -> None:
    held = (HELD[0], replace(HELD[1], finished=True))
    assert judge(Case(held, PLAN, PLAN), {}).kind is FitKind.SAME
    more = Plan((*PLAN.operators, replace(SOURCE, id="f" * 32)), slots=1)
    assert judge(Case(held, PLAN, more), {}).kind is FitKind.UNKNOWN


@pytest.mark.parametrize(
    ("native", "before", "now", "kind"),
    [
        (True, "rocksdb", "rocksdb", FitKind.SAME),
        (True, "rocksdb", "hashmap", FitKind.WOULD_NOT_START),
        (True, "rocksdb", "", FitKind.UNKNOWN),
        (False, "rocksdb", "hashmap", FitKind.SAME),
    ],
)
def test_what_a_state_backend_has_written_in_its_own_format(native: bool, before: str, now: str, kind: FitKind) -> None:
    it = case(replace(PLAN, backend=now), before=replace(PLAN, backend=before), native=native)
    assert judge(it, {}).kind is kind


def test_records_that_were_on_their_way_are_for_the_job_that_they_were_of() -> None:
    held = (HELD[0], replace(HELD[1], in_flight=True))
    assert judge(case(PLAN, held=held), {}).kind is FitKind.SAME
    fit = judge(case(after(), held=held), {})
    assert (fit.kind, fit.reasons[0].why) == (FitKind.UNKNOWN, Why.NOT_TOLD)
    assert "unaligned checkpoint" in fit.text


def test_the_worst_comes_first() -> None:
    now = Plan((SOURCE, replace(COUNT, id="c" * 32, states=state("x"))), slots=3)
    fit = judge(case(now, slots=2), {})
    assert [reason.why for reason in fit.reasons] == [Why.SLOTS, Why.OPERATOR_GONE, Why.NEW_OPERATOR]
