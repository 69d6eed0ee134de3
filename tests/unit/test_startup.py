"""What a command loads before it says anything: nothing of the server. `python -m bench startup` has the times."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cyclopts import App

from sluiceway.cli import main
from sluiceway.cli.help_pages import paragraphs
from sluiceway.store.migrating import migrate, newest

# What the service is made of, and what reads all of Markdown for a page of help.
HEAVY = {
    *("aiohttp", "aiosqlite", "alembic", "asyncio", "cryptography", "httptools", "joserfc", "litestar", "markdown_it"),
    *("obstore", "pygments", "sqlalchemy", "structlog", "swagger_ui", "uvicorn", "uvloop", "yaml"),
}


def loaded(code: str) -> set[str]:
    """The packages that a fresh Python has loaded after it."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_no_command_loads_the_server_before_it_is_carried_out() -> None:
    every = "from sluiceway.cli.main import app\nfor name in list(app): app[name]"
    found = loaded(every)
    assert "cyclopts" in found
    assert not found & HEAVY


PAGES = (["--help"], ["jobs", "--help"], ["stop", "--help"], ["serve", "--help"], ["--version"])


@pytest.mark.parametrize("arguments", PAGES, ids=" ".join)
def test_help_loads_no_more_than_it_shows(arguments: list[str]) -> None:
    found = loaded(f"from sluiceway.cli.main import run\nrun({arguments})")
    assert not found & HEAVY
    assert "ssl" not in found, "nothing is connected"
    assert not found & {"difflib", "hmac", "secrets"}, "nothing is compared or signed"
    if arguments[0] in {"stop", "serve"}:  # Cyclopts reads those of the commands below `jobs`
        assert "docstring_parser" not in found, "it takes longer than all the rest of the page"


def leaves(command: App) -> Iterator[App]:
    """Every command that does something, at one or below it."""
    if command.default_command is not None:
        yield command
    for name in command:
        if not name.startswith("-"):
            yield from leaves(command[name])


def test_a_page_says_of_each_option_what_cyclopts_reads_in_its_docstring() -> None:
    compared = 0
    for command in leaves(main.commands()):
        here = command.assemble_argument_collection(parse_docstring=True)
        there = App.assemble_argument_collection(command, parse_docstring=True)
        for ours, theirs in zip(here, there, strict=True):
            assert paragraphs(ours.parameter.help or "") == paragraphs(theirs.parameter.help or ""), ours.name
            compared += bool(ours.parameter.help)
    assert compared > 500


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory as a service leaves it."""
    migrate(tmp_path / "sluiceway.db")
    return tmp_path


def test_a_database_of_the_present_schema_is_told_by_the_names_of_migrations(data: Path) -> None:
    with closing(sqlite3.connect(data / "sluiceway.db")) as made:
        assert made.execute("SELECT version_num FROM alembic_version").fetchall() == [(newest(),)]


@pytest.mark.parametrize(
    ("words", "spared"),
    [
        (["access", "users", "list"], {"alembic", "asyncpg", "mako", "pygments", "structlog"}),
        (["database", "backup", "copy.db"], HEAVY),
    ],
    ids=["access", "backup"],
)
def test_a_call_on_a_data_directory_loads_no_more_than_it_needs(
    data: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], spared: set[str]
) -> None:
    monkeypatch.chdir(data)
    call = [*words, "--data", str(data)]
    assert not loaded(f"from sluiceway.cli.main import run\nassert run({call}) == 0") & spared


def test_a_call_of_a_service_loads_no_server() -> None:
    call = 'from sluiceway.cli.main import run\nassert run(["jobs", "list", "--server", "http://127.0.0.1:9"]) == 5'
    assert not loaded(call) & HEAVY


def test_a_call_in_english_loads_no_chinese() -> None:
    call = ["jobs", "list", "--server", "http://127.0.0.1:9", "--language"]
    for spoken, wanted in (("en", False), ("zh", True)):
        told = f"from sluiceway.cli.main import run\nrun({[*call, spoken]})\nimport sys"
        code = f"{told}\nassert ('sluiceway.cli.chinese' in sys.modules) is {wanted}"
        code += "\nassert 'sluiceway.api.chinese' not in sys.modules, 'no reason was told'"
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("name", sorted(main._COMMANDS))
def test_the_overview_says_of_a_command_what_it_says_of_itself(name: str) -> None:
    assert main.SUMMARIES[name] == paragraphs(main.app[name].help)[0]
