"""What the vendor's SDK reads of a batch whose jobs are refused, and of rights that end at a queue."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from tests.support.doubles.fleet import CLUSTER
from tests.support.people import users
from tests.support.people.sdk import KINDS, PROJECT, Key, Sdk, code_of, refusal
from tests.support.people.wording import WAYS, check_words
from tests.support.services.site import NO_ID, OTHER, Site, site

from sluiceway.api.dli.jobs.verdicts import UNREGISTERED
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_texts import TABLE
from sluiceway.api.errors.language import Language

STOP, RUN, DELETE = "batch_stop_flink_jobs", "batch_run_flink_jobs", "batch_delete_flink_jobs"

ONE: Final = ("--queue", CLUSTER)  # a grant for the first queue alone


@dataclass(frozen=True)
class Asked:
    """A job that is refused and one that is not, who asks, and what else is asked."""

    bad: int
    good: int
    key: Key | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


REFUSED: Final[dict[tuple[str, Code], Callable[[Site], Asked]]] = {
    (STOP, Code.STOP_UNKNOWN): lambda at: Asked(NO_ID, at.running()),
    (STOP, Code.STOP_STATE): lambda at: Asked(at.draft(), at.running()),
    (STOP, Code.JOB_FORBIDDEN): lambda at: Asked(at.running_on(OTHER), at.running(), at.user("operator", *ONE)),
    (RUN, Code.RUN_UNKNOWN): lambda at: Asked(NO_ID, at.draft()),
    (RUN, Code.RUN_STATE): lambda at: Asked(at.running(), at.draft()),
    (RUN, Code.RUN_FORBIDDEN): lambda at: Asked(at.draft(queue_name=OTHER), at.draft(), at.user("operator", *ONE)),
    (RUN, Code.NO_SAVEPOINT): lambda at: Asked(at.draft(), at.stopped(), more={"resume_savepoint": True}),
    (RUN, Code.NO_QUEUE): lambda at: Asked(at.on_a_lost_queue(), at.draft()),
    (RUN, Code.RUN_NO_JAR): lambda at: Asked(at.jar_draft(), at.draft()),
    (RUN, Code.SQL_SEMANTICS): lambda at: Asked(at.draft(sql_body="INSERT INTO {{nowhere}} SELECT 1"), at.draft()),
    (RUN, Code.NO_DEPENDENCY): lambda at: Asked(
        at.jar_draft(entrypoint=at.put("apps/there.jar"), dependency_jars=["apps/none.jar"]), at.draft()
    ),
    (DELETE, Code.DELETE_UNKNOWN): lambda at: Asked(NO_ID, at.draft()),
    (DELETE, Code.JOB_FORBIDDEN): lambda at: Asked(at.running_on(OTHER), at.draft(), at.user("owner", *ONE)),
}

# Told with a reason of the planner, which knows one language.
REASONED: Final = {Code.SQL_SEMANTICS}


@pytest.fixture(scope="module", params=["array", "object"])
def here(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service that answers a batch of which nothing is accepted as the cloud does, or with the first error alone."""
    with site(tmp_path_factory.mktemp("data"), queues=2, refused_form=request.param) as made:
        yield made


@pytest.mark.parametrize(("language", "kind"), WAYS)
def test_a_job_that_is_refused_has_its_own_answer(
    here: Site, language: Language, kind: Any, subtests: pytest.Subtests
) -> None:
    for (operation, code), prepared in REFUSED.items():
        with subtests.test(f"{code} {operation}"):
            asked = prepared(here)
            sdk = here.sdk(asked.key, kind, X_Language=language)
            for said, message in alone(sdk, operation, asked):
                assert said == code
                check_words(message, TABLE[code].text, language, foreign=code in REASONED)
            first, second, third = sdk(operation, job_ids=[asked.bad, asked.good, asked.bad], **asked.more).body
            assert [each.is_success for each in (first, second, third)] == ["false", "true", "false"]
            assert second.message
            for refused in (first, third):
                assert refused.message.startswith(f"{code} ")
                said = refused.message.removeprefix(f"{code} ")
                check_words(said, TABLE[code].text, language, foreign=code in REASONED)


def alone(sdk: Sdk, operation: str, asked: Asked) -> Sequence[tuple[str, str]]:
    """The codes and words of a batch of which nothing is accepted."""
    refused = refusal(sdk, operation, job_ids=[asked.bad, asked.bad], **asked.more)
    assert refused.status_code == 400
    if refused.error_code != "400":
        return [(refused.error_code, refused.error_msg)]
    found = [(each["error_code"], each["error_msg"]) for each in json.loads(refused.error_msg)]
    assert len(found) == 2, "one for each position"
    return found


@pytest.mark.parametrize(("language", "kind"), WAYS)
def test_a_job_on_a_cluster_that_is_not_registered_any_more_is_not_blamed_for_its_status(
    here: Site, language: Language, kind: Any
) -> None:
    [(code, message), *_] = alone(
        here.sdk(kind=kind, X_Language=language), STOP, Asked(here.running_nowhere(), here.running())
    )
    assert code == Code.STOP_STATE
    check_words(message, UNREGISTERED, language)


def test_both_forms_are_read(here: Site) -> None:
    read = {"array": "400", "object": "DLI.15001"}  # the SDK finds no code in an array
    assert refusal(here.sdk(), STOP, job_ids=[NO_ID]).error_code == read[here.refused_form]


# --- rights that end at a queue -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_who_operates_one_queue_starts_and_stops_its_jobs_and_no_others(here: Site, kind: Any) -> None:
    operator = here.sdk(here.user("operator", *ONE), kind)
    mine, other = here.running_on(CLUSTER), here.running_on(OTHER)

    refused, accepted = operator(STOP, job_ids=[other, mine], trigger_savepoint=True).body
    assert (refused.is_success, accepted.is_success) == ("false", "true")
    assert refused.message.startswith(f"DLI.10005 You have no right to stop jobs on queue {OTHER}.")
    assert here.until(mine, "job_cancel_success").has_savepoint
    assert here.until(other, "job_running").status_desc == "", "nothing has been done to it"

    here.sdk()(STOP, job_ids=[other])
    here.until(other, "job_cancel_success")
    accepted, refused = operator(RUN, job_ids=[mine, other]).body
    assert (accepted.is_success, refused.is_success) == ("true", "false")
    assert refused.message.startswith(f"DLI.13011 You have no right to start jobs on queue {OTHER}.")
    here.until(mine, "job_running")
    here.until(other, "job_cancel_success")

    # Looking is not divided by queues, and changing is for owners.
    for job in (mine, other):
        assert operator("show_flink_job", job_id=job).job_detail.job_id == job
        assert operator("list_flink_jobs", limit=100).job_list.total_count >= 2
        assert code_of(operator, "delete_flink_job", job_id=job) == (403, "APIGW.0302")
        assert code_of(operator, "update_flink_sql_job", job_id=job, desc="d") == (403, "APIGW.0302")
        assert code_of(operator, "execute_flink_job_savepoint", job_id=job, action="TRIGGER") == (403, "APIGW.0302")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_grant_for_each_queue_is_a_right_to_both_and_another_project_is_none(here: Site, kind: Any) -> None:
    jobs = [here.running_on(CLUSTER), here.running_on(OTHER)]
    name = here.name("both")
    both = users.user(here.data, name, "operator", PROJECT, *ONE)
    users.access(here.data, "grant", name, "operator", "--project", PROJECT, "--queue", OTHER)
    users.access(here.data, "grant", name, "operator", "--project", "other")
    theirs = here.sdk(both, kind, project="other")
    assert {code for code, _ in alone(theirs, STOP, Asked(jobs[0], 0))} == {"DLI.15001"}
    assert [each.is_success for each in here.sdk(both, kind)(STOP, job_ids=jobs).body] == ["true", "true"]


def test_who_owns_one_queue_deletes_what_runs_there_and_drafts_of_any(here: Site) -> None:
    owner = here.sdk(here.user("owner", *ONE))
    mine, other, draft = here.running_on(CLUSTER), here.running_on(OTHER), here.draft(queue_name=OTHER)
    answers = owner(DELETE, job_ids=[mine, other, draft]).body
    assert [each.is_success for each in answers] == ["true", "false", "true"]
    assert answers[1].message.startswith("DLI.10005 ")
    assert here.until(other, "job_running").job_id == other
