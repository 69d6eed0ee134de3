"""A user changes their own password: who may, what it ends, what the audit has of it."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.services.guarded import Guarded, Signs, guarded
from tests.support.services.native_api import served
from tests.support.services.plane import PROJECT

from sluiceway.cli.main import run
from sluiceway.control.sign_in import TRIES
from sluiceway.domain.access import Grant, Role
from sluiceway.settings import Settings

OLD, NEW = "correct horse", "battery staple"
JOBS = f"/v1.0/{PROJECT}/streaming/jobs"


@asynccontextmanager
async def with_ann(directory: Path, *, may: bool = True) -> AsyncIterator[Guarded]:
    """Ann is a viewer with a password, and so is Bob."""
    async with guarded(directory) as api:
        for name in ("ann", "bob"):
            await api.access.add_user(name, OLD, may_change_password=may)
            await api.access.grant(name, Grant(Role.VIEWER, PROJECT))
        yield api


async def token_of(api: Guarded, password: str = OLD) -> httpx.Response:
    user = {"name": "ann", "password": password}
    identity = {"methods": ["password"], "password": {"user": user}}
    return await api.http.post(
        "/v3/auth/tokens", json={"auth": {"identity": identity, "scope": {"project": {"id": PROJECT}}}}
    )


async def change(api: Guarded, token: str, original: str = OLD, new: str = NEW, *, user: str = "ann") -> httpx.Response:
    body = {"user": {"original_password": original, "password": new}}
    return await api.http.post(f"/v3/users/{user}/password", json=body, headers={"X-Auth-Token": token})


async def test_a_user_changes_their_password_and_their_tokens_end(tmp_path: Path) -> None:
    async with with_ann(tmp_path) as api:
        tokens = [(await token_of(api)).headers["X-Subject-Token"] for _ in range(2)]
        answer = await change(api, tokens[0])
        assert (answer.status_code, answer.content) == (204, b"")
        for token in tokens:
            assert (await api.http.get(JOBS, headers={"X-Auth-Token": token})).status_code == 401
        assert (await token_of(api)).status_code == 401
        assert (await token_of(api, NEW)).status_code == 201
        told = [(e.kind, e.who, e.detail) for e in await api.plane.queries.events(PROJECT, 0, 100)]
        assert ("password_changed", "ann", "ann") in told
        assert not [each for each in told if OLD in str(each) or NEW in str(each)]


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({"user": "bob"}, 403, "your own password alone"),
        ({"user": "nobody"}, 403, "your own password alone"),
        ({"original": "wrong one"}, 401, "the original password is wrong"),
        ({"original": ""}, 401, "the original password is wrong"),
        ({"new": "short"}, 400, "8 to 1024 characters"),
        ({"new": "x" * 1025}, 400, "8 to 1024 characters"),
        ({"new": OLD}, 400, "not be the old one"),
    ],
)
async def test_what_is_refused(tmp_path: Path, given: dict[str, str], status: int, words: str) -> None:
    async with with_ann(tmp_path) as api:
        token = (await token_of(api)).headers["X-Subject-Token"]
        answer = await change(api, token, **given)
        assert (answer.status_code, words in answer.json()["error_msg"]) == (status, True), answer.text
        assert (await token_of(api)).status_code == 201, "it stays as it was"


async def test_who_is_not_allowed_may_not_and_who_no_longer_is_neither(tmp_path: Path) -> None:
    async with with_ann(tmp_path, may=False) as api:
        token = (await token_of(api)).headers["X-Subject-Token"]
        assert (await change(api, token)).status_code == 403
        await api.access.let_change_password("ann", allowed=True)
        await api.access.let_change_password("ann", allowed=False)
        assert (await change(api, token)).status_code == 403
        told = [who for who, detail in await api.denied("") if "/v3/users" in detail]
        assert told == ["ann"], "the second is counted"
        await api.access.let_change_password("ann", allowed=True)
        assert (await change(api, token)).status_code == 204


async def test_guessing_the_original_is_counted_as_guessing_is(tmp_path: Path) -> None:
    async with with_ann(tmp_path) as api:
        token = (await token_of(api)).headers["X-Subject-Token"]
        for _ in range(TRIES):
            assert (await change(api, token, "wrong one")).status_code == 401
        answer = await change(api, token)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
        assert (await token_of(api)).status_code == 429


async def test_of_two_changes_at_once_one_is_made(tmp_path: Path) -> None:
    async with with_ann(tmp_path) as api:
        token = (await token_of(api)).headers["X-Subject-Token"]
        answers = await asyncio.gather(*(change(api, token, new=f"{NEW} {number}") for number in range(3)))
        assert sorted(answer.status_code for answer in answers) == [204, 401, 401]


async def test_the_command_signs_in_with_the_old_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with with_ann(tmp_path) as api, served(api.plane, Settings(auth=True, data=tmp_path)) as url:

        def call(*lines: str) -> int:
            monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
            return run(["password", "ann", "--server", url, "--project", PROJECT])

        assert await asyncio.to_thread(call, "wrong one", NEW) == 4
        assert "password is wrong" in capsys.readouterr().err
        assert await asyncio.to_thread(call, OLD, NEW) == 0
        assert "is changed" in capsys.readouterr().out
        assert (await token_of(api, NEW)).status_code == 201


async def test_what_administrators_do_to_users_is_shown_to_owners_of_every_project(tmp_path: Path) -> None:
    async with with_ann(tmp_path) as api:
        chief, owner = await api.admin(), await api.user("carl", Grant(Role.OWNER, PROJECT))
        await api.access.revoke_key(owner.access)
        await api.access.add_key("carl")
        await api.access.set_password("bob", NEW)
        await api.access.disable("bob")
        await api.access.enable("bob")
        await api.access.revoke_tokens("bob")
        fresh = await api.access.add_key("carl")

        async def shown(who: Any) -> list[tuple[str, str]]:
            answer = await api.http.get(f"/api/v1/projects/{PROJECT}/events?limit=1000", auth=who)
            return [(e["kind"], e["detail"]) for e in answer.json()["events"] if e["who"] == "administrator"]

        told = await shown(chief)
        assert ("user_added", "bob, with a password, who may change it") in told
        assert ("access_key_added", f"{fresh.access} of carl") in told
        assert ("access_key_revoked", f"{owner.access} of carl") in told
        assert told[-6:-1] == [
            ("access_key_added", told[-6][1]),
            ("password_set", "bob"),
            ("user_disabled", "bob"),
            ("user_enabled", "bob"),
            ("tokens_revoked", "0 of bob"),
        ]
        assert fresh.secret not in str(told)
        assert {kind for kind, _ in await shown(Signs(fresh.access, fresh.secret))} == {"access_granted"}
