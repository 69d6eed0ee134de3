"""Tokens for tokens, and tokens of the domain: an exchange never makes one good for longer, or for more."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from tests.support.services.guarded import Guarded, guarded
from tests.support.services.plane import PROJECT

from sluiceway.domain.access import Grant, Role
from sluiceway.store import accounts

RIGHT = "correct horse"
DOMAIN: dict[str, Any] = {"domain": {"name": "whatever it is called"}}


@asynccontextmanager
async def with_ann(directory: Path) -> AsyncIterator[Guarded]:
    """Ann has a password, is a viewer of one project and an owner of another."""
    async with guarded(directory) as api:
        await api.access.add_user("ann", RIGHT)
        await api.access.grant("ann", Grant(Role.VIEWER, PROJECT))
        await api.access.grant("ann", Grant(Role.OWNER, "other"))
        yield api


def of_project(project: str) -> dict[str, Any]:
    return {"project": {"id": project}}


async def ask(api: Guarded, scope: dict[str, Any] | None, token: str | None = None, **user: str) -> httpx.Response:
    """Ask for a token: for another one, or for a password."""
    who = user or {"name": "ann"}
    identity: dict[str, Any] = {"methods": ["password"], "password": {"user": {"password": RIGHT, **who}}}
    if token is not None:
        identity = {"methods": ["token"], "token": {"id": token}}
    body = {"auth": {"identity": identity, **({} if scope is None else {"scope": scope})}}
    return await api.http.post("/v3/auth/tokens", json=body)


async def token(api: Guarded, scope: dict[str, Any] | None, held: str | None = None) -> str:
    answer = await ask(api, scope, held)
    assert answer.status_code == 201, answer.text
    return answer.headers["X-Subject-Token"]


async def opens(api: Guarded, held: str, project: str) -> int:
    """How the jobs of a project are answered to who holds this token."""
    answer = await api.http.get(f"/v1.0/{project}/streaming/jobs", headers={"X-Auth-Token": held})
    return answer.status_code


async def test_a_token_of_a_project_is_exchanged_for_that_project_alone(tmp_path: Path) -> None:
    async with with_ann(tmp_path) as api:
        held = await token(api, of_project(PROJECT))
        answer = await ask(api, of_project(PROJECT), held)
        said = answer.json()["token"]
        assert (said["methods"], said["project"]["id"], said["user"]["id"]) == (["token"], PROJECT, "ann")
        assert await opens(api, answer.headers["X-Subject-Token"], PROJECT) == 200
        refused = await ask(api, of_project("other"), held)
        assert (refused.status_code, refused.json()["error_code"]) == (401, "APIGW.0301")
        assert RIGHT not in refused.text
        assert held not in refused.text
        assert ("", "POST /v3/auth/tokens: a token of another project") in await api.denied("other")


async def test_asked_for_the_domain_it_stays_held_to_its_project(tmp_path: Path) -> None:
    """As the Terraform provider asks, after the project's; two exchanges must not open what one may not."""
    async with with_ann(tmp_path) as api:
        held = await token(api, of_project(PROJECT))
        answer = await ask(api, DOMAIN, held)
        said = answer.json()["token"]
        assert ("project" in said, said["domain"]["id"]) == (False, "sluiceway")
        assert [role["name"] for role in said["roles"]] == ["viewer"]
        assert (await ask(api, of_project("other"), answer.headers["X-Subject-Token"])).status_code == 401


async def test_a_token_of_the_domain_opens_no_project_and_is_exchanged_for_each(tmp_path: Path) -> None:
    async with with_ann(tmp_path) as api:
        for scope in (DOMAIN, None, {}):
            held = await token(api, scope)
            assert [await opens(api, held, project) for project in (PROJECT, "other")] == [400, 400]
            for project in (PROJECT, "other"):
                assert await opens(api, await token(api, of_project(project), held), project) == 200
            assert (await ask(api, of_project("third"), held)).status_code == 401


async def test_the_holder_of_any_token_sees_the_domain_and_that_of_the_domain_the_projects(tmp_path: Path) -> None:
    async with with_ann(tmp_path) as api:
        for scope, projects in ((DOMAIN, ["other", PROJECT]), (of_project(PROJECT), [PROJECT])):
            headers = {"X-Auth-Token": await token(api, scope)}
            answer = await api.http.get("/v3/auth/domains", headers=headers)
            assert [(each["id"], each["name"]) for each in answer.json()["domains"]] == [("sluiceway", "sluiceway")]
            listed = (await api.http.get("/v3/projects", headers=headers)).json()["projects"]
            assert [each["id"] for each in listed] == projects
            named = (await api.http.get("/v3/projects?name=o-t-h-e-r", headers=headers)).json()["projects"]
            assert [each["id"] for each in named] == [each for each in projects if each == "other"]
        assert (await api.http.get("/v3/auth/domains")).status_code == 401


async def test_an_exchange_prolongs_nothing(tmp_path: Path) -> None:
    async with with_ann(tmp_path) as api:
        first = await ask(api, of_project(PROJECT))
        ends = first.json()["token"]["expires_at"]
        second = await ask(api, of_project(PROJECT), first.headers["X-Subject-Token"])
        assert second.json()["token"]["expires_at"] == ends
        async with api.plane.db.write() as connection:
            await connection.execute(text("UPDATE tokens SET expires_at = 1"))
        for held in (first, second):
            assert (await ask(api, DOMAIN, held.headers["X-Subject-Token"])).status_code == 401


async def test_a_token_ends_with_the_one_that_it_was_exchanged_for(tmp_path: Path) -> None:
    async with with_ann(tmp_path) as api:
        first, alone = await token(api, of_project(PROJECT)), await token(api, of_project(PROJECT))
        second = await token(api, DOMAIN, first)
        third = await token(api, of_project(PROJECT), second)

        async def end(held: str) -> None:
            headers = {"X-Auth-Token": held, "X-Subject-Token": held}
            assert (await api.http.delete("/v3/auth/tokens", headers=headers)).status_code == 204

        await end(second)
        assert [await opens(api, held, PROJECT) for held in (first, second, third, alone)] == [200, 401, 401, 200]
        fourth = await token(api, of_project(PROJECT), first)
        await end(first)
        assert [await opens(api, held, PROJECT) for held in (first, fourth, alone)] == [401, 401, 200]


async def test_of_too_many_exchanges_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "EXCHANGES", 2)
    async with with_ann(tmp_path) as api:
        first = await token(api, of_project(PROJECT))
        made = []
        for n in range(3):
            made.append(await token(api, of_project(PROJECT), first))
            async with api.plane.db.write() as connection:  # they may have come within one millisecond
                shift = "UPDATE tokens SET created_at = created_at - 1000 WHERE root IS NOT NULL"
                await connection.execute(text(shift))
            assert n or await opens(api, made[0], PROJECT) == 200
        assert [await opens(api, held, PROJECT) for held in (first, *made)] == [200, 401, 200, 200]


async def test_a_disabled_user_exchanges_nothing(tmp_path: Path) -> None:
    async with with_ann(tmp_path) as api:
        held = await token(api, of_project(PROJECT))
        await api.access.disable("ann")
        assert (await ask(api, of_project(PROJECT), held)).status_code == 401


async def test_a_user_without_any_role_gets_no_token_of_the_domain(tmp_path: Path) -> None:
    async with with_ann(tmp_path) as api:
        await api.access.add_user("bob", RIGHT)
        assert (await ask(api, DOMAIN, name="bob")).status_code == 401
        assert (await ask(api, DOMAIN, id="ann")).status_code == 201, "a user's id is the name"


async def test_an_exchange_for_a_token_that_has_just_ended_gives_none(tmp_path: Path) -> None:
    async with with_ann(tmp_path) as api:
        now = api.door.sign_in.clock() + timedelta(seconds=1)
        assert await accounts.exchange_token(api.plane.db, "no such digest", "new", PROJECT, now) is False
