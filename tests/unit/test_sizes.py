"""Modules stay under 400 lines and functions under 50, unless there is a reason, which goes when they shrink."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parents[2] / "src" / "sluiceway"
LINES: Final = 400  # of a module
LENGTH: Final = 50  # of a function
MODULES: Final = {
    "engines/jobmanager/rest.py": "a short method for each path of Flink's that is asked",
    "storage/savepoints.py": "finding and reading share listings and the judgement of a _metadata",
    "store/schema.py": "all tables in one place",
    "testing/fake_jobs.py": "one job's states, timers and disk move together",
    "testing/fake_rest.py": "a short function for every path that the service asks",
}
FUNCTIONS: Final = {
    "api/native/jobs.py list_jobs": "the parameters of a list, which Litestar reads",
    "assembly/service.py running": "what a service is made of, in the order in which it begins",
    **dict.fromkeys(
        (
            "cli/contexts.py add",
            "cli/job_program.py program",
            "cli/moves.py move",
            "cli/resume.py resume",
            "cli/stops.py stop",
        ),
        "a command's parameters and help text, which Cyclopts reads",
    ),
}


def sources() -> Iterator[tuple[str, str]]:
    """All modules but migrations, whose steps are written once and never touched again."""
    for path in sorted(SOURCE.rglob("*.py")):
        if "versions" not in path.parts:
            yield path.relative_to(SOURCE).as_posix(), path.read_text(encoding="utf-8")


def long_functions(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            if node.end_lineno - node.lineno + 1 > LENGTH:
                yield node.name


def test_long_modules_and_functions_have_a_reason() -> None:
    modules = {name for name, text in sources() if text.count("\n") > LINES}
    functions = {f"{name} {function}" for name, text in sources() for function in long_functions(text)}
    assert modules == MODULES.keys(), "split it, or write down why not; drop a reason that is no longer needed"
    assert functions == FUNCTIONS.keys(), "split it, or write down why not; drop a reason that is no longer needed"
