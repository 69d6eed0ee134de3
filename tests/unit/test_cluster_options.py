"""What the options of a cluster, and of a job, mean for a start."""

from typing import Any

import pytest
from tests.support.doubles.answers import NO, Answers, weigh

from sluiceway.domain.cluster_options import weigh_claim, weigh_free_slots
from sluiceway.domain.facts import MustClaim, Silent
from sluiceway.domain.job import JobSpec
from sluiceway.domain.observed import CLUSTER_OPTIONS, FREE_SLOTS, OWN_OPTIONS
from sluiceway.domain.run import Run, RunPhase

NEW, OLD = "state.changelog.enabled", "state.backend.changelog.enabled"
PLAIN = JobSpec("INSERT INTO b SELECT 1")
SAYS = JobSpec("SET 'state.changelog.enabled' = 'true'; INSERT INTO b SELECT 1")
MAYBE = JobSpec("{{state}} INSERT INTO b SELECT 1")


def run(**fields: Any) -> Run:
    return Run(1, 7, "ab" * 16, RunPhase.SUBMITTING, **({"restore": "s3://company/savepoint-1"} | fields))


@pytest.mark.parametrize(
    ("of", "spec", "answers", "against"),
    [
        (run(restore=None), SAYS, {}, None),
        (run(claims=True), SAYS, {}, None),
        (run(), PLAIN, {CLUSTER_OPTIONS: {}}, None),
        (run(), PLAIN, {CLUSTER_OPTIONS: NO}, None),
        (run(), PLAIN, {CLUSTER_OPTIONS: {NEW: " True "}}, MustClaim()),
        (run(), PLAIN, {CLUSTER_OPTIONS: {OLD: "true"}}, MustClaim()),
        (run(), PLAIN, {CLUSTER_OPTIONS: {NEW: "false"}}, None),
        (run(), JobSpec("-", options={NEW: "true"}), {}, MustClaim()),
        (run(), JobSpec("-", options={NEW: "false", OLD: "true"}), {}, None),
        (run(), JobSpec("-", options={OLD: "TRUE"}), {}, MustClaim()),
        (run(), SAYS, {OWN_OPTIONS: {NEW: "true"}}, MustClaim()),
        (run(), SAYS, {OWN_OPTIONS: {}, CLUSTER_OPTIONS: {}}, None),
        (run(), MAYBE, {OWN_OPTIONS: {NEW: "true"}}, MustClaim()),
        (run(), MAYBE, {OWN_OPTIONS: NO}, Silent("it does not answer")),
    ],
    ids=[
        "it starts from nothing",
        "it claims already",
        "nobody says so",
        "the cluster does not tell",
        "the cluster says so",
        "the cluster says so under the old name",
        "the cluster says no",
        "the job says so",
        "the new name goes before the old one",
        "the job says so under the old name",
        "its SQL says so",
        "its SQL only mentions it",
        "a variable says so",
        "nobody can read its SQL now",
    ],
)
def test_a_job_with_a_changelog_is_resumed_in_claim_mode_alone(
    of: Run, spec: JobSpec, answers: Answers, against: object
) -> None:
    told, asked = weigh(weigh_claim(of, spec), answers)
    assert told == against
    assert asked == list(answers), "it asks no more than it needs"


@pytest.mark.parametrize(
    ("options", "free"),
    [
        ({}, 3),
        ({"jobmanager.scheduler": "Default"}, 3),
        ({"jobmanager.scheduler": "Adaptive"}, None),
        ({"scheduler-mode": "reactive"}, None),
        ({"kubernetes.cluster-id": "a"}, None),
        ({"yarn.application.id": "a"}, None),
        (NO, None),
    ],
)
def test_free_slots_are_the_end_of_it_only_where_no_more_can_come(options: object, free: int | None) -> None:
    assert weigh(weigh_free_slots(), {CLUSTER_OPTIONS: options, FREE_SLOTS: 3})[0] == free
    assert weigh(weigh_free_slots(), {CLUSTER_OPTIONS: options, FREE_SLOTS: NO})[0] is None
