"""The form of answers: tables at three widths, columns by name, names, documents, lengths of time and zones."""

import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
import yaml
from cyclopts import App
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from sluiceway.api.dli.jobs.status import NAMES
from sluiceway.cli import tables, watching, words
from sluiceway.cli.cluster_answers import CLUSTERS, JARS
from sluiceway.cli.columns import Kind
from sluiceway.cli.events import EVENTS
from sluiceway.cli.grid import broken_into, cut, grid
from sluiceway.cli.heads import Head
from sluiceway.cli.job_answers import Fare, Health
from sluiceway.cli.job_columns import HEALTH, JOBS
from sluiceway.cli.options import Seconds, WholeSeconds
from sluiceway.cli.order_columns import MOVE_JOBS, MOVES, RESUME_JOBS, RESUMES, STOP_JOBS, STOPS
from sluiceway.cli.output import Failed
from sluiceway.cli.output_options import Form, Output
from sluiceway.cli.savepoint_columns import OPERATORS, SAVEPOINTS
from sluiceway.cli.variables import VARIABLES
from sluiceway.settings import length

SAVEPOINT = "file:///mnt/flink/savepoints/savepoint-5fcd4f-f32d6b224036"
WHY = "The savepoint failed: no space left on the device, says the file system of the storage; it is tried again."
HEADS = [
    Head("id"),
    Head("name"),
    Head("cluster", spare=True),
    Head("status"),
    Head("started", spare=True),
    Head("lasting", spare=True),
    Head("savepoint", path=True),
    Head("why"),
]
ROWS = [
    ["12", "orders-enrichment-europe", "prod", "restarting", "2026-01-01 00:00:00+01", "1h30m", SAVEPOINT, WHY],
    ["7", "payments", "prod", "running", "2026-01-01 00:00:00+01", "2m", "", ""],
]
KINDS: list[Kind[Any]] = [
    *(JOBS, HEALTH, STOPS, STOP_JOBS, RESUMES, RESUME_JOBS, MOVES, MOVE_JOBS),
    *(SAVEPOINTS, OPERATORS, CLUSTERS, JARS, EVENTS, VARIABLES),
]


def seen(
    job_id: int, status: str = "running", condition: str | None = None, tasks: str = "3/61", **more: Any
) -> dict[str, Any]:
    """A job, as the service answers it."""
    some, every = map(int, tasks.split("/"))
    of = {"since": None, "tasks": every, "running_tasks": some, "restarts": 0, "cause": "", "slots_wanted": None}
    of |= {"slots_free": None, "unwell": False, "proof": "given", "up_at": None}
    health = None if condition is None else {"condition": condition, **of}
    known = {"job_id": job_id, "name": f"job-{job_id}", "queue": "prod", "status": status, "why": ""}
    return {**known, "deleted_at": None, "health": health, "tags": {"tier": "sink"}, **more}


# --- tables -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "left_out"), [(60, ["cluster", "started", "lasting"]), (80, ["started", "lasting"]), (200, [])]
)
def test_a_table_fits_a_terminal_and_keeps_its_words_whole(width: int, left_out: list[str]) -> None:
    made = grid(HEADS, ROWS, width, {})
    text = [line.plain for line in made.lines]
    assert max(map(len, text)) <= width
    assert made.left_out == left_out
    shown = {word for line in text for word in line.split()}
    assert {"savepoint", "failed:", "restarting", "payments", "12"} <= shown
    assert set(WHY.split()) <= shown, "every word of a reason is there, in one piece"
    assert any(word.startswith("…") and word.endswith("f32d6b224036") for word in shown) or SAVEPOINT in shown
    assert any("orders-" in word for word in shown), "a name goes on after a hyphen"


def test_a_day_and_its_time_stay_in_one_line() -> None:
    heads, rows = [Head("at"), Head("why")], [["2026-01-01 00:00:00+01", "a reason that takes more than one line"]]
    lines = [line.plain for line in grid(heads, rows, 40, {}).lines]
    assert lines[2].startswith("2026-01-01 00:00:00+01  a reason")


def test_a_wide_table_is_as_wide_as_it_takes() -> None:
    made = grid(HEADS, ROWS, None, {})
    assert not made.left_out
    assert len(made.lines) == 2 + len(ROWS)
    assert SAVEPOINT in made.lines[2].plain


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.columns[0].header)
def test_every_list_has_room_for_its_most_important_columns_on_60(kind: Kind[Any]) -> None:
    heads = [column.head for column in kind.columns if not column.wide]
    long = dict.fromkeys(("status", "phase", "state"), "starting 3/61") | {
        "at": "2026-01-01 00:00:00+01",
        "kind": "sent",
    }
    made = grid(heads, [[long.get(head.text, "x" * 6) for head in heads]], 60, {})
    assert max(line.cell_len for line in made.lines) <= 60


def test_columns_without_any_value_are_left_out_and_not_missed() -> None:
    made = grid([Head("id"), Head("why")], [["1", ""], ["2", ""]], 80, {})
    assert (made.lines[0].plain, made.left_out) == ("id", [])


@given(st.lists(st.text(st.sampled_from("abc -_./日"), max_size=40), min_size=1, max_size=4), st.integers(20, 90))
def test_nothing_but_the_middle_of_a_path_is_ever_lost(cells: list[str], width: int) -> None:
    row = [" ".join(cell.split()) for cell in cells]
    made = grid([Head(f"h{at}") for at in range(len(row))], [row], width, {})
    text = "".join(line.plain for line in made.lines)
    for word in " ".join(row).split():
        if word.count("/") < 2:
            assert all(letter in text for letter in word)


@given(st.text(st.sampled_from("ab-/"), min_size=1, max_size=60), st.integers(14, 80))
def test_a_path_that_is_cut_fits_and_keeps_its_end(path: str, width: int) -> None:
    short = cut(path, width)
    assert len(short) <= width
    assert short == path or (short.count("…") == 1 and path.endswith(short.rpartition("…")[2]))


@pytest.mark.parametrize(
    ("path", "width", "short"),
    [
        (SAVEPOINT, 80, SAVEPOINT),
        (SAVEPOINT, 50, "file:///mnt/flink/…/savepoint-5fcd4f-f32d6b224036"),
        (SAVEPOINT, 32, "…/savepoint-5fcd4f-f32d6b224036"),
        (SAVEPOINT, 22, "…-5fcd4f-f32d6b224036"),
        (SAVEPOINT, 14, "…-f32d6b224036"),
        ("s3://b/checkpoints/0123456789abcdef/chk-42", 30, "s3:/…/0123456789abcdef/chk-42"),
    ],
)
def test_a_path_loses_its_middle(path: str, width: int, short: str) -> None:
    assert cut(path, width) == short


def test_a_long_word_goes_on_after_a_hyphen() -> None:
    assert broken_into("orders-enrichment-europe", 18) == ["orders-enrichment-", "europe"]
    assert broken_into("no space left", 8) == ["no space", "left"]


def test_a_terminal_is_told_which_columns_found_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    monkeypatch.setattr(
        tables, "terminal", lambda: Console(file=said, force_terminal=True, width=60, color_system=None)
    )
    tables.table(HEADS, ROWS)
    assert "No room for: cluster, started, lasting. -o wide shows all." in said.getvalue()
    said.truncate(0)
    tables.table(HEADS, ROWS, wide=True)
    assert SAVEPOINT in said.getvalue()


# --- forms ------------------------------------------------------------------------------------------------------------

ROWS_OF_JOBS = [seen(2, "running", "starting"), seen(1, "stopped")]
DATA = {"total_count": 2, "jobs": ROWS_OF_JOBS}


def shown(capsys: pytest.CaptureFixture[str], form: Form, columns: str | None = None) -> str:
    assert Output(output=form).begin().show(JOBS, ROWS_OF_JOBS, DATA, columns) == 0
    return capsys.readouterr().out


def test_a_list_has_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(shown(capsys, "json")) == DATA
    assert yaml.safe_load(shown(capsys, "yaml")) == DATA
    assert [json.loads(line) for line in shown(capsys, "jsonl").splitlines()] == ROWS_OF_JOBS
    assert shown(capsys, "name").split() == ["job-2", "job-1"]
    plain, wide = shown(capsys, "table"), shown(capsys, "wide")
    assert "tier=sink" not in plain
    assert "tier=sink" in wide
    assert "starting 3/61" in plain


def test_columns_are_chosen_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "table", "status, NAME,flink_job,tags").splitlines()
    assert lines[0].split() == ["STATUS", "NAME", "FLINK_JOB", "TAGS"]
    assert lines[2].split() == ["stopped", "job-1", "-", "tier=sink"]
    with pytest.raises(Failed, match=r"no column 'nope'.*up_since") as wrong:
        shown(capsys, "table", "nope")
    assert wrong.value.code == 2
    with pytest.raises(Failed, match="--columns is for tables"):
        shown(capsys, "yaml", "id")


def test_one_object_has_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [("kind", "session"), ("labels", "env=prod")]
    for form, text in (("name", "prod\n"), ("yaml", "a: 1\n"), ("jsonl", '{"a": 1}\n'), ("json", '{\n  "a": 1\n}\n')):
        assert not Output(output=form).one({"a": 1}, ("cluster", "prod"), lambda: lines)  # type: ignore[arg-type]
        assert capsys.readouterr().out == text
    assert Output().one({}, ("cluster", "prod"), lambda: lines)
    assert "session" in capsys.readouterr().out
    assert not Output().one({}, ("cluster", "prod"), lambda: lines, "labels")
    assert "session" not in capsys.readouterr().out


def test_what_a_terminal_would_obey_is_escaped_in_every_document(capsys: pytest.CaptureFixture[str]) -> None:
    evil = {"name": "\x1b[31mred\u202e naïve"}
    for form, load in (("json", json.loads), ("jsonl", json.loads), ("yaml", yaml.safe_load)):
        Output(output=form).document(evil)  # type: ignore[arg-type]
        out = capsys.readouterr().out
        assert load(out) == evil
        assert not {"\x1b", "\u202e"} & set(out)


def test_json_is_the_short_form_and_no_second_one() -> None:
    assert Output(as_json=True).begin().json
    assert Output(as_json=True, output="json").begin().json
    with pytest.raises(Failed, match="give one of them"):
        Output(as_json=True, output="yaml").begin()


@pytest.mark.parametrize(
    ("name", "argument"), [("orders", "orders"), ("12", "5"), ("", "5"), ("two words", "5"), ("a-1", "a-1")]
)
def test_a_job_is_named_as_other_commands_take_it(name: str, argument: str) -> None:
    assert JOBS.name(JOBS.read(seen(5, name=name))) == argument
    assert HEALTH.name(HEALTH.read(seen(5, name=name))) == argument


# --- lengths of time and moments --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("30m", 1800), ("1h30m", 5400), ("2d", 172_800), ("90", 90), ("0.5", 0.5), ("1.5h", 5400), ("0", 0)],
)
def test_a_length_of_time_is_read(text: str, seconds: float) -> None:
    assert length(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "1h 30m", "-5s", "1e3", "1y", "s", "30m1", "nan", "inf", "9" * 40, "1.s"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="It is a length of time"):
        length(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0, "0s"),
        (0.25, "0.2s"),
        (1.5, "1.5s"),
        (9.96, "10s"),
        (59.6, "1m"),
        (90, "1m30s"),
        (1800, "30m"),
        (5400, "1h30m"),
        (7200, "2h"),
        (86_399.7, "1d"),
        (90_000, "1d1h"),
        (172_800, "2d"),
    ],
)
def test_a_length_of_time_is_shown_as_it_is_given(seconds: float | None, text: str) -> None:
    assert tables.took(seconds) == text


@given(st.integers(10, 10**8))
def test_what_is_shown_can_be_given_back(seconds: int) -> None:
    assert abs(length(tables.took(seconds)) - seconds) <= max(seconds / 24, 0.5)


def test_options_take_lengths_of_time() -> None:
    app, taken = App(result_action="return_value"), list[Any]()

    @app.default
    def take(*, timeout: Seconds = None, every: WholeSeconds = None) -> None:
        taken.append((timeout, every))

    app(["--timeout", "1h30m", "--every", "2m"], exit_on_error=False)
    app(["--timeout", "0.5"], exit_on_error=False)
    assert taken == [(5400.0, 120), (0.5, None)]


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.mark.usefixtures("berlin")
def test_moments_are_in_the_zone_of_the_machine_unless_utc_is_wanted() -> None:
    Output().begin()
    assert tables.moment("2026-01-01T12:00:00Z") == "2026-01-01 13:00:00+01"
    assert tables.when(1_782_864_000_000) == "2026-07-01 02:00:00+02"
    Output(utc=True).begin()
    assert tables.moment("2026-01-01T12:00:00.123Z") == "2026-01-01 12:00:00Z"
    Output().begin()
    assert datetime.fromisoformat(tables.moment("2026-01-01T12:00:00Z")) == datetime.fromisoformat("2026-01-01T12:00Z")


# --- one vocabulary ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("job", "state"),
    [
        (seen(1, "running", "running"), "running"),
        (seen(1, "running", "starting"), "starting 3/61"),
        (seen(1, "running", "starting", "0/0"), "starting"),
        (seen(1, "running", "restarting"), "restarting"),
        (seen(1, "running", "no_slots", "0/4"), "no_slots 0/4"),
        (seen(1, "running", "unknown"), "unknown"),
        (seen(1, "savepointing", "running"), "savepointing"),
        (seen(1, "savepointing", "restarting"), "savepointing, restarting"),
        (seen(1, "submitting", "unknown"), "submitting"),
        (seen(1, "stopped"), "stopped"),
        (seen(1, "running", "running", deleted_at="2026-01-01T00:00:00Z"), "running, deleted"),
    ],
)
def test_a_job_has_one_word_for_its_state(job: dict[str, Any], state: str) -> None:
    assert words.state_of(JOBS.read(job)) == state


def test_dlis_names_mean_our_words() -> None:
    ours = {name: status.value for status, name in NAMES.items() if status.value != "unwell"}
    assert ours == words.OF_DLI
    assert words.statuses(["job_cancel_success", "stopped", "restarting"]) == ["stopped", "restarting"]


# --- watching ---------------------------------------------------------------------------------------------------------


class Enough(Exception):
    """A test has seen what it wants."""


def looking(*lists: list[dict[str, Any]]) -> Callable[[], list[dict[str, Any]]]:
    left = iter(lists)

    def look() -> list[dict[str, Any]]:
        try:
            return next(left)
        except StopIteration:
            raise Enough from None

    return look


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "EVERY", 0.01)


FIRST = [seen(2, "running", "starting"), seen(1, "stopped", started_at="2026-01-01T00:00:00Z")]
THEN = [seen(2, "running", "running"), FIRST[1]]


@pytest.mark.usefixtures("quick")
def test_through_a_pipe_a_watched_list_prints_what_has_changed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Enough):
        watching.watch(looking(FIRST, THEN, THEN, THEN[:1]), JOBS, "id,status", Output())
    said = capsys.readouterr()
    assert [line.split() for line in said.out.splitlines()] == [
        ["ID", "STATUS"],
        ["2", "starting", "3/61"],
        ["1", "stopped"],
        ["2", "running"],
    ]
    assert said.err == "sluiceway: id 1 is no longer in the list\n"
    with pytest.raises(Enough):
        watching.watch(looking(FIRST, THEN), JOBS, None, Output(output="jsonl"))
    assert [json.loads(line)["job_id"] for line in capsys.readouterr().out.splitlines()] == [2, 1, 2]
    with pytest.raises(Failed, match="--watch shows rows"):
        watching.watch(looking(), JOBS, None, Output(output="name"))


@pytest.mark.usefixtures("quick")
def test_on_a_terminal_a_watched_list_is_drawn_anew_and_never_higher(monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    terminal = Console(file=said, force_terminal=True, width=60, height=12, _environ={"TERM": "xterm"})
    monkeypatch.setattr(watching, "Console", lambda: terminal)
    with pytest.raises(Enough):
        watching.watch(looking([seen(n) for n in range(100)], [seen(5, "stopped")]), JOBS, None, Output())
    first, _, last = said.getvalue().partition("… and more")
    assert "job-5" in first
    assert "job-50" not in first
    assert "stopped" in last


def test_health_has_one_word_too() -> None:
    health = Health("restarting", None, 2, 0, 3, "", None, None, True, "given", None)
    assert words.state("running", health) == "restarting"
    assert Fare(1, "a", "c", "stopped", "", None, None).tags == {}
