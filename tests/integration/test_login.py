"""`sluiceway login` against the service itself: with a password, and through an issuer's device flow."""

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from tests.support.doubles.issuer import AUDIENCE, Issuer, an_issuer
from tests.support.services.guarded import Guarded, guarded
from tests.support.services.native_api import served
from tests.support.services.plane import PROJECT

from sluiceway.cli import issuer as client_of_issuer
from sluiceway.cli.main import run
from sluiceway.domain.access import Grant, Role
from sluiceway.settings import Settings

PASSWORD = "correct horse battery"
SUBJECT = "ann-of-the-issuer"


class Shell:
    """A user's terminal, with files of their own, and one context for the service."""

    def __init__(self, home: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._patch = patch
        self._capsys = capsys
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        patch.setenv("XDG_STATE_HOME", str(home / "state"))
        self.kept = home / "state" / "sluiceway" / "sign-ins" / "prod.json"
        self.out = self.err = ""

    async def __call__(self, *arguments: str, typed: str = "") -> int:
        self._patch.setattr("sys.stdin", io.StringIO(typed))
        code = await asyncio.to_thread(run, arguments)
        self.out, self.err = self._capsys.readouterr()
        return code

    def ends_in(self, seconds: float, **changes: str) -> None:
        """Have the kept token end then."""
        held = json.loads(self.kept.read_text())
        self.kept.write_text(json.dumps(held | changes | {"ends": time.time() + seconds}))

    def secrets(self) -> list[str]:
        """All that is kept and must never be shown."""
        held = json.loads(self.kept.read_text())
        return [value for value in (held["token"], *held["projects"].values()) if value]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path / "home", monkeypatch, capsys)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that the device flow made, which take no time here."""
    made: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        made.append(seconds)
        now[0] += seconds

    told = SimpleNamespace(sleep=sleep, monotonic=lambda: now[0], time=time.time)
    monkeypatch.setattr(client_of_issuer, "time", told)
    return made


@asynccontextmanager
async def with_ann(directory: Path, **settings: Any) -> AsyncIterator[tuple[Guarded, str]]:
    """The service with a user who may look at two projects; and its address."""
    async with guarded(directory) as api, aiohttp.ClientSession() as session:
        await api.access.add_user("ann", PASSWORD, subject=SUBJECT)
        for project in (PROJECT, "other"):
            await api.access.grant("ann", Grant(Role.VIEWER, project))
        async with served(api.plane, Settings(auth=True, data=directory, **settings), session) as url:
            yield api, url


@asynccontextmanager
async def with_issuer(directory: Path, **settings: Any) -> AsyncIterator[tuple[Guarded, str, Issuer]]:
    async with an_issuer() as issuer:
        issuer.claims = {"sub": SUBJECT}
        known = {"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE, "oidc_client_id": issuer.client_id, **settings}
        async with with_ann(directory, **known) as (api, url):
            yield api, url, issuer


# With a password. ----------------------------------------------------------------------------------------------------


async def test_once_signed_in_with_a_password_commands_work_in_every_project_until_logout(
    tmp_path: Path, shell: Shell
) -> None:
    async with with_ann(tmp_path) as (api, url):
        assert await shell("contexts", "add", "prod", "--server", url, "--project", PROJECT) == 0
        assert await shell("jobs", "list") == 4
        assert "Next: sluiceway login" in shell.err
        assert await shell("login", "ann", typed="wrong\n") == 4
        assert not shell.kept.exists()
        assert await shell("login", "ann", typed=f"{PASSWORD}\n") == 0
        assert "as ann, viewer in other, viewer in p." in shell.out
        assert shell.kept.stat().st_mode & 0o777 == 0o600
        assert await shell("jobs", "list") == 0
        assert await shell("jobs", "list", "--project", "other") == 0
        assert await shell("jobs", "list", "--project", "nobodys") == 4
        assert "no role in project nobodys" in shell.err
        assert await shell("whoami", "--json") == 0
        said = json.loads(shell.out)
        assert (said["user"], said["project"], said["by"]) == ("ann", PROJECT, "sluiceway login as ann")
        tokens = shell.secrets()
        assert len(tokens) == 3, "one for no project, and one for each that was worked in"
        assert not [one for one in tokens if one in shell.out]
        assert await shell("logout") == 0
        for token in tokens:
            answer = await api.http.get("/v3/projects", headers={"X-Auth-Token": token})
            assert answer.status_code == 401, "the service has ended it"
        assert await shell("jobs", "list") == 4


async def test_a_token_that_has_ended_or_was_ended_says_what_to_do(tmp_path: Path, shell: Shell) -> None:
    async with with_ann(tmp_path) as (api, url):
        await shell("contexts", "add", "prod", "--server", url, "--project", PROJECT)
        await shell("login", "ann", typed=f"{PASSWORD}\n")
        await api.access.revoke_tokens("ann")
        assert await shell("jobs", "list", "--context", "prod") == 4
        assert "was ended before its time. Next: sluiceway login --context prod" in shell.err
        shell.ends_in(-60)
        assert await shell("jobs", "list") == 4
        assert f"Your sign-in to {url} ended at" in shell.err
        assert "Next: sluiceway login" in shell.err


async def test_where_nobody_signs_in_there_is_nothing_to_do(tmp_path: Path, shell: Shell) -> None:
    async with guarded(tmp_path) as api, served(api.plane, Settings(data=tmp_path)) as url:
        assert await shell("login", "--server", url) == 0
        assert "nothing to sign in to" in shell.out
        assert await shell("whoami", "--server", url) == 0
        assert "local" in shell.out


async def test_the_token_of_a_context_goes_to_its_own_server_alone(tmp_path: Path, shell: Shell) -> None:
    async with with_ann(tmp_path) as (_, url):
        await shell("contexts", "add", "prod", "--server", url, "--project", PROJECT)
        await shell("login", "ann", typed=f"{PASSWORD}\n")
        elsewhere = url.replace("127.0.0.1", "localhost")  # another one, as far as the command can know
        assert await shell("jobs", "list", "--server", elsewhere) == 4
        assert await shell("whoami", "--server", url) == 0
        assert "sluiceway login as ann" in shell.out


async def test_a_file_that_others_can_read_is_not_used(tmp_path: Path, shell: Shell) -> None:
    async with with_ann(tmp_path) as (_, url):
        await shell("contexts", "add", "prod", "--server", url, "--project", PROJECT)
        await shell("login", "ann", typed=f"{PASSWORD}\n")
        shell.kept.chmod(0o644)
        assert await shell("jobs", "list") == 4
        assert f"chmod 600 {shell.kept}" in shell.err
        assert await shell("login", "ann", typed=f"{PASSWORD}\n") == 0, "a new one takes its place"
        assert await shell("jobs", "list") == 0


async def test_who_calls_is_told_as_far_as_the_token_reaches(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        await api.access.add_user("ann", PASSWORD)
        for grant in (Grant(Role.OPERATOR, PROJECT, "c0"), Grant(Role.VIEWER, "other")):
            await api.access.grant("ann", grant)

        async def told(scope: dict[str, Any]) -> Any:
            user = {"name": "ann", "password": PASSWORD}
            identity = {"methods": ["password"], "password": {"user": user}}
            asked = await api.http.post("/v3/auth/tokens", json={"auth": {"identity": identity, **scope}})
            token = {"X-Auth-Token": asked.headers["X-Subject-Token"]}
            return (await api.http.get("/api/v1/whoami", headers=token)).json()

        operates = {"role": "operator", "project": PROJECT, "queue": "c0"}
        looks = {"role": "viewer", "project": "other", "queue": None}
        of_project = await told({"scope": {"project": {"id": PROJECT}}})
        assert of_project == {"user": "ann", "project": PROJECT, "grants": [operates]}
        of_none = await told({})
        assert (of_none["project"], of_none["grants"]) == (None, [looks, operates])
        assert (await api.http.get("/api/v1/whoami")).status_code == 401
        ways = await api.http.get("/api/v1/sign-in")
        assert ways.json() == {"required": True, "oidc": None}


# Through an issuer. --------------------------------------------------------------------------------------------------


async def test_the_device_flow_waits_as_the_issuer_says(tmp_path: Path, shell: Shell, naps: list[float]) -> None:
    async with with_issuer(tmp_path) as (_, url, issuer):
        await shell("contexts", "add", "prod", "--server", url, "--project", PROJECT)
        issuer.code = {"verification_uri_complete": f"{issuer.url}/enter?code=WDJB-MJHT", "interval": 2}
        issuer.polls = ["authorization_pending", "slow_down", "authorization_pending"]
        assert await shell("login", "--json") == 0
        assert json.loads(shell.out)["user"] == "ann"
        assert f"{issuer.url}/enter?code=WDJB-MJHT" in shell.err
        assert naps == [2, 2, 7, 7]
        assert issuer.asked_for[0] == {"client_id": issuer.client_id, "scope": "openid"}
        shown = shell.out + shell.err
        assert await shell("jobs", "list") == 0
        assert await shell("jobs", "list", "--project", "other") == 0
        assert await shell("logout") == 0
        assert "secret-device-code" not in shown


@pytest.mark.parametrize(
    ("polls", "code", "words"),
    [
        (["access_denied"], {}, "denied"),
        (["expired_token"], {}, "Next: sluiceway login"),
        (["authorization_pending"] * 9, {"expires_in": 20}, "The time for the code is up"),
        (["invalid_grant"], {}, "invalid_grant: told as invalid_grant"),
    ],
)
async def test_a_code_that_is_not_confirmed(
    tmp_path: Path, shell: Shell, naps: list[float], polls: list[str], code: dict[str, Any], words: str
) -> None:
    async with with_issuer(tmp_path) as (_, url, issuer):
        issuer.polls, issuer.code = polls, code
        assert await shell("login", "--server", url) == 4
        assert words in shell.err
        assert sum(naps) <= 20
        assert not shell.kept.parent.exists() or not list(shell.kept.parent.glob("*.json"))


async def test_a_token_is_renewed_before_its_end_and_each_refresh_token_is_used_once(
    tmp_path: Path, shell: Shell, naps: list[float]
) -> None:
    async with with_issuer(tmp_path) as (_, url, issuer):
        await shell("contexts", "add", "prod", "--server", url, "--project", PROJECT)
        issuer.document = {"scopes_supported": ["openid", "offline_access"]}
        issuer.refresh_token = "r"
        assert await shell("login") == 0
        assert issuer.asked_for[0]["scope"] == "openid offline_access"
        shell.ends_in(5)
        codes = await asyncio.gather(*(asyncio.to_thread(run, ["jobs", "list"]) for _ in range(4)))
        assert codes == [0] * 4
        renewed = [form["refresh_token"] for form in issuer.asked_for if form.get("grant_type") == "refresh_token"]
        assert renewed == ["r+"], "the others take what the first one got"
        issuer.refresh_token = "taken back"
        shell.ends_in(-5)
        assert await shell("jobs", "list") == 4
        assert "Your sign-in has ended (invalid_grant" in shell.err


async def test_somebody_whom_the_service_does_not_know_learns_what_an_administrator_has_to_type(
    tmp_path: Path, shell: Shell, naps: list[float]
) -> None:
    async with with_issuer(tmp_path) as (_, url, issuer):
        issuer.claims = {"sub": "bob-of-the-issuer"}
        assert await shell("login", "--server", url) == 4
        assert "sluiceway access users add NAME --subject bob-of-the-issuer" in shell.err


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"device_authorization_endpoint": ""}, "has no device authorization"),
        ({"issuer": "https://another.example"}, "does not say what it offers"),
        ({"token_endpoint": "http://another.example/token"}, "neither https nor its own address"),
        ({"token_endpoint": None}, "does not say what it offers"),
    ],
)
async def test_an_issuer_that_is_of_no_use(
    tmp_path: Path, shell: Shell, naps: list[float], document: dict[str, Any], words: str
) -> None:
    async with with_issuer(tmp_path) as (_, url, issuer):
        issuer.document = document
        assert await shell("login", "--server", url) in {1, 4, 5}
        assert words in shell.err
        assert not issuer.asked_for


async def test_tokens_for_others_are_not_kept(tmp_path: Path, shell: Shell, naps: list[float]) -> None:
    async with with_issuer(tmp_path) as (_, url, issuer):
        issuer.claims = {"sub": SUBJECT, "aud": ["another", "third"]}
        assert await shell("login", "--server", url) == 4
        assert "are for another, third, and the service takes those for sluiceway" in shell.err


async def test_an_issuer_that_is_silent_when_a_token_ends_is_waited_for_as_a_service_is(
    tmp_path: Path, shell: Shell, naps: list[float]
) -> None:
    async with with_issuer(tmp_path) as (_, url, issuer):
        await shell("contexts", "add", "prod", "--server", url, "--project", PROJECT)
        issuer.refresh_token = "r"
        assert await shell("login") == 0
        shell.ends_in(5, token_endpoint="http://127.0.0.1:9/token")
        assert await shell("jobs", "list") == 0, "it is good for some seconds more"
        shell.ends_in(-5)
        assert await shell("jobs", "list") == 5
        assert "The issuer does not answer at http://127.0.0.1:9" in shell.err


async def test_with_a_name_the_password_is_asked_for_all_the_same(
    tmp_path: Path, shell: Shell, naps: list[float]
) -> None:
    async with with_issuer(tmp_path) as (_, url, issuer):
        assert await shell("login", "ann", "--server", url, typed=f"{PASSWORD}\n") == 0
        assert not issuer.asked_for
