"""Callers whom an identity provider knows: its tokens are good here for users who have their subject."""

from pathlib import Path

import aiohttp
import aiohttp.web
import httpx
from tests.support.doubles.issuer import AUDIENCE, an_issuer
from tests.support.services.guarded import guarded
from tests.support.services.native_api import no_planner
from tests.support.services.plane import PROJECT

from sluiceway.api.request_id import RequestIds
from sluiceway.assembly.api import make_api
from sluiceway.assembly.door import make_door
from sluiceway.domain.access import Grant, Role
from sluiceway.settings import Settings

JOBS = f"/v1.0/{PROJECT}/streaming/jobs"


async def test_a_bearer_token_is_good_for_the_user_with_its_subject(tmp_path: Path) -> None:
    async with an_issuer() as issuer, guarded(tmp_path) as api, aiohttp.ClientSession() as session:
        settings = Settings(auth=True, data=tmp_path, oidc_issuer=issuer.url, oidc_audience=AUDIENCE)
        at = api.plane
        app = make_api(settings, at.ground, at.queues, no_planner, make_door(settings, at.db, session))
        transport = httpx.ASGITransport(app=RequestIds(app))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:

            async def status(token: str, path: str = JOBS) -> tuple[int, str]:
                answer = await http.get(path, headers={"Authorization": f"Bearer {token}"})
                return answer.status_code, answer.json().get("error_code", "")

            token = issuer.token(sub="ann-of-the-issuer")
            assert await status(token) == (401, "APIGW.0301"), "nobody here has the subject"
            await api.access.add_user("ann", None, subject="ann-of-the-issuer")
            assert await status(token) == (403, "APIGW.0302"), "and without a grant there is nothing to do"
            await api.access.grant("ann", Grant(Role.VIEWER, PROJECT))
            assert await status(token) == (200, "")
            assert await status(token, "/v3/projects") == (200, "")
            assert await status(issuer.token(sub="ann-of-the-issuer", aud="another")) == (401, "APIGW.0301")
            assert await status("no.such.token") == (401, "APIGW.0301")
            await api.access.disable("ann")
            assert await status(token) == (401, "APIGW.0301")
        assert (await api.denied(PROJECT))[0] == ("", "GET /v1.0/{project_id}/streaming/jobs: no user has this subject")


async def test_an_issuer_that_is_silent_is_no_refusal(tmp_path: Path) -> None:
    async with an_issuer() as issuer, guarded(tmp_path) as api, aiohttp.ClientSession() as session:
        token = issuer.token()
        issuer.broken = aiohttp.web.Response(status=500)
        settings = Settings(auth=True, data=tmp_path, oidc_issuer=issuer.url, oidc_audience=AUDIENCE)
        at = api.plane
        app = make_api(settings, at.ground, at.queues, no_planner, make_door(settings, at.db, session))
        transport = httpx.ASGITransport(app=RequestIds(app))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            answer = await http.get(JOBS, headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["error_code"]) == (503, "APIGW.0202")
        assert answer.headers["Retry-After"]
        assert await api.denied(PROJECT) == []


async def test_without_an_issuer_bearer_tokens_are_not_taken(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        answer = await api.http.get(JOBS, headers={"Authorization": "Bearer a.b.c"})
        assert answer.status_code == 401
        assert "bearer tokens are not taken" in answer.json()["error_msg"]


async def test_each_signature_of_a_write_is_let_in_once_where_that_is_set(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        who = await api.user("ann", Grant(Role.OPERATOR, PROJECT))
        settings = Settings(auth=True, data=tmp_path, refuse_replays=True)
        at = api.plane
        app = make_api(settings, at.ground, at.queues, no_planner, make_door(settings, at.db))
        transport = httpx.ASGITransport(app=RequestIds(app))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            for method, path, statuses in (("GET", JOBS, (200, 200)), ("POST", f"{JOBS}/stop", (400, 401))):
                body = {"job_ids": [999]} if method == "POST" else None
                first = await http.request(method, path, json=body, auth=who)
                recorded = {name: value for name, value in first.request.headers.items() if name != "cookie"}
                again = await http.request(method, path, content=first.request.content, headers=recorded)
                assert (first.status_code, again.status_code) == statuses
