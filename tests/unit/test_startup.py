"""What a command loads before it says anything: nothing of the server. `python -m bench startup` has the times."""

import subprocess
import sys

import pytest

from sluiceway.cli import main
from sluiceway.cli.help_pages import paragraphs

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
