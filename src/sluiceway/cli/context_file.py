"""The file of contexts: services by name, each with its project, certificate authority and way to sign in.

current = "prod"

[contexts.prod]
server = "https://sluiceway.example:8640"
project = "payments"
"""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from sluiceway.cli import private
from sluiceway.cli.language import t
from sluiceway.cli.output import NOTHING, Failed, one_line

PROJECT: Final = re.compile(r"[A-Za-z0-9]{1,64}")
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
FILE: Final = "config.toml"


class Context(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One of them. Paths are relative to the file's directory."""

    server: str
    project: str = ""
    certificate_authority: str = ""  # a file, PEM
    user: str = ""  # whose password `sluiceway login` asks for
    access_key_file: str = ""  # JSON, as `sluiceway access keys add --json` prints it
    access_key_env: str = ""  # names of variables
    secret_key_env: str = ""
    security_token_env: str = ""


@dataclass(frozen=True, slots=True)
class Contexts:
    """What the file says; nothing where there is none."""

    path: Path | None
    text: str
    current: str
    all: dict[str, Context]

    def named(self, name: str, said: str) -> Context:
        """The one with this name, which `said` has asked for. Raises `Failed`."""
        if name in self.all:
            return self.all[name]
        there = t("There are: {names}.", names=", ".join(sorted(self.all))) if self.all else t("There is none yet.")
        raise Failed(
            one_line(
                t(
                    "{said} names context {name}, which is not there. {there} Choose with `sluiceway "
                    "contexts use NAME`, or make it: sluiceway contexts add {name} --server URL",
                    said=said,
                    name=name,
                    there=there,
                )
            ),
            code=NOTHING,
        )

    def file_of(self, path: str) -> Path:
        """A path that the file names."""
        base = self.path.parent if self.path else Path()
        return base / os.path.expanduser(path)


def load() -> Contexts:
    """Read the file. Raises `Failed`, which names file and line."""
    place = private.directory("XDG_CONFIG_HOME", ".config")
    path = place / FILE if place else None
    text = (private.read(path) if path else None) or ""
    current, found = _parsed(str(path), text)
    return Contexts(path, text, current, found)


def wrong_address(server: str) -> str:
    """Why this is no address of a service; empty where it is one."""
    try:
        parts = urlsplit(server)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    return "" if good else t("It is a URL, for example http://127.0.0.1:8640.")


def wrong_name(name: str) -> str:
    """Why this names no context; empty where it does."""
    return "" if NAME.fullmatch(name) else t("It has 1 to 64 letters, digits and . _ -, first a letter or digit.")


def wrong_project(project: str) -> str:
    """Why this names no project; empty where it does."""
    return "" if PROJECT.fullmatch(project) else t("It has 1 to 64 letters and digits.")


# What it says. -------------------------------------------------------------------------------------------------------


def _parsed(path: str, text: str) -> tuple[str, dict[str, Context]]:
    if not text.strip():
        return "", {}
    import tomllib  # most commands have no file to read

    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Failed(one_line(t("{path} is not TOML: {error}.", path=path, error=error)), code=2) from None

    def wrong(name: str, key: str, why: str) -> Failed:
        return Failed(
            one_line(t("{path}, line {line}: {why}", path=path, line=line_of(text, name, key), why=why)), code=2
        )

    for key in document.keys() - {"current", "contexts"}:
        raise wrong(
            "", key, t("there is no {key} here; at the top stand current, and the tables [contexts.NAME].", key=key)
        )
    current, contexts = document.get("current", ""), document.get("contexts", {})
    if not isinstance(current, str):
        raise wrong("", "current", t("current is the name of a context, in quotes."))
    if not isinstance(contexts, dict):
        raise wrong("", "contexts", t("contexts are tables: [contexts.NAME]."))
    found = {}
    for name, fields in contexts.items():
        if why := wrong_name(name):
            raise wrong(name, "", t("{name} names no context. {why}", name=name, why=why))
        try:
            found[name] = msgspec.convert(fields, Context)
        except msgspec.ValidationError as error:
            why, _, where = str(error).partition(" - at `$.")
            key = where.rstrip("`") or why.rpartition("field `")[2].rstrip("`")
            told = (
                t("context {name}, {key}: {why}", name=name, key=key, why=why)
                if where
                else t("context {name}: {why}", name=name, why=why)
            )
            raise wrong(name, key, told) from None
        if (bad := fault(found[name])) is not None:
            raise wrong(name, bad[0], t("context {name}, {key}: {why}", name=name, key=bad[0], why=bad[1]))
    return current, found


def fault(context: Context) -> tuple[str, str] | None:
    """The key that is wrong, and why."""
    if why := wrong_address(context.server):
        return "server", why
    if context.project and (why := wrong_project(context.project)):
        return "project", why
    if bool(context.access_key_env) != bool(context.secret_key_env):
        return "access_key_env", t("access_key_env and secret_key_env go together.")
    if context.security_token_env and not context.access_key_env:
        return "security_token_env", t("it goes with access_key_env and secret_key_env.")
    if context.access_key_file and context.access_key_env:
        return "access_key_file", t("the access key is in a file or in variables, not in both.")
    return None


def line_of(text: str, name: str, key: str = "") -> int:
    """The line of a key in a context's table, or else of the table. Without a name: at the top of the file."""
    inside, table = not name, 1
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if bare.startswith("["):
            inside = bool(name) and _headed(bare) == name
            table = number if inside else table
        elif inside and key and bare.partition("=")[0].strip().strip("\"'") == key:
            return number
    return table


def _headed(line: str) -> str | None:
    """The context that a table's header is of."""
    group, _, name = line.partition("]")[0].lstrip("[").partition(".")
    return name.strip().strip("\"'") if group.strip() == "contexts" else None


# Changing it, with everything else in it left as it stands. ----------------------------------------------------------


def add(file: Contexts, name: str, context: Context) -> None:
    """Put a context at the end. The first one becomes the current one. Raises `Failed`."""
    fields = msgspec.to_builtins(context)
    table = [f"[contexts.{_key(name)}]", *(f"{key} = {_quoted(value)}" for key, value in fields.items())]
    text = "\n".join([*([file.text.rstrip(), ""] if file.text.strip() else []), *table, ""])
    contexts = {**file.all, name: context}
    if file.current or file.all:
        _store(file, text, file.current, contexts)
    else:
        _store(file, _with_current(text, name), name, contexts)


def use(file: Contexts, name: str) -> None:
    """Make a context the current one; the empty name for none. Raises `Failed`."""
    _store(file, _with_current(file.text, name), name, file.all)


def remove(file: Contexts, name: str) -> None:
    """Take a context away; where it was the current one there is none then. Raises `Failed`."""
    rest = {key: value for key, value in file.all.items() if key != name}
    text = _without(file.text, name)
    if file.current == name:
        _store(file, _with_current(text, ""), "", rest)
    else:
        _store(file, text, file.current, rest)


def _store(file: Contexts, text: str, current: str, contexts: dict[str, Context]) -> None:
    if file.path is None:
        raise Failed(t("There is no home directory to keep contexts in. Set XDG_CONFIG_HOME."), code=2)
    try:
        right = _parsed(str(file.path), text) == (current, contexts)
    except Failed:
        right = False
    if not right:  # tables in one line, names in odd forms: whoever wrote them knows better
        raise Failed(
            t("{path} is written in a way that only its author can change. Edit it by hand.", path=file.path), code=2
        )
    private.write(file.path, text)


def _with_current(text: str, name: str) -> str:
    lines = text.splitlines()
    tables = next((at for at, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    kept = [line for line in lines[:tables] if line.partition("=")[0].strip() != "current"]
    said = [f"current = {_quoted(name)}"] if name else []
    gap = [""] if said and not kept and tables < len(lines) else []
    return "\n".join([*said, *gap, *kept, *lines[tables:]]) + "\n"


def _without(text: str, name: str) -> str:
    kept: list[str] = []
    dropped: list[str] = []
    inside = False
    for line in text.splitlines():
        if line.lstrip().startswith("["):
            kept += _remarks(dropped)
            dropped, inside = [], _headed(line.strip()) == name
        (dropped if inside else kept).append(line)
    return "\n".join(kept).strip("\n") + "\n"


def _remarks(dropped: Sequence[str]) -> Sequence[str]:
    """The comments at the end of a table that goes: they are about the next one."""
    at = len(dropped)
    while at > 0 and dropped[at - 1].lstrip().startswith("#"):
        at -= 1
    return dropped[at:]


def _key(name: str) -> str:
    return _quoted(name) if "." in name else name


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)  # a string of JSON is one of TOML
