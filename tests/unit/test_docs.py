"""What is documented is tested: settings, commands, paths, phases, and every link."""

import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from cyclopts import App
from huaweicloudsdkdli.v1 import DliClient
from tests.support.services.native_api import api_of_nothing

from sluiceway.api import docs
from sluiceway.api.dli.jobs.status import NAMES
from sluiceway.api.errors import native_codes as codes
from sluiceway.api.errors.dli_meanings import MEANINGS
from sluiceway.api.errors.dli_texts import TABLE
from sluiceway.cli.main import app, run
from sluiceway.domain.admission import Refusal
from sluiceway.domain.operations.stop import StopPhase
from sluiceway.settings import Settings

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SPECIAL_DEFAULTS = {
    "adopt_tag": "none",
    "cluster": "none",
    "clusters_from": "none",
    "dli_resume_anyway": "none",
    "read_root": "none",
    "trusted_proxy": "none",
    "embedded": "on when no cluster is given",
    "storage": "`storage` in the data directory",
}


def rows(text: str) -> Iterator[list[str]]:
    """The cells of every line of a table, its header too."""
    for line in text.splitlines():
        if line.startswith("|") and not set(line) <= set("|- "):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def prose(page: Path) -> str:
    """A page without its fenced code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


# --- settings -------------------------------------------------------------------------------------------------------


def settings_rows() -> dict[str, list[str]]:
    return {row[2].strip("`"): row for row in rows((REFERENCE / "settings.md").read_text()) if row[0].startswith("`--")}


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    assert set(settings_rows()) == {field.name for field in dataclasses.fields(Settings)}


@pytest.mark.parametrize("field", dataclasses.fields(Settings), ids=lambda field: field.name)
def test_a_setting_is_documented_as_it_is(field: "dataclasses.Field[object]") -> None:
    option, variable, _, default, meaning = settings_rows()[field.name]
    assert option.split(", ")[0] == f"`--{field.name.replace('_', '-')}`"
    assert variable == f"`SLUICEWAY_{field.name.upper()}`"
    assert default == SPECIAL_DEFAULTS.get(field.name, f"`{field.default}`")
    assert meaning


def test_the_documented_variables_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given: list[Settings | None] = []

    async def serve(settings: Settings) -> None:
        given.append(settings)

    for name in [name for name in os.environ if name.startswith("SLUICEWAY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr("sluiceway.cli.serve._serve", serve)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sluiceway.toml").write_text('gone_after = 9\nport = 1\ncluster = ["c=http://c:1"]\nembedded = false\n')
    monkeypatch.setenv("SLUICEWAY_PORT", "2")
    monkeypatch.setenv("SLUICEWAY_STOP_ATTEMPTS", "5")
    monkeypatch.setenv("SLUICEWAY_CLUSTER", "a=http://a:1 b=http://b:1")
    assert run(["serve", "--stop-attempts", "7"]) == 0
    wanted = Settings(gone_after=9, port=2, stop_attempts=7, cluster=("a=http://a:1", "b=http://b:1"), embedded=False)
    assert given == [wanted], "an option goes before a variable, a variable before the file"


# --- links ----------------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_resolves(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert target.is_relative_to(ROOT), f"{link} leads out of the repository"
        if anchor:
            assert anchor in anchors(target), f"{link}: there is no such heading"


def test_there_are_links_to_be_found() -> None:
    assert len(LINK.findall(prose(ROOT / "README.md"))) > 10


# --- commands -------------------------------------------------------------------------------------------------------


def registered(parent: App, *path: str) -> Iterator[str]:
    """Every command that does something, as it is typed."""
    for name in parent:
        if name.startswith("-"):
            continue
        command = parent[name]
        below = list(registered(command, *path, name))
        yield from below or [" ".join((*path, name))]


def documented_commands() -> list[str]:
    return re.findall(r"^## `sluiceway ([a-z \-]+)`$", (REFERENCE / "cli.md").read_text(), re.MULTILINE)


def test_every_command_is_documented_and_nothing_else_is() -> None:
    assert sorted(documented_commands()) == sorted(registered(app))


@pytest.mark.parametrize("command", documented_commands())
def test_a_documented_command_exists_with_its_options(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    text = (REFERENCE / "cli.md").read_text()
    section = text.split(f"## `sluiceway {command}`\n")[1].split("\n## ")[0]
    # What the section says of other commands is theirs.
    own = re.split(r"`sluiceway (?!" + command + r"\b)", section)[0]
    for option in re.findall(r"`(--[a-z-]+)", own):
        assert option in shown, f"sluiceway {command} has no {option}"


# --- paths ----------------------------------------------------------------------------------------------------------


DLIS = ("/v1.0/", "/v1/", "/v2.0/", "/v3/")


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The application's OpenAPI schema. Nothing is started or called for it."""
    return docs.completed(api_of_nothing(tmp_path_factory.mktemp("none"))).openapi_schema.to_schema()


def operations(schema: dict[str, Any], *, dlis: bool) -> dict[tuple[str, str], dict[str, Any]]:
    """Every operation by method and path: DLI's, or those of our own. The vendor's IAM is neither."""
    return {
        (method.upper(), path): operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if path.startswith(DLIS) == dlis and operation["tags"] != ["IAM"]
    }


async def no_submit(*_: object) -> NoReturn:
    raise AssertionError("nothing is submitted")


def test_every_path_of_our_own_is_documented_and_nothing_else_is(schema: dict[str, Any]) -> None:
    text = (REFERENCE / "api.md").read_text()
    table = {(row[1], row[0].strip("`")) for row in rows(text) if row[0].startswith("`/")}
    assert table == set(operations(schema, dlis=False))
    assert set(re.findall(r"^## ([A-Z]+) `(/\S+)`$", text, re.MULTILINE)) == table, "each has a section"


def test_every_refusal_is_documented() -> None:
    text = (REFERENCE / "api.md").read_text()
    for refusal in Refusal:
        assert f"`{refusal.value}`" in text


def test_every_code_of_our_own_is_documented_with_its_status() -> None:
    table = {row[1].strip("`"): row[0] for row in rows((REFERENCE / "api.md").read_text()) if row[0].isdecimal()}
    assert {code: int(table.pop(code)) for code in codes.Code} == codes.STATUS
    assert set(table) == {"DLI.10006", "APIGW.0301"}, "all others are the gate's"


# --- DLI's operations, fields and codes -----------------------------------------------------------------------------


def test_every_operation_of_dli_is_documented_and_nothing_else_is(schema: dict[str, Any]) -> None:
    section = (REFERENCE / "dli.md").read_text().split("## Operations\n")[1].split("\n## ")[0]
    table = {tuple(re.findall(r"[^ `]+", row[1])): row[2] for row in rows(section) if "`/" in row[1]}
    assert set(table) == set(operations(schema, dlis=True))
    for methods in table.values():
        for method in re.findall("`([a-z_]+)`", methods):
            assert hasattr(DliClient, method), f"the SDK has no {method}"


def fields_of(part: Any, schema: dict[str, Any], seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """The names of all fields that a part of the schema describes, however deep they are."""
    if isinstance(part, list):
        for each in part:
            yield from fields_of(each, schema, seen)
    elif isinstance(part, dict):
        if (name := str(part.get("$ref", ""))) and name not in seen:
            yield from fields_of(
                schema["components"]["schemas"][name.rsplit("/", maxsplit=1)[-1]], schema, seen | {name}
            )
        yield from part.get("properties", {})
        for each in part.values():
            yield from fields_of(each, schema, seen)


def test_every_field_of_dlis_requests_and_answers_is_documented(schema: dict[str, Any]) -> None:
    text = (REFERENCE / "dli.md").read_text()
    named = set(re.findall(r"`([A-Za-z_-]+)`", text)) | set(re.findall(r'"([a-z_]+)"', text))
    for (method, path), operation in operations(schema, dlis=True).items():
        query = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
        found = {*fields_of([operation.get("requestBody"), operation["responses"]], schema)} | query
        assert found - named == set(), f"{method} {path}"
        assert found, f"{method} {path}: an answer has fields, be it those of an error"


def test_every_code_of_dli_is_documented_as_the_service_itself_explains_it() -> None:
    section = (REFERENCE / "dli.md").read_text().split("## Error codes\n")[1].split("\n## ")[0]
    table = {row[0].strip("`"): row[1:] for row in rows(section)}
    assert table.pop("Code") == ["HTTP", "When"]
    assert table == {str(code): [str(entry.status), MEANINGS[code].en] for code, entry in TABLE.items()}


# --- phases and statuses --------------------------------------------------------------------------------------------


def test_every_phase_and_status_is_explained() -> None:
    found = [
        [cell.strip("`") for cell in row] for row in rows((ROOT / "docs/explanation/how-a-stop-works.md").read_text())
    ]
    phases = {row[0] for row in found if len(row) == 5} - {"Phase"}
    assert phases == {phase.value for phase in StopPhase}
    words = " ".join(" ".join(row) for row in found)
    for status, dli_name in NAMES.items():
        assert re.search(rf"\b{status.value}\b", words), f"{status} is not explained"
        assert re.search(rf"\b{dli_name}\b", words), f"{dli_name} is not explained"


# --- reliability ----------------------------------------------------------------------------------------------------


def named_tests() -> list[str]:
    return sorted(set(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)?)`", (ROOT / "docs" / "reliability.md").read_text())))


@pytest.mark.parametrize("name", named_tests())
def test_a_test_that_shows_a_promise_exists(name: str) -> None:
    path, _, function = name.partition("::")
    assert f"def {function}" in (ROOT / path).read_text()


def test_promises_name_their_tests() -> None:
    assert len(named_tests()) > 30


# --- the threat model ------------------------------------------------------------------------------------------------

THREATS = ROOT / "docs" / "explanation" / "threat-model.md"


def test_every_test_that_the_threat_model_names_is_there() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", THREATS.read_text())
    assert named
    for file, test in named:
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(), f"{file}::{test}"


def test_every_attack_that_the_threat_model_names_is_there() -> None:
    from tests.hostile.long import bodies, files, floods, peers
    from tests.hostile.long.attack import ATTACKS

    text = THREATS.read_text()
    named = [
        name for part in re.findall(r"hostile ((?:`[\w-]+`(?:, )?)+)", text) for name in re.findall(r"`([\w-]+)`", part)
    ]
    assert named
    assert all((bodies, files, floods, peers))  # each puts its own into the table
    assert set(named) <= set(ATTACKS)


def test_every_threat_has_something_that_shows_it() -> None:
    shown = [row for row in rows(THREATS.read_text()) if len(row) == 3 and row[0] not in {"Can", "Who"}]
    threats = [row for row in shown if not row[0][0].isupper()]
    assert len(threats) > 30
    for can, _, by in threats:
        assert "::" in by or "hostile `" in by or "known weaknesses" in by, can
