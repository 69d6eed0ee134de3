"""Which service a command talks to, about which project, and as whom.

What an option says goes first, and `--context` is one; then the environment; then the context that the environment or
the file names; then the default. A context's credential goes to that context's server alone.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from sluiceway.cli import context_file, kept, private
from sluiceway.cli.context_file import Context, Contexts
from sluiceway.cli.kept import Kept
from sluiceway.cli.language import t
from sluiceway.cli.output import NOT_ALLOWED, Failed
from sluiceway.cli.signing import Credential, Signer

SERVER: Final = "http://127.0.0.1:8640"
PROJECT: Final = "default"
_CREDENTIALS: Final = ("SLUICEWAY_ACCESS_KEY", "SLUICEWAY_SECRET_KEY", "SLUICEWAY_TOKEN")


class _Key(Struct, frozen=True):
    """An access key, as `sluiceway access keys add --json` prints it."""

    access: str
    secret: str
    security_token: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What a command works with. `sources` says of server, project and context where each was found."""

    server: str
    project: str
    name: str  # of the context; empty without one
    context: Context | None  # only where it is of this server
    named: bool  # the context by an option
    sources: Mapping[str, str]
    authority: Path | None
    login: str  # the command that signs in here
    key_file: Path | None = None  # with the context's access key

    @property
    def key(self) -> str:
        """What the sign-in here is kept under."""
        return kept.key_of(self.name if self.context else "", self.server)

    def signer(self, *, any_project: bool = False) -> Signer:
        """Who calls. Raises `Failed` where a credential is there and of no use."""
        return self.found_signer(any_project=any_project)[0]

    def found_signer(self, *, any_project: bool = False) -> tuple[Signer, str]:
        """The same, and where it was found."""
        ways = [self._of_context, self._of_environment] if self.named else [self._of_environment, self._of_context]
        project = "" if any_project else self.project
        for way in ways:
            if (found := way(project)) is not None:
                return found
        nobody = Credential(advice=t("Next: {login}, or set SLUICEWAY_TOKEN.", login=self.login))
        return self._kept(kept.key_of("", self.server), project) or (nobody, "nothing")

    def _of_environment(self, _: str) -> tuple[Signer, str] | None:
        credential = Credential.of_environment()
        given = [name for name in _CREDENTIALS if os.environ.get(name, "").strip()]
        return (credential, f"the environment ({given[0]})") if given else None

    def _of_context(self, project: str) -> tuple[Signer, str] | None:
        context = self.context
        if context is None:
            return None
        if self.key_file is not None:
            return _of_file(self.key_file), f"the access key in {self.key_file}"
        if context.access_key_env:
            names = (context.access_key_env, context.secret_key_env, context.security_token_env)
            return _of_variables(self.name, names), f"the access key in {context.access_key_env}"
        return self._kept(self.key, project)

    def _kept(self, key: str, project: str) -> tuple[Signer, str] | None:
        found = kept.read(key)
        if found is None or found.server != self.server:
            return None
        from sluiceway.cli.signed_in import SignedIn

        return SignedIn(key, found, project, self.authority, self.login), f"sluiceway login as {found.user}"

    def sign_in(self) -> Kept | None:
        """What `sluiceway login` has kept for here. Raises `Failed`."""
        found = kept.read(self.key)
        return found if found is not None and found.server == self.server else None


def settle(context: str, server: str, project: str) -> Target:
    """What the options (empty where they are not given), the environment and the file make of it. Raises `Failed`."""
    file = context_file.load()
    name, said = _first(
        [(context, "--context"), (_variable("SLUICEWAY_CONTEXT"), "SLUICEWAY_CONTEXT"), (file.current, str(file.path))]
    )
    found = file.named(name, said) if name else None
    by_option = said == "--context"
    where, source = _value(server, "server", found, name, named=by_option, default=SERVER)
    about, why = _value(project, "project", found, name, named=by_option, default=PROJECT)
    where = where.rstrip("/")
    its_own = found if found is not None and found.server.rstrip("/") == where else None
    login = " --context " + name if by_option and its_own else f" --server {where}" if source == "--server" else ""
    return Target(
        server=where,
        project=about,
        name=name,
        context=its_own,
        named=by_option,
        sources={"context": said, "server": source, "project": why},
        authority=_path(file, its_own.certificate_authority if its_own else ""),
        login=f"sluiceway login{login}",
        key_file=_path(file, its_own.access_key_file if its_own else ""),
    )


def _value(option: str, what: str, context: Context | None, name: str, *, named: bool, default: str) -> tuple[str, str]:
    """The server or project, and where it was found. Raises `Failed` for a variable that holds none."""
    variable = f"SLUICEWAY_{what.upper()}"
    of_context = (getattr(context, what) if context else "", f"context {name}")
    given = (_variable(variable), variable)
    below = [of_context, given] if named else [given, of_context]
    value, source = _first([(option, f"--{what}"), *below, (default, "default")])
    wrong = context_file.wrong_address if what == "server" else context_file.wrong_project
    if why := wrong(value):
        raise Failed(t("{source} is {value}. {why}", source=source, value=value, why=why), code=2)
    return value, source


def _first(found: Sequence[tuple[str, str]]) -> tuple[str, str]:
    return next((one for one in found if one[0]), ("", ""))


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip()


def _path(file: Contexts, path: str) -> Path | None:
    return file.file_of(path) if path else None


def _of_file(path: Path) -> Credential:
    text = private.read_secret(path)
    if text is None:
        raise Failed(t("{path}, which is to hold the access key, is not there.", path=path), code=NOT_ALLOWED)
    try:
        key = msgspec.json.decode(text, type=_Key)
    except (msgspec.DecodeError, RecursionError):
        told = t(
            "{path} holds no access key. It is JSON as `sluiceway access keys add --json` prints it: "
            '{{"access": "…", "secret": "…"}}.',
            path=path,
        )
        raise Failed(told, code=2) from None
    return Credential(key.access, key.secret, key.security_token or "")


def _of_variables(name: str, names: Sequence[str]) -> Credential:
    values = [_variable(variable) if variable else "" for variable in names]
    missing = [variable for variable, value in zip(names, values, strict=True) if variable and not value]
    if missing:
        variables = t(" and ").join(missing)
        raise Failed(
            t("Context {name} takes its access key from {variables}: not set.", name=name, variables=variables),
            code=NOT_ALLOWED,
        )
    return Credential(*values)
