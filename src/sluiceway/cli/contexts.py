"""`sluiceway contexts`: services by name, each with its project and way to sign in."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from sluiceway.cli import context_file, kept, tables
from sluiceway.cli.context_file import Context, Contexts, wrong_address, wrong_name, wrong_project
from sluiceway.cli.language import in_english, t
from sluiceway.cli.options import Words, commands
from sluiceway.cli.output import Failed, complain, say
from sluiceway.cli.output_options import Output
from sluiceway.cli.target import Target, settle
from sluiceway.cli.trust import trusting

contexts_app = commands("contexts", "Name services to work with, and choose one.")

_File = Annotated[Path | None, Parameter(show_default=False)]


@contexts_app.command(name="list")
def list_(*, output: Output | None = None) -> int:
    """List the contexts. The current one has a star.

    Example: `sluiceway contexts list`
    """
    file = context_file.load()
    data = {"current": file.current or None, "contexts": [_plain(file, name) for name in sorted(file.all)]}
    return (output or Output()).begin().told(data, lambda: _show(file), *sorted(file.all))


@contexts_app.command
def use(name: str, /, *, output: Output | None = None) -> int:
    """Make a context the current one, which commands work in unless they are told otherwise.

    Example: `sluiceway contexts use prod`

    Parameters
    ----------
    name
        The context.
    """
    file = context_file.load()
    chosen = file.named(name, t("The command"))
    context_file.use(file, name)
    project = chosen.project or "default"
    done = t(
        "Commands work in context {name} now: {server}, project {project}.",
        name=name,
        server=chosen.server,
        project=project,
    )
    return (output or Output()).begin().told({"current": name}, done, name)


@contexts_app.command
def add(
    name: str,
    /,
    *,
    server: str,
    project: Words = "",
    ca: _File = None,
    user: Words = "",
    access_key_file: _File = None,
    access_key_env: Words = "",
    secret_key_env: Words = "",
    security_token_env: Words = "",
    output: Output | None = None,
) -> int:
    """Add a context. The first one becomes the current one.

    Example: `sluiceway contexts add prod --server https://sluiceway.example:8640 --project payments`

    Parameters
    ----------
    name
        1 to 64 letters, digits and . _ -
    server
        Address of the service.
    project
        The project to work in. Default: default.
    ca
        File of the certificate authority that the service's certificate is from (PEM), beside those that the system
        trusts.
    user
        Whose password `sluiceway login` asks for.
    access_key_file
        File with an access key, as `sluiceway access keys add --json` prints it, which nobody else may read. Commands
        sign with it, and nobody has to sign in.
    access_key_env
        Name of the environment variable that holds the access key (AK), in place of a file.
    secret_key_env
        Name of the one that holds the secret key (SK).
    security_token_env
        Name of the one that holds the security token, of a temporary key.
    """
    given = Context(
        server=server,
        project=project,
        certificate_authority=_absolute(ca),
        user=user,
        access_key_file=_absolute(access_key_file),
        access_key_env=access_key_env,
        secret_key_env=secret_key_env,
        security_token_env=security_token_env,
    )
    _check(name, given)
    file = context_file.load()
    if name in file.all:
        raise Failed(
            t("There is a context {name} already. Change it in {path}, or remove it first.", name=name, path=file.path),
            code=2,
        )
    context_file.add(file, name, given)
    first = not file.current and not file.all
    then = [t("It is the current one.") if first else t("Work in it with: sluiceway contexts use {name}", name=name)]
    if not (access_key_file or access_key_env):
        then.append(t("Sign in with: {command}", command="sluiceway login" + ("" if first else f" --context {name}")))
    return (
        (output or Output())
        .begin()
        .told({"name": name, "current": first}, "\n".join([t("Context {name} is added.", name=name), *then]), name)
    )


@contexts_app.command
def remove(name: str, /, *, output: Output | None = None) -> int:
    """Remove a context, and what `sluiceway login` has kept for it.

    Example: `sluiceway contexts remove prod`

    Parameters
    ----------
    name
        The context.
    """
    file = context_file.load()
    file.named(name, t("The command"))
    context_file.remove(file, name)
    kept.forget(name)
    done = [t("Context {name} is removed.", name=name)]
    done += [t("No context is the current one now.")] if file.current == name else []
    return (output or Output()).begin().told({"name": name, "removed": True}, " ".join(done), name)


@contexts_app.command
def show(name: str = "", /, *, output: Output | None = None) -> int:
    """Show what commands work with, and where each of it is from: an option, the environment, a context, a default.

    Example: `sluiceway contexts show`

    Parameters
    ----------
    name
        A context, as with --context. Default: what commands work with now.
    """
    to, output = settle(name, "", ""), (output or Output()).begin()
    with in_english(wanted=output.json):
        signed_in = _credential(to)
    data = {
        "context": to.name or None,
        "server": to.server,
        "project": to.project,
        "certificate_authority": str(to.authority) if to.authority else None,
        "credential": signed_in,
        "from": {key: value or None for key, value in to.sources.items()},
    }
    rows = [
        ("context", to.name or "none", to.sources["context"]),
        ("server", to.server, to.sources["server"]),
        ("project", to.project, to.sources["project"]),
        ("authority", str(to.authority or ""), f"context {to.name}"),
        ("signs in by", signed_in, ""),
    ]
    shown = [row for row in rows if row[1]]
    return output.told(data, lambda: tables.table(("what", "value", "from"), shown))


def _check(name: str, given: Context) -> None:
    """Raises `Failed`."""
    if why := wrong_name(name):
        raise Failed(t("{name} names no context. {why}", name=name, why=why), code=2)
    if why := wrong_address(given.server):
        raise Failed(t("--server is {server!r}. {why}", server=given.server, why=why), code=2)
    if given.project and (why := wrong_project(given.project)):
        raise Failed(t("--project is {project!r}. {why}", project=given.project, why=why), code=2)
    if (bad := context_file.fault(given)) is not None:
        raise Failed(f"--{bad[0].replace('_', '-')}: {bad[1]}", code=2)
    if given.certificate_authority:
        trusting(Path(given.certificate_authority))


def _absolute(path: Path | None) -> str:
    return str(path.expanduser().absolute()) if path else ""


def _credential(to: Target) -> str:
    try:
        return to.found_signer()[1]
    except Failed as failed:
        return str(failed)


def _plain(file: Contexts, name: str) -> dict[str, Any]:
    context = file.all[name]
    fields = {key: value or None for key, value in msgspec.structs.asdict(context).items()}
    return {"name": name, **fields, "signed_in": _signed_in(name, context)}


def _signed_in(name: str, context: Context) -> str:
    """How it signs in, in a few words."""
    if context.access_key_file or context.access_key_env:
        return "access key"
    try:
        found = kept.read(name)
    except Failed:
        return "unusable"
    if found is None or found.server != context.server.rstrip("/"):
        return "no"
    return f"{found.user}, ended" if found.ended else found.user


def _show(file: Contexts) -> None:
    if not file.all:
        say(
            t(
                "There is no context yet in {path}.\nAdd one with: sluiceway contexts add NAME --server URL",
                path=file.path,
            )
        )
        return
    rows = [
        ("*" if name == file.current else "", name, one.server, one.project or "default", _signed_in(name, one))
        for name, one in sorted(file.all.items())
    ]
    tables.table(("current", "context", "server", "project", "signed in"), rows)
    if file.current and file.current not in file.all:
        complain(
            t("{path} names {current} as the current context, which is not there", path=file.path, current=file.current)
        )
