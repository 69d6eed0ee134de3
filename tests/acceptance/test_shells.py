"""Somebody presses the Tab key in bash, zsh and fish, and opens a manual page: with Debian's packages of these."""

import itertools
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support import processes
from tests.support.patience import PATIENCE
from tests.support.services.named import HOSTILE, knowing_names

pytestmark = pytest.mark.process
ESCAPES = re.compile(r"\x1b(?:\[[0-9;?>=]*[A-Za-z]|[()][A-Z0-9]|[=>]|\][^\x07\x1b]*(?:\x07|\x1b\\))")

# The command as it is, but for its patience with the service: a busy machine is no failure.
COMMAND = f"""#!{sys.executable}
from sluiceway.__main__ import main
from sluiceway.cli import completing
completing.SECONDS = {PATIENCE}
main()
"""
SHELLS = {
    "bash": (
        ["bash", "--noprofile", "--norc", "-i"],
        "bind 'set show-all-if-ambiguous on' 'set bell-style none' 'set page-completions off'; "
        "source <(sluiceway completion bash)",
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        "unsetopt list_ambiguous; autoload -U compinit; compinit -u -D; source <(sluiceway completion zsh)",
    ),
}


def needed(program: str) -> None:
    """It is no reason to look away that it is not there."""
    if shutil.which(program) is None:
        pytest.fail(f"{program} is not installed. apt-get install bash zsh fish mandoc", pytrace=False)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Of a shell that finds `sluiceway`, and a service that knows a few names. Its directory is nearly empty."""
    home = tmp_path_factory.mktemp("home")
    (home / "orders.sql").touch()
    (home / "bin").mkdir()
    (home / "bin" / "sluiceway").write_text(COMMAND)
    (home / "bin" / "sluiceway").chmod(0o755)
    path = f"{home / 'bin'}:{os.environ['PATH']}"
    with knowing_names() as address:
        plain = {"HOME": str(home), "PATH": path, "TERM": "xterm", "LANG": "C.UTF-8", "COLUMNS": "200", "LINES": "50"}
        yield {**plain, "SLUICEWAY_SERVER": address, "PS1": "$ ", "INPUTRC": "/dev/null"}


class Terminal:
    """An interactive shell at a terminal of its own."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        options = {"stdin": theirs, "stdout": theirs, "stderr": theirs, "start_new_session": True}
        home = environment["HOME"]
        self._process = processes.start(command, env=environment, cwd=home, **options)
        os.close(theirs)
        self._ends = itertools.count()

    def type(self, keys: str) -> str:
        """All that the terminal shows until the shell has dealt with these keys."""
        end = f"end{next(self._ends)}"
        # In two halves, so that only what the shell prints has it whole. ^U leaves the line that was begun.
        os.write(self._ours, f"{keys}\x15 printf '%s%s\\n' '{end[:1]}' '{end[1:]}-'\r".encode())
        shown, until = "", time.monotonic() + PATIENCE
        # A shell that has not prompted yet leaves keys to the terminal's own line editor.
        while f"{end}-" not in shown or not shown.endswith("$ "):
            ready, _, _ = select.select([self._ours], [], [], max(until - time.monotonic(), 0))
            assert ready, f"the shell said no more than {shown!r}"
            shown = ESCAPES.sub("", shown + os.read(self._ours, 65536).decode(errors="replace"))
        return shown

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)


@pytest.fixture
def tab(request: pytest.FixtureRequest, environment: dict[str, str]) -> Iterator[Callable[[str], str]]:
    """What a terminal shows after a line and the Tab key."""
    command, first = SHELLS[request.param]
    needed(command[0])
    terminal = Terminal(command, environment)
    try:
        terminal.type(f"{first}\r")
        yield lambda line: terminal.type(f"{line}\t")
    finally:
        terminal.close()


def words(shown: str) -> set[str]:
    return set(shown.split())


@pytest.mark.parametrize("tab", SHELLS, indirect=True)
def test_the_tab_key_completes_all_that_can_be_typed(tab: Callable[[str], str]) -> None:
    assert "stops" in tab("sluiceway sto")
    assert "--on-failure" in tab("sluiceway stop --on-f")
    assert words(tab("sluiceway stop --on-failure ")) >= {"keep_running", "cancel", "cancel_keeping_checkpoint"}
    assert words(tab("sluiceway jobs show orders-")) >= {"orders-eu", "orders-us"}
    assert "orders-us" in tab("sluiceway jobs run orders-eu orders-u")
    assert "orders-eu" in tab("sluiceway stop stop orders-e"), "where a job is called like a command"
    assert "--cluster=prod" in tab("sluiceway stop --cluster=p")
    assert "team=payments" in tab("sluiceway stop --tag team=p")
    assert "tag:tier=sink" in tab("sluiceway stop --wave tag:ti")
    assert "stops show 7" in tab("sluiceway stops show ")
    assert "stop/7" in tab("sluiceway wait --for=settled s")
    assert "orders.sql" in tab("sluiceway jobs create new --sql ord")


@pytest.mark.parametrize("tab", SHELLS, indirect=True)
def test_a_name_is_never_carried_out(tab: Callable[[str], str], environment: dict[str, str]) -> None:
    assert "touch" in tab("sluiceway jobs show \\$")
    tab("sluiceway jobs show \\$\t\r")
    assert not (Path(environment["HOME"]) / "owned").exists()


@pytest.mark.parametrize("tab", SHELLS, indirect=True)
def test_without_a_service_the_terminal_is_told_nothing(tab: Callable[[str], str]) -> None:
    shown = tab("sluiceway jobs show --server http://127.0.0.1:9 or")
    assert "no service" not in shown
    assert "Traceback" not in shown


def in_fish(line: str, environment: dict[str, str]) -> set[str]:
    """The values that fish offers."""
    needed("fish")
    asked = "sluiceway completion fish | source; complete -C $argv[1]"
    done = subprocess.run(["fish", "-c", asked, line], env=environment, cwd=environment["HOME"], capture_output=True)
    assert done.stderr == b""
    return {shown.partition("\t")[0] for shown in done.stdout.decode().splitlines()}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("sluiceway sto", {"stop", "stops"}),
        ("sluiceway stop --on-failure ca", {"cancel", "cancel_keeping_checkpoint"}),
        ("sluiceway jobs show orders-", {"orders-eu", "orders-us"}),
        ("sluiceway jobs show ", {"orders-eu", "orders-us", "stop", HOSTILE}),
        ("sluiceway stop --cluster=p", {"--cluster=prod"}),
        ("sluiceway stop --tag team=p", {"team=payments"}),
        ("sluiceway stops show ", {"7"}),
        ("sluiceway wait --for=settled s", {"stop/7"}),
        ("sluiceway jobs create new --sql ord", {"orders.sql"}),
        ("sluiceway jobs show --server http://127.0.0.1:9 or", set()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_fish_completes_all_that_can_be_typed(environment: dict[str, str], line: str, found: set[str]) -> None:
    assert in_fish(line, environment) == found


def test_the_manual_pages_are_good_ones(tmp_path: Path) -> None:
    needed("mandoc")
    subprocess.run([sys.executable, "-m", "sluiceway", "man", str(tmp_path)], check=True)
    found = sorted((tmp_path / "man1").iterdir())
    assert "sluiceway-jobs.1" in {page.name for page in found}
    checked = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *found], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout) == (0, "")
    shown = subprocess.run(["mandoc", "-T", "ascii", tmp_path / "man1" / "sluiceway-stops.1"], capture_output=True)
    assert "--abort-when" in re.sub(r".\x08", "", shown.stdout.decode()), "overstruck letters are bold"
