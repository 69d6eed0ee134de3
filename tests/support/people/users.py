"""Who may call a service: users, keys and grants, made as an administrator makes them."""

import contextlib
import io
import json
import urllib.request
from pathlib import Path
from typing import Any
from unittest import mock

from tests.support.people.sdk import PROJECT

from sluiceway.cli.main import run


def access(data: Path, *arguments: str) -> Any:
    """What `sluiceway access` answers."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert run(["access", *arguments, "--data", str(data), "--json"]) == 0
    return json.loads(out.getvalue())


def user(data: Path, name: str, role: str, project: str, *more: str) -> dict[str, str]:
    """A new user with a role, as an access key."""
    access(data, "users", "add", name)
    access(data, "grant", name, role, "--project", project, *more)
    return key(data, name)


def key(data: Path, name: str, *more: str) -> dict[str, str]:
    """Another access key of a user."""
    made: dict[str, str] = access(data, "keys", "add", name, *more)
    return made


def set_password(data: Path, name: str, password: str) -> None:
    """Give a user a password."""
    with mock.patch("sys.stdin", io.StringIO(f"{password}\n")):
        access(data, "users", "password", name)


def token(url: str, name: str, password: str) -> str:
    """A token for a password, as the vendor's IAM gives them."""
    user = {"name": name, "password": password, "domain": {"name": "d"}}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"project": {"id": PROJECT}}}
    request = urllib.request.Request(f"{url}/v3/auth/tokens", json.dumps({"auth": auth}).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201
        return str(answer.headers["X-Subject-Token"])
