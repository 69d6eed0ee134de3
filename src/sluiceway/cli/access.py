"""`sluiceway access`: users, their keys and their rights. Works on the database, as an administrator on the machine."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from cyclopts import Parameter

from sluiceway.cli import tables
from sluiceway.cli.columns import Column, Kind
from sluiceway.cli.data_directory import DataDirectory
from sluiceway.cli.language import t
from sluiceway.cli.options import Flag, commands
from sluiceway.cli.output_options import ColumnNames
from sluiceway.cli.password import ask_password
from sluiceway.domain.access import EVERY_PROJECT, Grant, Role

if TYPE_CHECKING:
    from sluiceway.store.accounts import User

T = TypeVar("T")
_LONGEST: Final = timedelta(days=365)

access_app = commands("access", "Let people in: users, access keys, and what they are granted.")
users_app = commands("users", "Users, who may sign in.")
keys_app = commands("keys", "Access keys (AK/SK), which programs sign their requests with.")
tokens_app = commands("tokens", "Tokens, which users get for their password.")
for _app in (users_app, keys_app, tokens_app):
    access_app.command(_app)


def _check_lasts(_: Any, value: timedelta | None) -> None:
    if value is not None and not timedelta(0) < value <= _LONGEST:
        raise ValueError(t("It is a time above 0 and up to 365d, for example 12h."))


Lasts = Annotated[timedelta | None, Parameter(validator=_check_lasts)]
Projects = Annotated[str, Parameter(name=["--project", "-p"])]


# Users. --------------------------------------------------------------------------------------------------------------


@users_app.command(name="add")
def add_user(
    name: str,
    /,
    *,
    password: Flag = False,
    may_change_password: Flag = False,
    subject: str = "",
    data: DataDirectory | None = None,
) -> int:
    """Make a user, who may do nothing without a grant.

    Example: `sluiceway access users add ann --password`

    Parameters
    ----------
    name
        1 to 64 letters, digits and . _ - @. It cannot be changed.
    password
        Ask for a password, with which the user gets tokens; through a pipe, take the first line. Users who sign
        with access keys alone need none.
    may_change_password
        Let the user change it themselves, with `sluiceway password`.
    subject
        What the identity provider calls the user (`sub` of its tokens).
    """
    data = (data or DataDirectory()).begin()
    given = ask_password(t("Password for {name}", name=name)) if password else None
    data.do(lambda access: access.add_user(name, given, subject, may_change_password=may_change_password), first=True)
    return data.told(
        {"name": name},
        t("User {name} is made. Next: sluiceway access grant {name} ROLE --project PROJECT", name=name),
        name,
    )


@users_app.command(name="list")
def list_users(*, columns: ColumnNames = None, data: DataDirectory | None = None) -> int:
    """List the users and their grants.

    Example: `sluiceway access users list`
    """
    data = (data or DataDirectory()).begin()
    found = data.do(lambda access: access.users())
    rows = [_user(user) for user in found]
    return data.show(_USERS, rows, rows, columns)


@users_app.command
def disable(name: str, /, *, data: DataDirectory | None = None) -> int:
    """Disable a user: password, access keys and tokens stop working at once.

    Example: `sluiceway access users disable ann`

    Parameters
    ----------
    name
        The user's name.
    """
    data = (data or DataDirectory()).begin()
    data.do(lambda access: access.disable(name))
    return data.told({"name": name, "disabled": True}, t("User {name} is disabled.", name=name), name)


@users_app.command
def enable(name: str, /, *, data: DataDirectory | None = None) -> int:
    """Enable a disabled user again, with the same access keys and grants. The user has to ask for new tokens.

    Example: `sluiceway access users enable ann`

    Parameters
    ----------
    name
        The user's name.
    """
    data = (data or DataDirectory()).begin()
    data.do(lambda access: access.enable(name))
    return data.told({"name": name, "disabled": False}, t("User {name} may call again.", name=name), name)


@users_app.command(name="password")
def set_password(name: str, /, *, data: DataDirectory | None = None) -> int:
    """Set a user's password. Asks for it; through a pipe, takes the first line. The user's tokens end.

    Example: `sluiceway access users password ann`

    Parameters
    ----------
    name
        The user's name.
    """
    data = (data or DataDirectory()).begin()
    given = ask_password(t("New password for {name}", name=name))
    data.do(lambda access: access.set_password(name, given))
    return data.told({"name": name}, t("The password of {name} is changed.", name=name), name)


@users_app.command(name="own-password")
def own_password(name: str, /, *, deny: Flag = False, data: DataDirectory | None = None) -> int:
    """Let a user change their own password, with `sluiceway password`.

    Example: `sluiceway access users own-password ann`

    Parameters
    ----------
    name
        The user's name.
    deny
        No longer let them.
    """
    data = (data or DataDirectory()).begin()
    data.do(lambda access: access.let_change_password(name, allowed=not deny))
    done = (
        t("User {name} may no longer change their own password.", name=name)
        if deny
        else t("User {name} may change their own password.", name=name)
    )
    return data.told({"name": name, "may_change_password": not deny}, done, name)


# Access keys. --------------------------------------------------------------------------------------------------------


@keys_app.command(name="add")
def add_key(user: str, /, *, expires: Lasts = None, data: DataDirectory | None = None) -> int:
    """Make an access key for a user and show the secret, once.

    Example: `sluiceway access keys add ann --expires 12h`

    Parameters
    ----------
    user
        The user's name.
    expires
        How long it is good for: 30m, 12h, 7d. It is a temporary credential then, with a security token that goes
        along. Default: until it is revoked.
    """
    data = (data or DataDirectory()).begin()
    made = data.do(lambda access: access.add_key(user, expires))
    lines = [t("Access key (AK): {access}", access=made.access), t("Secret key (SK): {secret}", secret=made.secret)]
    lines += [t("Security token:  {security_token}", security_token=made.security_token)] if made.security_token else []
    lines += [t("Good until:      {at}", at=_when(made.expires_at))] if made.expires_at else []
    return data.told(_plain(asdict(made)), "\n".join([*lines, t("Keep the secret: it is not shown again.")]))


@keys_app.command(name="list")
def list_keys(user: str | None = None, /, *, columns: ColumnNames = None, data: DataDirectory | None = None) -> int:
    """List access keys, without their secrets.

    Example: `sluiceway access keys list ann`

    Parameters
    ----------
    user
        Those of one user. Default: all.
    """
    data = (data or DataDirectory()).begin()
    found = data.do(lambda access: access.keys(user))
    rows = [_plain(asdict(key)) for key in found]
    return data.show(_KEYS, rows, rows, columns)


@keys_app.command(name="revoke")
def revoke_key(access: str, /, *, data: DataDirectory | None = None) -> int:
    """End an access key at once, for good.

    Example: `sluiceway access keys revoke 2KX0B7TQ4H1M9ZC5W8RA`

    Parameters
    ----------
    access
        The access key (AK).
    """
    data = (data or DataDirectory()).begin()
    data.do(lambda to: to.revoke_key(access))
    return data.told({"access": access, "revoked": True}, t("Access key {access} is revoked.", access=access), access)


# Grants and tokens. --------------------------------------------------------------------------------------------------


@access_app.command
def grant(user: str, role: Role, /, *, project: Projects, queue: str = "", data: DataDirectory | None = None) -> int:
    """Grant a user a role in a project. It replaces the one that they had there.

    viewer: look. operator: also start, stop and verify. owner: also create, change, delete, and see who was refused.
    admin: also have savepoints written to any address; in every project, also register clusters.

    Example: `sluiceway access grant ann operator --project default --queue prod`

    Parameters
    ----------
    user
        The user's name.
    role
        viewer, operator, owner or admin.
    project
        The project's id; '*' for every project, also later ones.
    queue
        Only this queue's jobs may be started and stopped. Default: those of every queue.
    """
    data = (data or DataDirectory()).begin()
    given = Grant(role, project, queue or None)
    data.do(lambda access: access.grant(user, given))
    return data.told({"user": user, **_grant(given)}, t("{user} is {role}.", user=user, role=_in_words(given)), user)


@access_app.command
def revoke(user: str, /, *, project: Projects, queue: str = "", data: DataDirectory | None = None) -> int:
    """Take a grant back. Grants in other projects, or for another queue, stay.

    Example: `sluiceway access revoke ann --project default --queue prod`

    Parameters
    ----------
    user
        The user's name.
    project
        The project that the grant is for; '*' for the one for every project.
    queue
        The queue that the grant is for. Default: the grant for every queue.
    """
    data = (data or DataDirectory()).begin()
    taken = data.do(lambda access: access.revoke(user, project, queue or None))
    return data.told(
        {"user": user, **_grant(taken)}, t("{user} is no longer {role}.", user=user, role=_in_words(taken)), user
    )


@tokens_app.command(name="revoke")
def revoke_tokens(user: str, /, *, data: DataDirectory | None = None) -> int:
    """End all tokens of a user. They may get new ones with their password, unless they are disabled.

    Example: `sluiceway access tokens revoke ann`

    Parameters
    ----------
    user
        The user's name.
    """
    data = (data or DataDirectory()).begin()
    count = data.do(lambda access: access.revoke_tokens(user))
    return data.told(
        {"user": user, "revoked": count}, t("Tokens of {user} that ended: {count}.", user=user, count=count), user
    )


# Forms. --------------------------------------------------------------------------------------------------------------


def _user(user: "User") -> dict[str, Any]:
    return _plain(asdict(user)) | {"grants": [_grant(grant) for grant in user.grants]}


def _grant(given: Grant) -> dict[str, Any]:
    return {"role": given.role.value, "project": given.project, "queue": given.queue}


def _in_words(given: Grant) -> str:
    project = t("every project") if given.project == EVERY_PROJECT else t("project {project}", project=given.project)
    if given.queue is None:
        return t("{role} of {where}", role=given.role.value, where=project)
    return t("{role} of {where}, queue {queue}", role=given.role.value, where=project, queue=given.queue)


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in fields.items()}


def _when(at: datetime | None) -> str:
    return tables.moment(at.isoformat()) if at else ""


def _grants(user: dict[str, Any]) -> str:
    return "; ".join(Grant(Role(one["role"]), one["project"], one["queue"]).told for one in user["grants"])


def _password(user: dict[str, Any]) -> str:
    return "own" if user["may_change_password"] else tables.yes(user["has_password"])


_USERS: Final = Kind(
    dict[str, Any],
    (
        Column("user", lambda user: user["name"]),
        Column("grants", _grants),
        Column("password", _password, spare=True),
        Column("subject", lambda user: user["subject"] or "", spare=True),
        Column("disabled", lambda user: tables.moment(user["disabled_at"])),
    ),
    lambda user: str(user["name"]),
)
_KEYS: Final = Kind(
    dict[str, Any],
    (
        Column("access key", lambda key: key["access"]),
        Column("user", lambda key: key["user"]),
        Column("temporary", lambda key: tables.yes(key["temporary"]), spare=True),
        Column("made", lambda key: tables.moment(key["created_at"]), spare=True),
        Column("good until", lambda key: tables.moment(key["expires_at"]), spare=True),
        Column("revoked", lambda key: tables.moment(key["revoked_at"])),
    ),
    lambda key: str(key["access"]),
)
