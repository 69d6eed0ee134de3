"""The board of a stop as somebody sees it who has it open: in a pseudo-terminal, through all that may happen there."""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.support.doubles.fleet import PROJECT, FakeCluster, Fleet
from tests.support.people.terminal import Terminal
from tests.support.services.process import ServiceProcess

pytestmark = pytest.mark.process

LONG = 600.0  # seconds that a savepoint takes which nobody waits for


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with FakeCluster() as made:
        yield made


@pytest.fixture
def fleet(tmp_path: Path, cluster: FakeCluster) -> Fleet:
    return Fleet(tmp_path / "data", cluster)


@pytest.fixture
def service(fleet: Fleet, cluster: FakeCluster) -> Iterator[ServiceProcess]:
    made = ServiceProcess(fleet.path.parent, cluster.option)
    yield made
    made.end()


def at_a_terminal(url: str, *words: str, columns: int = 100, rows: int = 30) -> Terminal:
    """Somebody who has typed a command."""
    command = [sys.executable, "-m", "sluiceway", *words, "--server", url, "--project", PROJECT]
    return Terminal(command, columns, rows)


def board(lines: Sequence[str]) -> bool:
    """Whether the board of stop 1 is shown."""
    return any(re.match(r"Stop 1 .* 0/\d+ ", line) for line in lines)


def said(lines: Sequence[str]) -> str:
    """All lines as one text, wherever the terminal has broken them."""
    return "".join(lines)


def test_the_board_fits_whatever_size_the_terminal_has(fleet: Fleet, service: ServiceProcess) -> None:
    fleet.run(12, stop_seconds=LONG)
    with at_a_terminal(service.url, "stop", "--all", "--wait", "--yes") as terminal:
        wide = terminal.until(lambda lines: board(lines) and sum("sent" in line for line in lines) == 13)
        assert not any("more" in line for line in wide)

        terminal.resize(60, 10)
        small = terminal.until(lambda lines: "… and 7 more" in said(lines))
        assert sum(board([line]) for line in small) == 1, "nothing is left of the larger one"

        terminal.resize(140, 40)
        large = terminal.until(lambda lines: board(lines) and sum(" sent" in line for line in lines) == 13)
        assert not any("more" in line for line in large)
        terminal.press("\x03")
        assert terminal.end() == 130


def test_ctrl_c_leaves_the_terminal_clean_and_the_stop_going_on(fleet: Fleet, service: ServiceProcess) -> None:
    jobs = fleet.run(3, stop_seconds=LONG)
    with at_a_terminal(service.url, "stop", "--all", "--wait", "--yes") as terminal:
        terminal.until(board)
        assert not terminal.screen.cursor_shown
        terminal.press("\x03")
        assert terminal.end() == 130
        assert terminal.is_as_before
        lines = terminal.screen.lines
        assert not board(lines)
        assert "The stop goes on. Look again with: sluiceway stops show 1 --wait" in said(lines)
    assert [fleet.rows(f"SELECT phase FROM stops WHERE job_id = {job}") for job in jobs] == [[("sent",)]] * 3

    with at_a_terminal(service.url, "stops", "watch", "1") as terminal:
        terminal.until(lambda lines: said(lines).count("stop_sent") == 3)
        terminal.press("\x03")
        assert terminal.end() == 130
        assert terminal.is_as_before
        assert "The stop goes on. Look again with: sluiceway stops watch 1" in said(terminal.screen.lines)


@pytest.mark.parametrize("words", [("stops", "show", "1", "--wait"), ("stops", "watch", "1")], ids=" ".join)
def test_a_service_that_is_started_anew_meanwhile_is_waited_for(
    fleet: Fleet, service: ServiceProcess, cluster: FakeCluster, words: Sequence[str]
) -> None:
    [job] = fleet.run()
    cluster.refuse()
    service.call("POST", f"/api/v1/projects/{PROJECT}/stops", {"job_ids": [job]})
    with at_a_terminal(service.url, *words) as terminal:
        terminal.until(lambda lines: board(lines) or "stop_accepted" in said(lines))
        service.kill()
        terminal.until(lambda lines: "The service does not answer; reconnecting" in said(lines))
        anew = ServiceProcess(fleet.path.parent, cluster.option, port=service.port)
        try:
            terminal.until(lambda lines: "The service answers again." in said(lines))
            cluster.answer()
            assert terminal.end() == 0
            assert terminal.is_as_before
            lines = terminal.screen.lines
            assert not board(lines)
            assert "stopped" in said(lines)
            assert said(lines).count("reconnecting") == 1
        finally:
            anew.end()
