"""Which format a savepoint gets: never one that is known to kill its job."""

import pytest

from sluiceway.domain.admission import ACCEPTED, Refusal
from sluiceway.domain.async_state import asynchronous
from sluiceway.domain.job import JarProgram, JobSpec
from sluiceway.domain.judging import judge_format
from sluiceway.domain.policy import SavepointFormat
from sluiceway.domain.savepoint_format import Canonical, choose, judge, untold
from sluiceway.domain.traits import ASYNC_STATE, Traits

CANONICAL, NATIVE = SavepointFormat.CANONICAL, SavepointFormat.NATIVE
PROGRAM = JarProgram("obs://b/a.jar")

JUDGED = [
    (Traits("hashmap", False), Canonical.HARMLESS),
    (Traits("rocksdb", False), Canonical.HARMLESS),
    (Traits("rocksdb", False, changelog=True), Canonical.HARMLESS),
    (Traits("hashmap", True), Canonical.DEADLY),
    (Traits("rocksdb", True), Canonical.DEADLY),
    (Traits("forst", False), Canonical.DEADLY),
    (Traits("forst", None), Canonical.DEADLY),
    (Traits("", True), Canonical.DEADLY),
    (Traits("hashmap", None), Canonical.UNSURE),
    (Traits("rocksdb", None), Canonical.UNSURE),
    (Traits("com.example.backend", False), Canonical.UNSURE),
    (Traits("", False), Canonical.UNSURE),
    (Traits(), Canonical.UNSURE),
]


@pytest.mark.parametrize(("traits", "expected"), JUDGED)
def test_what_a_canonical_savepoint_would_do(traits: Traits, expected: Canonical) -> None:
    assert judge(traits)[0] is expected


@pytest.mark.parametrize(("traits", "judged"), JUDGED)
def test_the_choice_never_kills_and_always_says_why(traits: Traits, judged: Canonical) -> None:
    left_open, native, canonical = (choose(traits, wish) for wish in (None, NATIVE, CANONICAL))
    assert left_open.format is (CANONICAL if judged is Canonical.HARMLESS else NATIVE)
    assert native.format is NATIVE
    assert canonical.format is (None if judged is Canonical.DEADLY else CANONICAL)
    assert ("not known" in canonical.why) == bool(canonical.doubt) == (judged is Canonical.UNSURE)
    assert (left_open.doubt, native.doubt) == ("", ""), "it survives those"
    assert all(choice.why for choice in (left_open, native, canonical))


@pytest.mark.parametrize(
    ("traits", "wish", "waits"),
    [
        (Traits(), CANONICAL, True),
        (Traits(asynchronous=False), CANONICAL, True),
        (Traits(asynchronous=True), CANONICAL, False),  # refused at once
        (Traits("", None), CANONICAL, False),  # it was asked, and does not tell
        (Traits("hashmap", None), CANONICAL, False),
        (Traits(), NATIVE, False),
        (Traits(), None, False),
    ],
)
def test_an_answer_that_might_refuse_a_wish_is_waited_for(
    traits: Traits, wish: SavepointFormat | None, waits: bool
) -> None:
    assert bool(untold(traits, wish)) is waits


def test_a_wish_is_answered_with_what_it_may_do_to_the_job() -> None:
    assert judge_format(None, None) is judge_format(Traits("forst", None), NATIVE) is ACCEPTED
    assert judge_format(Traits("hashmap", False), CANONICAL) is ACCEPTED
    assert judge_format(Traits("forst", None), CANONICAL).refusal is Refusal.DEADLY
    unsure = judge_format(Traits("hashmap", None), CANONICAL)
    assert unsure.accepted
    assert "State V2" in unsure.note
    assert judge_format(Traits("hashmap", None), CANONICAL) is unsure, "answers are rendered once for each verdict"
    early = judge_format(None, CANONICAL)
    assert early.accepted
    assert "has not said yet" in early.note


@pytest.mark.parametrize(
    ("spec", "version", "expected"),
    [
        (JobSpec("INSERT INTO a SELECT 1"), "2.3.0", False),
        (JobSpec("INSERT INTO a SELECT 1", options={ASYNC_STATE: "true"}), "2.3.0", True),
        (JobSpec("INSERT INTO a SELECT 1", options={ASYNC_STATE: " TRUE"}), "", True),
        (JobSpec("INSERT INTO a SELECT 1", options={ASYNC_STATE: "false"}), "2.3.0", False),
        (JobSpec(f"SET '{ASYNC_STATE}' = 'true'; INSERT …"), "2.3.0", True),
        (JobSpec(f"set {ASYNC_STATE}=True; INSERT …"), "2.3.0", True),
        (JobSpec(f"SET '{ASYNC_STATE}' = 'false'; INSERT …"), "2.3.0", False),
        (JobSpec(f"SET '{ASYNC_STATE}' = 'true'; SET '{ASYNC_STATE}' = 'false'; …"), "2.3.0", True),
        (JobSpec(f"-- what of {ASYNC_STATE}?\nINSERT …"), "2.3.0", None),
        (JobSpec("", program=PROGRAM), "2.3.0", None),
        (JobSpec("", program=PROGRAM), "", None),
        (JobSpec("", program=PROGRAM), "1.20.5", False),
        (JobSpec("", program=PROGRAM, options={ASYNC_STATE: "true"}), "1.20.5", False),
        (JobSpec(f"SET '{ASYNC_STATE}' = 'true'; INSERT …"), "1.18.1", False),
    ],
)
def test_asynchronous_state_is_seen_in_what_a_job_is(spec: JobSpec, version: str, expected: bool | None) -> None:
    assert asynchronous(spec, version) is expected
