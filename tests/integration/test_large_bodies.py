"""Large bodies: a signed one is in memory before its signature can be checked, so it is small, and others pass by."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from tests.support.services.guarded import Guarded, Signs, guarded
from tests.support.services.plane import PROJECT

from sluiceway.api.auth.unproven import OF_ONE, NoRoom, Room
from sluiceway.assembly.clock import clock
from sluiceway.domain.access import Grant, Role
from sluiceway.settings import MAX_BODY

UPLOAD = f"/api/v1/projects/{PROJECT}/resources/big.jar"
CHUNK = b"x" * (1 << 20)


class Sent:
    """A body of many chunks that nobody knows the length of, and how many of them were asked for."""

    def __init__(self, chunks: int) -> None:
        self.chunks = chunks
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self.chunks):
            self.taken += 1
            yield CHUNK


async def upload(api: Guarded, who: Signs, body: Sent, **headers: str) -> httpx.Response:
    """Send it with the signature of another request."""
    signed = next(who.auth_flow(httpx.Request("GET", f"http://test{UPLOAD}"))).headers
    return await api.http.put(UPLOAD, content=aiter(body), headers={**signed, **headers})


async def test_no_more_of_a_signed_body_is_taken_in_than_one_may_have(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        who, sent = await api.user("ann", Grant(Role.OWNER, PROJECT)), Sent(64)
        answer = await upload(api, Signs(who.access, "a wrong secret"), sent)
        assert (answer.status_code, answer.json()["error_code"]) == (413, "too_large")
        assert "token in X-Auth-Token" in answer.json()["error_msg"]
        assert sent.taken <= MAX_BODY // len(CHUNK) + 2


async def test_nothing_is_taken_in_of_what_is_refused_by_its_headers(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        who = await api.user("ann", Grant(Role.OWNER, PROJECT))
        late = Signs(who.access, who.secret, at=clock() - timedelta(hours=1))
        for status, caller, headers in (
            (413, who, {"Content-Length": str(64 * len(CHUNK))}),
            (401, late, {}),
            (401, Signs("AKofnobody", "-"), {}),
        ):
            sent = Sent(64)
            answer = await upload(api, caller, sent, **headers)
            assert (answer.status_code, sent.taken) == (status, 0)


async def test_who_has_no_right_is_refused_before_anything_of_an_upload_is_taken_in(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        await api.access.add_user("eve", "a good password")
        await api.access.grant("eve", Grant(Role.VIEWER, PROJECT))
        token, sent = (await api.door.sign_in.issue("eve", "a good password", PROJECT)).token, Sent(64)
        answer = await api.http.put(UPLOAD, content=aiter(sent), headers={"X-Auth-Token": token})
        assert (answer.status_code, sent.taken) == (403, 0)


async def test_with_a_token_an_upload_is_longer_than_a_signed_one_may_be(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        await api.access.add_user("ann", "a good password")
        await api.access.grant("ann", Grant(Role.OWNER, PROJECT))
        token, sent = (await api.door.sign_in.issue("ann", "a good password", PROJECT)).token, Sent(14)
        answer = await api.http.put(UPLOAD, content=aiter(sent), headers={"X-Auth-Token": token})
        assert (answer.status_code, answer.json()["size"]) == (200, 14 * len(CHUNK))


class Slow(Sent):
    """One that does not come to its end before it may."""

    def __init__(self, chunks: int) -> None:
        super().__init__(chunks)
        self.may_end = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in super().__aiter__():
            yield chunk
        await self.may_end.wait()


async def test_of_signed_bodies_only_so_much_is_in_memory_at_once(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        who = await api.user("ann", Grant(Role.OWNER, PROJECT))
        many = [Slow(OF_ONE // len(CHUNK) // 4 - 1) for _ in range(4)]
        wrong = Signs(who.access, "a wrong secret")
        under_way = [asyncio.create_task(upload(api, wrong, sent)) for sent in many]
        while any(sent.taken < sent.chunks for sent in many):
            await asyncio.sleep(0.01)
        answer = await upload(api, wrong, Sent(8))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "too many large signed bodies" in answer.json()["error_msg"]
        small = await api.http.post(f"/v1.0/{PROJECT}/streaming/sql-jobs", json={"name": "x"}, auth=who)
        assert small.status_code == 200, "a small one needs no room"
        for sent in many:
            sent.may_end.set()
        assert {(await each).status_code for each in under_way} == {401}
        assert (await upload(api, wrong, Sent(8))).status_code == 401, "there is room again"


def test_one_address_takes_not_all_of_the_room() -> None:
    room = Room(of_one=2, in_all=5)
    for address in "aabb":
        room.take(address, 1)
    with pytest.raises(NoRoom):
        room.take("a", 1)
    room.take("c", 1)
    with pytest.raises(NoRoom):
        room.take("d", 1)
    room.give_back("b", 2)
    room.take("d", 2)
