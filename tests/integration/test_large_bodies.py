"""Large bodies: a signed one is in memory before its signature can be checked, so it is small, and others pass by."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
from tests.callers import Guarded, Signs, guarded
from tests.plane import PROJECT

from sluiceway.app import clock
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
