"""Users, access keys, tokens and grants: keeping them, and finding who a credential belongs to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, func, insert, literal, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.access import Grant, Role
from sluiceway.store.access_schema import access_keys, grants, tokens, users
from sluiceway.store.database import Database, epoch_ms, moment
from sluiceway.store.events import event
from sluiceway.store.schema import events

EXCHANGES: Final = 100  # tokens that may be good at once of those that came of one


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may call, if they have grants."""

    name: str
    subject: str | None
    has_password: bool
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


async def add_user(db: Database, name: str, password: str | None, subject: str | None, now: datetime) -> bool:
    """Store a new user; False when the name, or the subject, is taken."""
    row = {"name": name, "password": password, "subject": subject, "created_at": epoch_ms(now)}
    async with db.write() as connection:
        made = await connection.execute(sqlite.insert(users).values(row).on_conflict_do_nothing())
        return made.rowcount == 1


async def set_password(db: Database, name: str, password: str) -> bool:
    """Change a password and end the tokens that the old one was good for; False when there is no such user."""
    async with db.write() as connection:
        changed = await connection.execute(update(users).where(users.c.name == name).values(password=password))
        await connection.execute(delete(tokens).where(tokens.c.user == name))
        return changed.rowcount == 1


async def set_disabled(db: Database, name: str, now: datetime | None) -> bool:
    """Let a user call no more, or again; False when there is no such user."""
    async with db.write() as connection:
        at = None if now is None else epoch_ms(now)
        changed = await connection.execute(update(users).where(users.c.name == name).values(disabled_at=at))
        if now is not None:
            await connection.execute(delete(tokens).where(tokens.c.user == name))
        return changed.rowcount == 1


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
        moment(row["created_at"]),
        moment(row["disabled_at"]),
        granted,
    )


# Access keys. --------------------------------------------------------------------------------------------------------


async def add_key(
    db: Database, access: str, name: str, secret: str, token: str | None, ends: datetime | None, now: datetime
) -> None:
    """Store an access key: its secret sealed, its security token as a digest."""
    row = {
        "access": access,
        "user": name,
        "secret": secret,
        "security_token": token,
        "created_at": epoch_ms(now),
        "expires_at": None if ends is None else epoch_ms(ends),
    }
    async with db.write() as connection:
        await connection.execute(insert(access_keys).values(row))


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


async def revoke_key(db: Database, access: str, now: datetime) -> bool:
    """Let a key be good for nothing any more; False when there is no such key that was."""
    mine = access_keys.c.access == access, access_keys.c.revoked_at.is_(None)
    async with db.write() as connection:
        changed = await connection.execute(update(access_keys).where(*mine).values(revoked_at=epoch_ms(now)))
        return changed.rowcount == 1


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
    async with db.write() as connection:
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
    async with db.write() as connection:
        ended = delete(tokens).where(*mine).returning(func.coalesce(tokens.c.root, tokens.c.digest))
        root = (await connection.execute(ended)).scalar_one_or_none()
        if root is not None:
            await connection.execute(delete(tokens).where(tokens.c.root == root))
        return root is not None


async def revoke_tokens(db: Database, name: str) -> int:
    """End all tokens of a user; tells how many they were."""
    async with db.write() as connection:
        return (await connection.execute(delete(tokens).where(tokens.c.user == name))).rowcount


# Grants. -------------------------------------------------------------------------------------------------------------


async def grant(db: Database, name: str, given: Grant, now: datetime, who: str) -> None:
    """Grant a role; it takes the place of the one that the user had in the same project and queue."""
    row = {"user": name, "project": given.project, "queue": given.queue or "", "role": given.role.value}
    put = sqlite.insert(grants).values(row | {"created_at": epoch_ms(now)})
    put = put.on_conflict_do_update(index_elements=["user", "project", "queue"], set_={"role": given.role.value})
    async with db.write() as connection:
        await connection.execute(put)
        await _told(connection, "access_granted", f"{name}: {told(given)}", given.project, now, who)


async def revoke(db: Database, name: str, project: str, queue: str | None, now: datetime, who: str) -> Grant | None:
    """Take a grant back; None when there was no such."""
    mine = (grants.c.user == name, grants.c.project == project, grants.c.queue == (queue or ""))
    async with db.write() as connection:
        row = (await connection.execute(delete(grants).where(*mine).returning(grants.c.role))).one_or_none()
        if row is None:
            return None
        taken = Grant(Role(row.role), project, queue)
        await _told(connection, "access_revoked", f"{name}: {told(taken)}", project, now, who)
        return taken


async def projects(db: Database) -> set[str]:
    """The projects that somebody has a grant in by name."""
    async with db.read() as connection:
        return set((await connection.execute(select(grants.c.project).distinct())).scalars())


def told(given: Grant) -> str:
    """A grant in words."""
    where = "every project" if given.project == "*" else f"project {given.project}"
    return f"{given.role} of {where}" + (f", queue {given.queue}" if given.queue else "")


async def _told(connection: AsyncConnection, kind: str, detail: str, project: str, now: datetime, who: str) -> None:
    await connection.execute(insert(events), [event(kind, epoch_ms(now), project, who=who, detail=detail)])


async def _grants(connection: AsyncConnection, name: str) -> list[Grant]:
    wanted = select(grants).where(grants.c.user == name).order_by(grants.c.project, grants.c.queue)
    rows = await connection.execute(wanted)
    return [Grant(Role(row.role), row.project, row.queue or None) for row in rows]
