"""Tokens as the vendor's IAM issues them, how long they are good for, and what guessing passwords comes to."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from tests.support.services.guarded import Guarded, guarded
from tests.support.services.plane import PROJECT

from sluiceway.assembly.clock import clock
from sluiceway.control.sign_in import TOKEN_LASTS, TRIES, WINDOW, NotLetIn
from sluiceway.domain.access import Grant, Role

RIGHT = "correct horse"
JOBS = f"/v1.0/{PROJECT}/streaming/jobs"


@asynccontextmanager
async def with_ann(directory: Path, *grants: Grant) -> AsyncIterator[Guarded]:
    """Ann has a password, and is a viewer of the project."""
    async with guarded(directory) as api:
        await api.access.add_user("ann", RIGHT)
        for grant in grants or (Grant(Role.VIEWER, PROJECT),):
            await api.access.grant("ann", grant)
        yield api


def asked(name: str = "ann", password: str = RIGHT, **scope: str) -> dict[str, Any]:
    """What clients of the vendor's IAM send."""
    user = {"name": name, "password": password, "domain": {"name": "whatever"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    return {"auth": {"identity": identity, "scope": {"project": scope or {"id": PROJECT}}}}


async def sign_in(api: Guarded, **given: str) -> httpx.Response:
    return await api.http.post("/v3/auth/tokens", json=asked(**given))


async def token_of(api: Guarded, **given: str) -> str:
    answer = await sign_in(api, **given)
    assert answer.status_code == 201, answer.text
    return answer.headers["X-Subject-Token"]


async def status_with(api: Guarded, token: str, path: str = JOBS) -> int:
    return (await api.http.get(path, headers={"X-Auth-Token": token})).status_code


async def test_a_token_is_issued_as_the_vendor_does_and_is_good_for_its_project(tmp_path: Path) -> None:
    async with with_ann(tmp_path, Grant(Role.VIEWER, PROJECT), Grant(Role.OWNER, "other")) as api:
        answer = await sign_in(api)
        assert answer.status_code == 201
        said = answer.json()["token"]
        assert (said["user"]["name"], said["project"]["id"], said["methods"]) == ("ann", PROJECT, ["password"])
        assert [role["name"] for role in said["roles"]] == ["viewer"]
        assert RIGHT not in answer.text
        token = answer.headers["X-Subject-Token"]
        assert await status_with(api, token) == 200
        other = await api.http.get("/v1.0/other/streaming/jobs", headers={"X-Auth-Token": token})
        assert (other.status_code, other.json()["error_code"]) == (400, "DLI.10006")
        nowhere = await api.http.get("/v1.0/nowhere/streaming/jobs", headers={"X-Auth-Token": token})
        assert nowhere.json()["error_code"] == "DLI.10006", "nor does it tell what there is elsewhere"
        [denied] = await api.denied("other")
        assert denied == ("ann", "GET /v1.0/{project_id}/streaming/jobs: a token of another project")


async def test_a_project_may_be_asked_for_by_the_name_of_a_region(tmp_path: Path) -> None:
    async with with_ann(tmp_path, Grant(Role.VIEWER, "euwest101")) as api:
        body = asked()
        body["auth"]["scope"] = {"project": {"name": "eu-west-101"}}
        answer = await api.http.post("/v3/auth/tokens", json=body)
        assert (answer.status_code, answer.json()["token"]["project"]["id"]) == (201, "euwest101")


async def test_a_token_ends_after_a_day(tmp_path: Path) -> None:
    async with with_ann(tmp_path) as api:
        token = await token_of(api)
        ends = clock() + TOKEN_LASTS
        before = replace(api.door.sign_in, clock=lambda: ends - timedelta(minutes=1))
        assert (await before.by_token(token)).user == "ann"
        after = replace(api.door.sign_in, clock=lambda: ends + timedelta(minutes=1))
        with pytest.raises(NotLetIn):
            await after.by_token(token)
        await after.issue("ann", RIGHT, PROJECT)
        async with api.plane.db.read() as connection:
            assert (await connection.execute(text("SELECT count(*) FROM tokens"))).scalar_one() == 1, "the old one went"


async def test_a_token_is_revoked_by_its_owner_alone(tmp_path: Path) -> None:
    async with with_ann(tmp_path) as api:
        await api.access.add_user("bob", RIGHT)
        await api.access.grant("bob", Grant(Role.ADMIN, PROJECT))
        anns, bobs = await token_of(api), await token_of(api, name="bob")
        for holder, subject, status in ((bobs, anns, 404), (bobs, "nothing", 404), (anns, "", 400), (anns, anns, 204)):
            headers = {"X-Auth-Token": holder} | ({"X-Subject-Token": subject} if subject else {})
            assert (await api.http.delete("/v3/auth/tokens", headers=headers)).status_code == status
        assert (await status_with(api, anns), await status_with(api, bobs)) == (401, 200)


@pytest.mark.parametrize("end", ["disable", "password", "revoke"])
async def test_tokens_end_when_an_administrator_says_so(tmp_path: Path, end: str) -> None:
    async with with_ann(tmp_path) as api:
        token = await token_of(api)
        if end == "disable":
            await api.access.disable("ann")
            await api.access.enable("ann")
        elif end == "password":
            await api.access.set_password("ann", "another one")
        else:
            assert await api.access.revoke_tokens("ann") == 1
        assert await status_with(api, token) == 401


async def test_a_right_that_is_taken_back_is_gone_from_tokens_at_once(tmp_path: Path) -> None:
    async with with_ann(tmp_path) as api:
        token = await token_of(api)
        await api.access.revoke("ann", PROJECT, None)
        assert await status_with(api, token) == 403


async def test_only_digests_and_hashes_are_stored(tmp_path: Path) -> None:
    async with with_ann(tmp_path) as api:
        token = await token_of(api)
        key = await api.access.add_key("ann", timedelta(hours=1))
    stored = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("test.db*")))  # noqa: ASYNC240
    assert b"ann" in stored
    for secret in (token, RIGHT, key.secret, key.security_token):
        assert secret is not None
        assert secret.encode() not in stored
    for name in ("secret.key", "test.db"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


# Guessing. -----------------------------------------------------------------------------------------------------------


async def test_a_wrong_password_an_unknown_user_and_a_foreign_project_are_answered_alike(tmp_path: Path) -> None:
    async with with_ann(tmp_path) as api:
        await api.access.add_user("gone", RIGHT)
        await api.access.grant("gone", Grant(Role.VIEWER, PROJECT))
        await api.access.disable("gone")
        await api.access.add_user("keys-only", None)
        await api.access.grant("keys-only", Grant(Role.VIEWER, PROJECT))
        answers = [
            await sign_in(api, password="wrong"),
            await sign_in(api, name="nobody"),
            await sign_in(api, name="no/such/name"),
            await sign_in(api, name="gone"),
            await sign_in(api, name="keys-only"),
            await sign_in(api, name="keys-only", password=""),
            await sign_in(api, id="elsewhere"),
        ]
        assert {answer.status_code for answer in answers} == {401}
        assert len({answer.json()["error_msg"] for answer in answers}) == 1
        assert {answer.json()["error_code"] for answer in answers} == {"APIGW.0301"}
        assert await api.denied(PROJECT) == [
            ("", "POST /v3/auth/tokens: wrong name or password, or no grant in this project")
        ]


def test_who_guesses_a_password_pays_for_it() -> None:
    """With what the service itself takes; other tests take less."""
    spec = importlib.util.find_spec("sluiceway.control.passwords")
    assert spec is not None
    assert spec.loader is not None
    fresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fresh)
    kept = fresh.hashed(RIGHT)
    assert kept.startswith("scrypt$32768$")
    assert fresh.matches(RIGHT, kept)
    assert not fresh.matches("correct pony", kept)


async def test_after_some_wrong_passwords_none_is_looked_at_for_a_while(tmp_path: Path) -> None:
    async with with_ann(tmp_path) as api:
        for name in ("ann", "nobody"):
            answers = [await sign_in(api, name=name, password="wrong") for _ in range(TRIES)]
            assert {answer.status_code for answer in answers} == {401}
            throttled = await sign_in(api, name=name)
            assert (throttled.status_code, throttled.json()["error_code"]) == (429, "APIGW.0308")
            assert throttled.headers["Retry-After"] == str(int(WINDOW.total_seconds()))
        now = clock() + WINDOW
        later = replace(api.door.sign_in, clock=lambda: now)
        at = "address 127.0.0.1"
        assert (await later.issue("ann", RIGHT, PROJECT, at)).caller.user == "ann"
        assert {name for name, where in api.door.sign_in.tries.failures if where == at} == {"nobody"}


async def test_guesses_at_the_same_time_count_like_those_one_after_the_other(tmp_path: Path) -> None:
    async with with_ann(tmp_path) as api:
        answers = await asyncio.gather(*(sign_in(api, password=f"wrong {n}") for n in range(3 * TRIES)))
        looked_at = [answer for answer in answers if answer.status_code == 401]
        assert 0 < len(looked_at) <= TRIES
        assert {answer.status_code for answer in answers} == {401, 429}


# Projects. -----------------------------------------------------------------------------------------------------------


async def test_projects_are_those_with_a_grant(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        who = await api.user("ann", Grant(Role.VIEWER, "euwest101"), Grant(Role.OPERATOR, "b2", "q"))
        await api.plane.create(project="theirs")

        async def ids(name: str | None = None, signer: httpx.Auth = who) -> list[tuple[str, str]]:
            answer = await api.http.get("/v3/projects", params={"name": name} if name else {}, auth=signer)
            assert answer.status_code == 200
            return [(project["id"], project["name"]) for project in answer.json()["projects"]]

        assert await ids() == [("b2", "b2"), ("euwest101", "euwest101")]
        assert await ids("eu-west-101") == [("euwest101", "eu-west-101")]
        assert await ids("theirs") == await ids("nowhere") == []
        admin = await api.admin()
        assert await ids(signer=admin) == [("theirs", "theirs")]
        assert await ids("brand-new", admin) == [("brandnew", "brand-new")]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "auth"),
        ({"auth": {}}, "identity"),
        ({"auth": {"identity": {"methods": ["token"], "password": {"user": {"name": "a", "password": "b"}}}}}, "token"),
        ({"auth": {"identity": {"methods": ["password"], "token": {"id": "a"}}}}, "auth.identity.password"),
        ({"auth": {"identity": {"methods": ["password"], "password": {"user": {"password": "b"}}}}}, "user.name"),
        ({"auth": {"identity": {"methods": ["totp"]}}}, "auth.identity.methods"),
        ({"auth": {"identity": {"methods": ["token"], "token": {}}}}, "id"),
        (asked(id="a-b"), "auth.scope.project"),
        (asked(id=""), "auth.scope.project"),
        (asked(password=1), "password"),  # type: ignore[arg-type]
    ],
)
async def test_a_malformed_request_is_told_so(tmp_path: Path, body: dict[str, Any], field: str) -> None:
    async with guarded(tmp_path) as api:
        answer = await api.http.post("/v3/auth/tokens", json=body)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "DLI.0001")
        assert field in answer.json()["error_msg"]
