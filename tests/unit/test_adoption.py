"""Which jobs of others are taken in, under which names, and which of them are known again."""

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from sluiceway.assembly.clusters import parse_adoption
from sluiceway.domain.adoption import (
    LONGEST_NAME,
    MOST,
    Adopted,
    Adoption,
    Adopts,
    Stranger,
    TagRule,
    Way,
    adoptions,
    names,
    start_again,
)
from sluiceway.domain.engine import Engine
from sluiceway.reconcile.adopting import ASK_AGAIN, Adopting
from sluiceway.settings import BadSettings, Settings
from sluiceway.store import adopted
from sluiceway.store.adopted import Intake, Taken
from sluiceway.store.database import Database
from sluiceway.store.leases import Lease

NEW = Stranger("a" * 32, "orders")


def rests(job: int, name: str = "orders") -> Adopted:
    return Adopted(job, job, name, rests=True)


def lives(job: int, name: str = "orders") -> Adopted:
    return Adopted(job, job, name, rests=False)


AGAIN = [
    ("nobody was taken in yet", [NEW], [], [None]),
    ("one of its name rests", [NEW], [rests(1)], [1]),
    ("one of its name lives", [NEW], [lives(1)], [None]),
    ("one of another name rests", [NEW], [rests(1, "clicks")], [None]),
    ("two of its name rest", [NEW], [rests(1), rests(2)], [None]),
    ("one of its name rests, and one lives", [NEW], [rests(1), lives(2)], [None]),
    ("two of one name come", [NEW, Stranger("b" * 32, "orders")], [rests(1)], [None, None]),
    ("two come, one of them back", [NEW, Stranger("b" * 32, "clicks")], [rests(1)], [1, None]),
]


@pytest.mark.parametrize(("strangers", "before", "again"), [row[1:] for row in AGAIN], ids=[row[0] for row in AGAIN])
def test_a_job_is_known_again_where_nobody_else_can_be_meant(
    strangers: list[Stranger], before: list[Adopted], again: list[int | None]
) -> None:
    found = adoptions(strangers, before)
    assert [each.stranger for each in found] == strangers
    assert [each.again and each.again.job_id for each in found] == again


def test_one_that_has_just_come_may_as_well_be_meant() -> None:
    """It is taken in by the next turn, when the first one would be known already."""
    just_came = [Stranger("b" * 32, "orders"), Stranger("c" * 32, "clicks")]
    assert adoptions([NEW], [rests(1)], just_came) == [Adoption(NEW)]
    assert adoptions([NEW], [rests(1)], just_came[1:]) == [Adoption(NEW, rests(1))]


async def test_a_stranger_is_asked_about_when_seen_twice_and_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be known elsewhere, or there may be no room for it: both may change."""
    asked: list[list[Stranger]] = []

    async def adopt(_: object, __: Lease, intake: Intake, *___: object) -> Taken:
        asked.append(list(intake.strangers))
        return Taken()

    monkeypatch.setattr(adopted, "adopt", adopt)
    nobody = cast("Database", None), cast("Engine", None)
    adopting, began = Adopting(*nobody, Adopts("p"), lambda _: {}, lambda _: None), datetime(2026, 1, 1, tzinfo=UTC)
    other = Stranger("b" * 32, "clicks")
    for seconds, there in [(0, [NEW]), (2, [NEW]), (4, [NEW, other]), (6, [NEW, other]), (61, [NEW, other])]:
        await adopting(Lease("c0", "me", 1), there, began + timedelta(seconds=seconds))
    assert asked == [[NEW], [other]]
    await adopting(Lease("c0", "me", 1), [NEW, other], began + ASK_AGAIN + timedelta(seconds=2))
    assert asked[2:] == [[NEW]]
    await adopting(Lease("c0", "me", 2), [NEW, other], began + ASK_AGAIN + timedelta(seconds=3))
    assert asked[3:] == [[NEW, other]], "another worker has had the cluster"


def test_no_cluster_fills_the_service_with_its_jobs() -> None:
    many = [Stranger(f"{n:032x}", f"job-{n}") for n in range(MOST)]
    assert len(adoptions(many, [])) == MOST
    assert len(adoptions(many, [lives(1), lives(2), rests(3)])) == MOST - 2
    assert adoptions(many, [lives(n, f"job-{n}") for n in range(MOST + 1)]) == []


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("orders", "orders"),
        ("insert-into_default_catalog.default_database.t", "insert-into_default_catalog.default_database.t"),
        (" a\nb\x00 ", "a b"),
        ("", "unnamed"),
        ("\t", "unnamed"),
        ("x" * 1000, "x" * LONGEST_NAME),
    ],
)
def test_it_is_called_as_in_flink_and_otherwise_by_its_cluster_too(name: str, first: str) -> None:
    wanted = list(names(Stranger("a" * 32, name), "c0"))
    assert wanted[0] == first
    assert wanted[1].endswith("@c0")
    assert wanted[2].endswith("@c0-" + "a" * 32)
    assert max(map(len, wanted)) <= LONGEST_NAME


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("all", Adopts("default")),
        ("none", None),
        ("matching orders-*", Adopts("default", "orders-*")),
        ("matching  a b ", Adopts("default", "a b")),
    ],
)
def test_which_jobs_are_taken_in_is_a_setting(given: str, wanted: Adopts | None) -> None:
    assert parse_adoption(Settings(adopt=given)) == wanted


@pytest.mark.parametrize("given", ["", "some", "matching", "matching ", "orders-*", "all of them"])
def test_anything_else_is_refused(given: str) -> None:
    with pytest.raises(BadSettings, match="all, none, or"):
        parse_adoption(Settings(adopt=given))


def test_so_is_what_is_no_project() -> None:
    with pytest.raises(BadSettings, match="is no project"):
        parse_adoption(Settings(adopt_into="a/b"))


@pytest.mark.parametrize(
    ("pattern", "name", "wanted"),
    [("*", "anything", True), ("orders-*", "orders-eu", True), ("orders-*", "Orders-eu", False), ("a?", "abc", False)],
)
def test_a_pattern_is_of_the_whole_name(pattern: str, name: str, wanted: bool) -> None:
    assert Adopts("p", pattern).wants(Stranger("a" * 32, name)) is wanted


RULES = (TagRule("orders-*", "team", "orders"), TagRule("*", "team", "any"), TagRule("*-eu", "region", "eu"))


@pytest.mark.parametrize(
    ("name", "labels", "wanted"),
    [
        ("orders-eu", {}, {"team": "orders", "region": "eu"}),
        ("clicks", {"env": "prod"}, {"team": "any", "env": "prod"}),
        ("clicks", {"team": "cluster's"}, {"team": "any"}),
        ("clicks", {"app.io/name": "x", "_sys_a": "1", "v": "a;b"}, {"team": "any"}),
        ("clicks", {f"k{n:02}": "v" for n in range(32)}, {"team": "any"} | {f"k{n:02}": "v" for n in range(19)}),
    ],
    ids=["rules", "labels", "rules before labels", "labels that no tag can be", "no more than there may be"],
)
def test_it_is_tagged_by_its_name_and_by_its_cluster(name: str, labels: dict[str, str], wanted: dict[str, str]) -> None:
    assert Adopts("p", "*", RULES).tags(Stranger("a" * 32, name), labels) == wanted


def test_tags_for_it_are_settings() -> None:
    found = parse_adoption(Settings(adopt_tag=("orders-*:team=orders", "a:b:region=eu=1")))
    assert found is not None
    assert found.rules == (TagRule("orders-*", "team", "orders"), TagRule("a:b", "region", "eu=1"))


@pytest.mark.parametrize("given", ["team=orders", "orders-*:team", ":team=orders", "x:=y", "x:_sys_a=1", "x:a=b;c"])
def test_what_is_no_tag_is_refused(given: str) -> None:
    with pytest.raises(BadSettings, match="GLOB:KEY=VALUE"):
        parse_adoption(Settings(adopt_tag=(given,)))


def test_the_command_that_starts_it_again_can_be_pasted() -> None:
    assert start_again("s3://b/savepoint-1") == (
        "flink run --detached --fromSavepoint s3://b/savepoint-1 --class MAIN_CLASS PROGRAM.jar"
    )
    assert "'file:///a b'" in start_again("file:///a b")


def test_a_batch_job_is_left_alone() -> None:
    assert not Adopts("p").wants(Stranger("a" * 32, "report", batch=True))


@pytest.mark.parametrize(
    ("version", "action"),
    [("2.3.0", "run"), ("1.20.5", "run"), ("1.19.3", "run-application"), ("1.18.1", "run-application"), ("", "run")],
)
def test_one_of_an_application_cluster_gets_a_cluster_again(version: str, action: str) -> None:
    command = start_again("s3://b/savepoint-1", Way(application=True, flink_version=version))
    assert command.startswith(f"flink {action} --target TARGET-application --fromSavepoint s3://b/savepoint-1 ")
