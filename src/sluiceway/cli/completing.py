"""Live values for completion: jobs, orders, clusters, tags. The service is asked for a moment; its silence is no error.

Cyclopts finds which argument the cursor is at. What lives there follows from the name of the argument alone, so that no
command has to say it.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from contextvars import ContextVar
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from cyclopts import App

from sluiceway.cli import language
from sluiceway.cli.output import Failed, visible
from sluiceway.cli.placed import placed

if TYPE_CHECKING:
    from cyclopts.completion._engine import CompletionContext

    from sluiceway.cli.client import Client

COMMAND: Final = "__complete"  # Cyclopts' own; shells call it
WORDS: Final = "CYCLOPTS_COMPLETION_WORDS"  # the words so far, each with SEPARATOR after it: what Cyclopts reads
SEPARATOR: Final = "\x1f"
SECONDS: Final = 1.5  # for all that is asked: somebody has pressed Tab and waits
MOST: Final = 200  # values of a kind
LOOKED_AT: Final = 1000  # jobs, where the service cannot choose them

Value = tuple[str, str]  # and what is said beside it
Found = Iterator[Value]

_words: ContextVar[Sequence[str]] = ContextVar("_words", default=())  # that Cyclopts completes
_files: ContextVar[bool] = ContextVar("_files", default=False)  # whether a file may stand there


def answer(app: App) -> int:
    """Say what may stand where the cursor is: one value a line, as Cyclopts' protocol has it. It never fails."""
    *before, last = os.environ.get(WORDS, "").split(SEPARATOR)[:-1] or [""]
    if before[-1:] == [language.OPTION]:
        print(f"{SEPARATOR}begin\nen\nzh")
        return 0
    with suppress(Failed):
        spoken, before = language.chosen(before)
        language.speak(spoken)
    words = [*placed(before, app).arguments, last]
    os.environ[WORDS] = "".join(word + SEPARATOR for word in words)
    _words.set(words)
    with suppress(Exception):
        _complete(app)
    if last.startswith("--") and language.OPTION.startswith(last) and "--" not in before:
        print(language.OPTION)
    if _files.get():
        print(f"{SEPARATOR}files")
    return 0


def _complete(app: App) -> None:
    """Have Cyclopts say it. It takes what stands beside a value from the texts of the help, which are English."""
    if language.spoken() is not language.Language.CHINESE:
        app([COMMAND])
        return
    from sluiceway.cli.chinese import help as chinese

    with redirect_stdout(StringIO()) as said:
        app([COMMAND])
    for line in said.getvalue().splitlines():
        value, tab, beside = line.partition("\t")
        print(f"{value}{tab}{chinese.brief(beside)}")


def live(context: "CompletionContext") -> Sequence[Value]:
    """The values of an argument that live in the service; none for other arguments. May raise anything."""
    subject = _subject(context)
    _files.set(subject in _FILES)
    if subject in _FIXED:
        return [(word, "") for word in sorted(_FIXED[subject]())]
    find = _FINDS.get(subject)
    if find is None:
        return ()
    client, found = _client(context), list[Value]()
    with suppress(_TooLate), _in_time():
        found = list(find(client, context))
    return [(value, visible(beside)) for value, beside in found if visible(value) == value]


class _TooLate(BaseException):
    """The time is up; no `except Exception` on the way may swallow it."""


@contextmanager
def _in_time() -> Iterator[None]:
    def late(*_: object) -> None:
        raise _TooLate

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        with open(os.devnull, encoding="utf-8") as nothing:
            sys.stdin, kept = nothing, sys.stdin  # nobody is asked anything
            try:
                yield
            finally:
                sys.stdin = kept
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _subject(context: "CompletionContext") -> str:
    """The name of the argument in the code; with its command's before it, where it says little by itself."""
    name = str(context.argument.field_info.name)
    if name != "name" or "--name" in context.argument.names:
        return f"--{name}" if name == "name" else name
    command = _words.get()[:2]
    return f"{command[0]} name" if command and "add" not in command else "a new name"


def _client(context: "CompletionContext") -> "Client":
    """Of the service that the words name, or else the command would talk to."""
    from sluiceway.cli.options import Common

    typed = {name: context.get(f"--{name}") for name in ("context", "server", "project")}
    given: dict[str, Any] = {name: value.raw for name, value in typed.items() if value and value.provided}
    return Common(**given).client()


# What lives in the service. ------------------------------------------------------------------------------------------


def _jobs(client: "Client", context: "CompletionContext") -> Found:
    """Names; ids where digits have been typed, since digits alone are an id."""
    typed = context.incomplete
    if typed.isdigit():
        for job in _listed(client, [], LOOKED_AT):
            yield str(job["job_id"]), f"{job['name']}, {job['status']}"
    elif not set(typed) & set("*?"):
        for job in _listed(client, [("name", f"{typed}*")] if typed else [], MOST):
            yield str(job["name"]), f"id {job['job_id']}, {job['status']}"


def _listed(client: "Client", query: Sequence[tuple[str, str]], limit: int) -> Sequence[Mapping[str, Any]]:
    return client.listed(query, limit)[0]


def _clusters(client: "Client", _: "CompletionContext") -> Found:
    for cluster in client.clusters().data["clusters"]:
        health = cluster.get("health") or {}
        yield str(cluster["name"]), "" if health.get("answers", True) else "does not answer"


def _orders(kind: str) -> Callable[["Client", "CompletionContext"], Found]:
    def find(client: "Client", _: "CompletionContext") -> Found:
        asked = {"stops": client.stops, "resumes": client.resumes, "moves": client.moves}[kind]
        for order in asked(MOST).data[kind]:
            about = [order.get("state"), order.get("reason"), str(order.get("created_at", ""))[:16]]
            yield str(order["id"]), ", ".join(filter(None, about))

    return find


def _tags(client: "Client", context: "CompletionContext") -> Found:
    """KEY=VALUE, of a selector the requirement after the last comma."""
    before = context.incomplete[: context.incomplete.rfind(",") + 1]
    counts: dict[str, int] = {}
    for job in _listed(client, [], LOOKED_AT):
        for key, value in (job.get("tags") or {}).items():
            counts[f"{key}={value}"] = counts.get(f"{key}={value}", 0) + 1
    for tag, count in sorted(counts.items())[:MOST]:
        yield before + tag, f"{count} job{'' if count == 1 else 's'}"


def _waves(client: "Client", context: "CompletionContext") -> Found:
    yield from ((f"queue={name}", beside) for name, beside in _clusters(client, context))
    yield from ((f"tag:{tag}", beside) for tag, beside in _tags(client, context))


def _savepoints(client: "Client", _: "CompletionContext") -> Found:
    for savepoint in client.savepoints(limit=MOST).data["savepoints"]:
        yield str(savepoint["id"]), f"job {savepoint['job_id']}, {str(savepoint.get('created_at', ''))[:16]}"


def _variables(client: "Client", _: "CompletionContext") -> Found:
    yield from ((str(variable["var_name"]), "") for variable in client.variables()[:MOST])


def _targets(client: "Client", context: "CompletionContext") -> Found:
    """What `wait` waits for, by what it is to be."""
    wanted = context.get("--for")
    if wanted is None or wanted.raw not in {"settled", "answering"}:
        yield from _jobs(client, context)
    elif wanted.raw == "answering":
        yield from ((f"cluster/{name}", beside) for name, beside in _clusters(client, context))
    else:
        for kind in ("stop", "resume", "move"):
            yield from ((f"{kind}/{number}", beside) for number, beside in _orders(f"{kind}s")(client, context))


def _statuses() -> Iterable[str]:
    from sluiceway.domain.selection import STATES

    return STATES


def _contexts() -> Iterable[str]:
    from sluiceway.cli import context_file

    return context_file.load().all


def _healths() -> Iterable[str]:
    from sluiceway.domain.health import Condition

    return set(Condition)


_FILES: Final = frozenset({"sql"})  # arguments that name files, and may also be something else
_FIXED: Final[Mapping[str, Callable[[], Iterable[str]]]] = {
    "context": _contexts,
    "contexts name": _contexts,
    "health": _healths,
    "status": _statuses,
}
_FINDS: Final[Mapping[str, Callable[["Client", "CompletionContext"], Found]]] = {
    "--name": _jobs,
    "cluster": _clusters,
    "clusters name": _clusters,
    "job": _jobs,
    "jobs": _jobs,
    "move_id": _orders("moves"),
    "resume_id": _orders("resumes"),
    "savepoint_id": _savepoints,
    "selector": _tags,
    "stop": _orders("stops"),
    "stop_id": _orders("stops"),
    "tag": _tags,
    "targets": _targets,
    "to": _clusters,
    "variables name": _variables,
    "wave": _waves,
}
