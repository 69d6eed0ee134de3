"""Users, access keys, tokens and grants: keeping them, and finding who a credential belongs to.

Every change is told in the audit, with `who` made it, and without anything secret.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, func, insert, literal, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.access import EVERY_PROJECT, Grant, Role
from sluiceway.store import ledger
from sluiceway.store.access_schema import access_keys, grants, tokens, users
from sluiceway.store.database import Database, epoch_ms, moment
from sluiceway.store.events import event
from sluiceway.store.reserve import Use

EXCHANGES: Final = 100  # tokens that may be good at once of those that came of one


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may call, if they have grants."""

    name: str
    subject: str | None
    has_password: bool
    may_change_password: bool
    created_at: datetime | None
    disabled_at: datetime | None
    grants: Sequence[Grant] = ()


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key without its secret."""

    access: str
    user: str
    temporary: bool
    created_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What a signature is checked with. Only of a user who is not disabled."""

    user: str
    secret: str  # sealed
    security_token: str | None  # a digest
    expires_at: datetime | None
    grants: Sequence[Grant]


@dataclass(frozen=True, slots=True)
class StoredToken:
    """Whose a token is. Only of a user who is not disabled."""

    user: str
    project: str
    expires_at: datetime | None
    grants: Sequence[Grant]


# Users. --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewUser:
    """Who is to be made; the password hashed."""

    name: str
    password: str | None = None
    subject: str | None = None
    may_change_password: bool = False


async def add_user(db: Database, new: NewUser, now: datetime, who: str) -> bool:
    """Store a new user; False when the name, or the subject, is taken."""
    row = asdict(new) | {"created_at": epoch_ms(now)}
    has = {
        "with a password": new.password is not None,
        "who may change it": new.may_change_password,
        f"subject {new.subject}": new.subject is not None,
    }
    async with db.write() as connection:
        made = await connection.execute(sqlite.insert(users).values(row).on_conflict_do_nothing())
        if made.rowcount:
            words = ", ".join([new.name, *(word for word, true in has.items() if true)])
            await _told(connection, "user_added", words, now, who)
        return made.rowcount == 1


async def set_password(db: Database, name: str, password: str, now: datetime, who: str) -> bool:
    """Give a user another password and end the tokens that the old one was good for; False: there is no such user."""
    return await _change(db, name, {"password": password}, "password_set", now, who, end_tokens=True)


async def change_password(db: Database, name: str, before: str, password: str, now: datetime) -> bool:
    """The same by the user; False when that was not the password any more, or they may not (any more)."""
    still = (users.c.password == before) & users.c.may_change_password & users.c.disabled_at.is_(None)
    values = {"password": password}
    return await _change(db, name, values, "password_changed", now, name, end_tokens=True, only=still)


async def let_change_password(db: Database, name: str, allowed: bool, now: datetime, who: str) -> bool:
    """Let a user change their own password, or no longer; False when there is no such user."""
    kind = "password_change_allowed" if allowed else "password_change_denied"
    return await _change(db, name, {"may_change_password": allowed}, kind, now, who)


async def set_disabled(db: Database, name: str, disabled: bool, now: datetime, who: str) -> bool:
    """Let a user call no more, or again; False when there is no such user."""
    at, kind = (epoch_ms(now), "user_disabled") if disabled else (None, "user_enabled")
    return await _change(db, name, {"disabled_at": at}, kind, now, who, end_tokens=disabled)


async def _change(
    db: Database,
    name: str,
    values: Mapping[str, Any],
    kind: str,
    now: datetime,
    who: str,
    *,
    end_tokens: bool = False,
    only: ColumnElement[bool] | None = None,
) -> bool:
    """Change a user, and tell of it. Ending what somebody has is possible on a full disk, too."""
    mine = (users.c.name == name,) if only is None else (users.c.name == name, only)
    async with db.write(Use.MAKES_ROOM if end_tokens else Use.ORDINARY) as connection:
        changed = (await connection.execute(update(users).where(*mine).values(dict(values)))).rowcount
        if changed and end_tokens:
            await connection.execute(delete(tokens).where(tokens.c.user == name))
        if changed:
            await _told(connection, kind, name, now, who)
        return changed == 1


async def user_list(db: Database) -> list[User]:
    """All users by name, with their grants."""
    async with db.read() as connection:
        rows = list((await connection.execute(select(users).order_by(users.c.name))).mappings())
        return [_user(row, await _grants(connection, row["name"])) for row in rows]


async def user(db: Database, name: str) -> User | None:
    """One user."""
    return await _one(db, users.c.name == name)


async def user_of_subject(db: Database, subject: str) -> User | None:
    """The user whom an identity provider calls so."""
    return await _one(db, users.c.subject == subject)


async def password_of(db: Database, name: str) -> str | None:
    """The hash to check a password against; None where no password can be right."""
    wanted = select(users.c.password).where(users.c.name == name, users.c.disabled_at.is_(None))
    async with db.read() as connection:
        return (await connection.execute(wanted)).scalar_one_or_none()


async def anybody(db: Database) -> bool:
    """Whether there is a user who could sign in: not disabled, and with a password, a key or a subject."""
    key = select(access_keys.c.user).where(access_keys.c.revoked_at.is_(None))
    able = users.c.password.is_not(None) | users.c.subject.is_not(None) | users.c.name.in_(key)
    wanted = select(func.count()).select_from(users).where(users.c.disabled_at.is_(None), able)
    async with db.read() as connection:
        return bool((await connection.execute(wanted)).scalar_one())


async def _one(db: Database, which: Any) -> User | None:
    async with db.read() as connection:
        row = (await connection.execute(select(users).where(which))).mappings().one_or_none()
        return None if row is None else _user(row, await _grants(connection, row["name"]))


def _user(row: Mapping[Any, Any], granted: Sequence[Grant]) -> User:
    return User(
        row["name"],
        row["subject"],
        row["password"] is not None,
        row["may_change_password"],
        moment(row["created_at"]),
        moment(row["disabled_at"]),
        granted,
    )


# Access keys. --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeptKey:
    """An access key as it is stored: its secret sealed, its security token as a digest."""

    access: str
    user: str
    secret: str
    security_token: str | None
    expires_at: datetime | None


async def add_key(db: Database, new: KeptKey, now: datetime, who: str) -> None:
    """Store an access key."""
    ends = None if new.expires_at is None else epoch_ms(new.expires_at)
    row = asdict(new) | {"created_at": epoch_ms(now), "expires_at": ends}
    until = "" if new.expires_at is None else f", good until {new.expires_at:%Y-%m-%d %H:%M} UTC"
    async with db.write() as connection:
        await connection.execute(insert(access_keys).values(row))
        await _told(connection, "access_key_added", f"{new.access} of {new.user}{until}", now, who)


async def newest_secret(db: Database) -> tuple[str, str] | None:
    """The access key that was made last, and its sealed secret."""
    wanted = select(access_keys.c.access, access_keys.c.secret).order_by(access_keys.c.created_at.desc()).limit(1)
    async with db.read() as connection:
        row = (await connection.execute(wanted)).one_or_none()
    return None if row is None else (row.access, row.secret)


async def key_list(db: Database, name: str | None) -> list[AccessKey]:
    """The access keys of a user, or of all, the oldest first."""
    wanted = select(access_keys).order_by(access_keys.c.created_at, access_keys.c.access)
    if name is not None:
        wanted = wanted.where(access_keys.c.user == name)
    async with db.read() as connection:
        return [_key(row) for row in (await connection.execute(wanted)).mappings()]


async def revoke_key(db: Database, access: str, now: datetime, who: str) -> bool:
    """Let a key be good for nothing any more; False when there is no such key that was."""
    mine = access_keys.c.access == access, access_keys.c.revoked_at.is_(None)
    async with db.write(Use.MAKES_ROOM) as connection:
        ended = update(access_keys).where(*mine).values(revoked_at=epoch_ms(now)).returning(access_keys.c.user)
        user = (await connection.execute(ended)).scalar_one_or_none()
        if user is not None:
            await _told(connection, "access_key_revoked", f"{access} of {user}", now, who)
        return user is not None


async def key(db: Database, access: str) -> StoredKey | None:
    """What is needed to check a signature; None where none can be right."""
    wanted = select(access_keys).join(users, users.c.name == access_keys.c.user)
    wanted = wanted.where(
        access_keys.c.access == access, access_keys.c.revoked_at.is_(None), users.c.disabled_at.is_(None)
    )
    async with db.read() as connection:
        row = (await connection.execute(wanted)).mappings().one_or_none()
        if row is None:
            return None
        granted = await _grants(connection, row["user"])
        return StoredKey(row["user"], row["secret"], row["security_token"], moment(row["expires_at"]), granted)


async def key_ended(db: Database, access: str) -> tuple[str, bool] | None:
    """Whose a key is that is good for nothing, and whether it was revoked; if not, its user is disabled."""
    wanted = select(access_keys.c.user, access_keys.c.revoked_at).where(access_keys.c.access == access)
    async with db.read() as connection:
        row = (await connection.execute(wanted)).one_or_none()
    return None if row is None else (row.user, row.revoked_at is not None)


def _key(row: Mapping[Any, Any]) -> AccessKey:
    return AccessKey(
        row["access"],
        row["user"],
        row["security_token"] is not None,
        moment(row["created_at"]),
        moment(row["expires_at"]),
        moment(row["revoked_at"]),
    )


# Tokens. -------------------------------------------------------------------------------------------------------------


async def add_token(db: Database, digest: str, name: str, project: str, ends: datetime, now: datetime) -> None:
    """Store the digest of a token, and let go of those that have ended."""
    row = {
        "digest": digest,
        "user": name,
        "project": project,
        "created_at": epoch_ms(now),
        "expires_at": epoch_ms(ends),
    }
    async with db.write(Use.MAKES_ROOM) as connection:
        await connection.execute(delete(tokens).where(tokens.c.expires_at <= epoch_ms(now)))
        await connection.execute(insert(tokens).values(row))


async def exchange_token(db: Database, old: str, new: str, project: str, now: datetime) -> bool:
    """Store a token for one that is there, with its end and its user; False when that has just gone.

    Of too many that came of one, the oldest go.
    """
    kept = select(tokens.c.user, tokens.c.expires_at, func.coalesce(tokens.c.root, tokens.c.digest))
    kept = kept.add_columns(literal(new), literal(project), literal(epoch_ms(now))).where(tokens.c.digest == old)
    columns = ["user", "expires_at", "root", "digest", "project", "created_at"]
    async with db.write() as connection:
        made = await connection.execute(insert(tokens).from_select(columns, kept))
        of_root = tokens.c.root == select(tokens.c.root).where(tokens.c.digest == new).scalar_subquery()
        newest = select(tokens.c.digest).where(of_root).order_by(tokens.c.created_at.desc()).limit(EXCHANGES)
        await connection.execute(delete(tokens).where(of_root, tokens.c.digest.not_in(newest)))
        return made.rowcount == 1


async def token(db: Database, digest: str) -> StoredToken | None:
    """Whose a token is; None where it is nobody's."""
    wanted = select(tokens).join(users, users.c.name == tokens.c.user)
    wanted = wanted.where(tokens.c.digest == digest, users.c.disabled_at.is_(None))
    async with db.read() as connection:
        row = (await connection.execute(wanted)).mappings().one_or_none()
        if row is None:
            return None
        granted = await _grants(connection, row["user"])
        return StoredToken(row["user"], row["project"], moment(row["expires_at"]), granted)


async def revoke_token(db: Database, digest: str, name: str) -> bool:
    """End one token of a user; False when they have no such.

    Tokens that were exchanged go with the one that their exchanges began with, and with each other.
    """
    mine = tokens.c.digest == digest, tokens.c.user == name
    async with db.write(Use.MAKES_ROOM) as connection:
        ended = delete(tokens).where(*mine).returning(func.coalesce(tokens.c.root, tokens.c.digest))
        root = (await connection.execute(ended)).scalar_one_or_none()
        if root is not None:
            await connection.execute(delete(tokens).where(tokens.c.root == root))
        return root is not None


async def revoke_tokens(db: Database, name: str, now: datetime, who: str) -> int:
    """End all tokens of a user; tells how many they were."""
    async with db.write(Use.MAKES_ROOM) as connection:
        count = (await connection.execute(delete(tokens).where(tokens.c.user == name))).rowcount
        await _told(connection, "tokens_revoked", f"{count} of {name}", now, who)
        return count


# Grants. -------------------------------------------------------------------------------------------------------------


async def grant(db: Database, name: str, given: Grant, now: datetime, who: str) -> None:
    """Grant a role; it takes the place of the one that the user had in the same project and queue."""
    row = {"user": name, "project": given.project, "queue": given.queue or "", "role": given.role.value}
    put = sqlite.insert(grants).values(row | {"created_at": epoch_ms(now)})
    put = put.on_conflict_do_update(index_elements=["user", "project", "queue"], set_={"role": given.role.value})
    async with db.write() as connection:
        await connection.execute(put)
        await _told(connection, "access_granted", f"{name}: {given.told}", now, who, given.project)


async def revoke(db: Database, name: str, project: str, queue: str | None, now: datetime, who: str) -> Grant | None:
    """Take a grant back; None when there was no such."""
    mine = (grants.c.user == name, grants.c.project == project, grants.c.queue == (queue or ""))
    async with db.write(Use.MAKES_ROOM) as connection:
        row = (await connection.execute(delete(grants).where(*mine).returning(grants.c.role))).one_or_none()
        if row is None:
            return None
        taken = Grant(Role(row.role), project, queue)
        await _told(connection, "access_revoked", f"{name}: {taken.told}", now, who, project)
        return taken


async def projects(db: Database) -> set[str]:
    """The projects that somebody has a grant in by name."""
    async with db.read() as connection:
        return set((await connection.execute(select(grants.c.project).distinct())).scalars())


async def _told(
    connection: AsyncConnection, kind: str, detail: str, now: datetime, who: str, project: str = EVERY_PROJECT
) -> None:
    await ledger.tell(connection, [event(kind, epoch_ms(now), project, who=who, detail=detail)])


async def _grants(connection: AsyncConnection, name: str) -> list[Grant]:
    wanted = select(grants).where(grants.c.user == name).order_by(grants.c.project, grants.c.queue)
    rows = await connection.execute(wanted)
    return [Grant(Role(row.role), row.project, row.queue or None) for row in rows]
