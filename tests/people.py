"""Who may call a service: users, keys and grants, made as an administrator makes them."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

from tests.sdk import PROJECT

from sluiceway.cli.main import run


def access(data: Path, *arguments: str) -> Any:
    """What `sluiceway access` answers."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert run(["access", *arguments, "--data", str(data), "--json"]) == 0
    return json.loads(out.getvalue())


def user(data: Path, name: str, role: str, project: str = PROJECT, *more: str) -> dict[str, str]:
    """A new user with a role, as an access key."""
    access(data, "users", "add", name)
    access(data, "grant", name, role, "--project", project, *more)
    return key(data, name)


def key(data: Path, name: str, *more: str) -> dict[str, str]:
    """Another access key of a user."""
    made: dict[str, str] = access(data, "keys", "add", name, *more)
    return made
