"""`sluiceway login`, `logout` and `whoami`: sign in once, for the commands that follow."""

import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from sluiceway.cli import issuer, kept, tables
from sluiceway.cli.answers import read
from sluiceway.cli.connection import Connection
from sluiceway.cli.kept import Kept
from sluiceway.cli.language import t
from sluiceway.cli.options import Common, commands, or_default
from sluiceway.cli.output import Failed, ask, complain, one_line, visible
from sluiceway.cli.password import ask_password
from sluiceway.cli.signed_in import SignedIn, token_for
from sluiceway.cli.signing import Credential, Signer, is_jwt
from sluiceway.cli.target import Target

login_app = commands("login")
logout_app = commands("logout")
whoami_app = commands("whoami")

_FIRST: Final = ("SLUICEWAY_ACCESS_KEY", "SLUICEWAY_TOKEN")  # variables that go before what is kept


class _Provider(Struct, frozen=True):
    issuer: str
    audience: str
    client_id: str


class _Ways(Struct, frozen=True):
    required: bool
    oidc: _Provider | None = None


class _Grant(Struct, frozen=True):
    role: str
    project: str
    queue: str | None = None


class _Who(Struct, frozen=True):
    user: str
    grants: list[_Grant]


class _Times(Struct, frozen=True):
    issued_at: str
    expires_at: str


class _Issued(Struct, frozen=True):
    token: _Times


@login_app.default
def login(name: str = "", /, *, common: Common | None = None) -> int:
    """Sign in to the service, for the commands that follow, until the token ends.

    Where the identity provider lets commands sign in, it shows an address, and a code to confirm there. With a name, or
    where there is no such provider, it asks for a password; through a pipe, it takes the first line. The token is kept
    for the context, or without one for the server, in a file of your own. It is never shown.

    Example: `sluiceway login --context prod`

    Parameters
    ----------
    name
        Your name as a user of the service, to sign in with a password. Default: the user of the context.
    """
    common = or_default(common)
    to = common.target
    _check(to)
    http = Connection(to.server, Credential(), to.authority)
    ways = read(http.ok("GET", "/api/v1/sign-in").data, _Ways)
    if not ways.required:
        done = t("Everybody is let in at {server}: there is nothing to sign in to.", server=to.server)
        return common.told({"server": to.server, "required": False}, done)
    name = name or (to.context.user if to.context else "")
    made = _by_issuer(to, ways.oidc) if ways.oidc and not name else _by_password(http, name)
    made = msgspec.structs.replace(made, server=to.server)
    who = _who(to, Credential(token=made.token, advice=_let_in(made)))
    made = msgspec.structs.replace(made, user=who.user)
    kept.write(to.key, made)
    _warn(to, who)
    until = tables.when(int(made.ends * 1000))
    done = (
        t(
            "Signed in to {server} as {user}, {roles}. The token ends at {until} and is renewed.",
            server=to.server,
            user=who.user,
            roles=_roles(who),
            until=until,
        )
        if made.refresh_token
        else t(
            "Signed in to {server} as {user}, {roles}. The token ends at {until}.",
            server=to.server,
            user=who.user,
            roles=_roles(who),
            until=until,
        )
    )
    return common.told(_told(to, who) | {"until": _until(made)}, done)


@logout_app.default
def logout(*, common: Common | None = None) -> int:
    """End what `sluiceway login` has kept for the context, or without one for the server.

    The service ends its own token at once. One of an identity provider is good for whoever has it until its end; it is
    forgotten here.

    Example: `sluiceway logout --context prod`
    """
    common = or_default(common)
    to = common.target
    try:
        held = to.sign_in()
    except Failed as failed:
        complain(str(failed))
        held = None
    if held is not None and not is_jwt(held.token) and held.ends > time.time():
        _end(to, held)
    kept.forget(to.key)
    done = (
        t("Signed out of {server}.", server=to.server)
        if held
        else t("Nobody was signed in to {server} by sluiceway login.", server=to.server)
    )
    return common.told({"server": to.server, "was_signed_in": held is not None}, done)


@whoami_app.default
def whoami(*, common: Common | None = None) -> int:
    """Show as whom commands call the service, with which rights, and where that is from.

    Example: `sluiceway whoami`
    """
    common = or_default(common)
    to = common.target
    signer, by = to.found_signer(any_project=True)
    who = _who(to, signer)
    ends = tables.when(int(signer.kept.ends * 1000)) if isinstance(signer, SignedIn) else ""
    rows = [
        ("user", one_line(who.user)),
        ("server", to.server),
        ("context", to.name),
        ("project", to.project),
        ("roles", _roles(who)),
        ("signed in by", by),
        ("until", ends),
    ]
    data = _told(to, who) | {"by": by, "until": _until(signer.kept) if isinstance(signer, SignedIn) else None}
    shown = [row for row in rows if row[1]]
    return common.told(data, lambda: tables.table(("what", "value"), shown))


# The ways in. --------------------------------------------------------------------------------------------------------


def _by_password(http: Connection, name: str) -> Kept:
    name = name or _ask_name()
    user = {"name": name, "password": ask_password(t("Password"), twice=False)}
    identity = {"methods": ["password"], "password": {"user": user}}
    reply = token_for(http, identity, "")
    times = read(reply.data, _Issued).token
    lasts = tables.seconds_between(times.issued_at, times.expires_at) or 0.0
    return Kept("", name, reply.headers.get("x-subject-token", ""), time.time() + lasts)


def _by_issuer(to: Target, provider: _Provider) -> Kept:
    client, authority = provider.client_id, to.authority
    metadata = issuer.discover(provider.issuer, authority)
    code = issuer.begin(metadata, client, authority)
    whole = code.verification_uri_complete
    _note(t("Open {address}", address=whole or code.verification_uri))
    _note(
        t("and confirm that it shows the code {user_code}", user_code=code.user_code)
        if whole
        else t("and enter the code {user_code}", user_code=code.user_code)
    )
    _note(
        t(
            "Waiting until you have, {length} at most. Ctrl-C ends it.",
            length=tables.lasting(int(code.expires_in * 1000)),
        )
    )
    tokens = issuer.wait(metadata, code, client, authority)
    token, claims = issuer.fit_for(tokens, provider.audience)
    return Kept(
        "",
        str(claims.get("sub", "")),
        token,
        time.time() + issuer.lasts(claims),
        refresh_token=tokens.refresh_token,
        token_endpoint=metadata.token_endpoint,
        client_id=client,
        audience=provider.audience,
    )


def _let_in(made: Kept) -> str:
    """What to do where the service knows nobody by that token."""
    if not is_jwt(made.token):
        return ""
    return one_line(t("An administrator lets you in: sluiceway access users add NAME --subject {user}", user=made.user))


def _ask_name() -> str:
    if not sys.stdin.isatty():
        raise Failed(t("Give your name: sluiceway login NAME. The password is read from the pipe."), code=2)
    name = ask(t("Name: ")).strip()
    if not name:
        raise Failed(t("No name was given; nothing was done."), code=2)
    return name


def _end(to: Target, held: Kept) -> None:
    http = Connection(to.server, Credential(token=held.token), to.authority)
    try:
        http.ok("DELETE", "/v3/auth/tokens", extra={"X-Subject-Token": held.token})
    except Failed as failed:
        until = tables.when(int(held.ends * 1000))
        complain(
            t(
                "{failed}\nThe token is forgotten here, and is good until {until} for whoever has it.",
                failed=failed,
                until=until,
            )
        )


def _check(to: Target) -> None:
    """Raises `Failed` where nobody would use what is kept."""
    if to.context and (to.context.access_key_file or to.context.access_key_env):
        raise Failed(
            t("Context {context} signs with an access key; there is nothing to sign in to.", context=to.name), code=2
        )
    parts = urlsplit(to.server)
    if parts.scheme == "http" and not issuer.is_here(parts.hostname or ""):
        complain(t("{server} is not https: what you sign in with travels unencrypted", server=to.server))


def _warn(to: Target, who: _Who) -> None:
    given = [name for name in _FIRST if os.environ.get(name, "").strip()]
    if given and not to.named:
        complain(t("{variable} is set in the environment, and goes before what was kept here", variable=given[0]))
    if not any(grant.project in {to.project, "*"} for grant in who.grants):
        complain(
            t(
                "{user} has no role in project {project}; choose with --project, or in the context",
                user=who.user,
                project=to.project,
            )
        )


# What is told. -------------------------------------------------------------------------------------------------------


def _who(to: Target, signer: Signer) -> _Who:
    return read(Connection(to.server, signer, to.authority).ok("GET", "/api/v1/whoami").data, _Who)


def _roles(who: _Who) -> str:
    told = [_role(grant) for grant in who.grants]
    return one_line(", ".join(told)) or t("without any role")


def _role(grant: _Grant) -> str:
    where = t("every project") if grant.project == "*" else grant.project
    if grant.queue:
        return t("{role} in {where} on queue {queue}", role=grant.role, where=where, queue=grant.queue)
    return t("{role} in {where}", role=grant.role, where=where)


def _until(held: Kept) -> str:
    """When a token ends, as documents have moments."""
    return datetime.fromtimestamp(held.ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _told(to: Target, who: _Who) -> dict[str, object]:
    grants: Sequence[object] = [msgspec.structs.asdict(grant) for grant in who.grants]
    where = {"server": to.server, "context": to.name or None, "project": to.project}
    return {"user": who.user, "grants": grants, **where}


def _note(text: str) -> None:
    """A line to act on: on standard error, as standard output may be a document."""
    print(visible(one_line(text)), file=sys.stderr, flush=True)
