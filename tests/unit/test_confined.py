"""What a program is left with that gives up its rights. Here Python itself, as Java would take seconds."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sluiceway.engines.planning import confined

REPORT = """
import json, os, resource
def attempt(work):
    try:
        work()
    except OSError as error:
        return error.strerror
    return ""
print(json.dumps({
    "environment": dict(os.environ),
    "directory": os.getcwd(),
    "core": resource.getrlimit(resource.RLIMIT_CORE)[1],
    "large": attempt(lambda: open("large", "wb", 0).write(bytes(2_000_000)) == 2_000_000 or os.stat("missing")),
    "own": attempt(lambda: open("mine", "w").write("x")),
    "secret": attempt(lambda: open(SECRET).read()),
    "beside": attempt(lambda: open(BESIDE, "w").write("x")),
    "listed": attempt(lambda: os.listdir(os.path.dirname(SECRET))),
}))
"""


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    directory, secret = tmp_path / "own", tmp_path / "data" / "secret"
    directory.mkdir()
    secret.parent.mkdir()
    secret.write_text("hush")
    python = Path(sys.executable).resolve()
    plan = {
        "directory": str(directory),
        "read": [str(python.parent.parent)],  # in place of Java's home
        "file_bytes": 1_000_000,
    }
    program = REPORT.replace("SECRET", repr(str(secret))).replace("BESIDE", repr(str(secret.with_name("new"))))
    launched = subprocess.run(
        [sys.executable, "-I", "-S", confined.__file__, json.dumps(plan), str(python), "-I", "-S", "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )
    told, report = launched.stdout.splitlines()
    return {**json.loads(report), "told": json.loads(told.removeprefix(confined.TOLD)), "place": str(directory)}


def test_a_confined_program_has_its_own_directory_environment_and_limits(found: dict[str, Any]) -> None:
    place = found["place"]
    assert set(found["environment"]) <= {"HOME", "TMPDIR", "TZ", "LANG", "LC_ALL", "LC_CTYPE"}
    assert found["environment"]["TZ"] == "Asia/Shanghai", "what SQL calls local time"
    assert (found["environment"]["HOME"], found["directory"]) == (place, place)
    assert found["core"] == 0
    assert found["own"] == ""
    assert found["large"] in {"File too large", "No such file or directory"}


def test_with_landlock_it_reaches_nothing_else(found: dict[str, Any]) -> None:
    denied = "Permission denied" if found["told"]["landlock"] else ""
    assert {name: found[name] for name in ("secret", "beside", "listed")} == dict.fromkeys(
        ("secret", "beside", "listed"), denied
    )


@pytest.mark.parametrize(
    ("confinement", "told"),
    [
        ({"user": "nobody", "landlock": 7}, "as the user nobody, Landlock 7"),
        ({"user": "", "landlock": 0}, "as the service's user, without Landlock"),
    ],
)
def test_how_it_is_confined_is_told(confinement: dict[str, Any], told: str) -> None:
    from sluiceway.engines.planning.jvm_process import Confinement

    assert str(Confinement(**confinement)) == told
