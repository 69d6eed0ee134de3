"""Users, their access keys and their grants. For administrators on the machine."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sluiceway.control import passwords
from sluiceway.control.errors import ControlError
from sluiceway.control.vault import Vault
from sluiceway.domain.access import EVERY_PROJECT, LOCAL, PROJECT, USER, Grant
from sluiceway.store import accounts
from sluiceway.store.accounts import AccessKey, KeptKey, NewUser, User
from sluiceway.store.database import Database

WHO: Final = "administrator"  # in the audit, where nobody knows better
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_ACCESS: Final = 20  # characters of an access key, as the vendor's have


class BadRequest(ControlError):
    """The request makes no sense as it is; the message says why."""


class Missing(ControlError):
    """There is no such user, key or grant."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """An access key with its secret, which is shown only now."""

    access: str
    secret: str
    security_token: str | None  # of temporary credentials
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Access:
    """The use cases around users."""

    db: Database
    vault: Vault
    clock: Callable[[], datetime]
    who: str = WHO  # does it

    async def add_user(
        self, name: str, password: str | None, subject: str | None = None, *, may_change_password: bool = False
    ) -> None:
        """Make a user. Raises `BadRequest`."""
        if not USER.fullmatch(name):
            raise BadRequest("A user's name has 1 to 64 letters, digits and . _ - @, and begins with one of the first.")
        if name == LOCAL.user:
            raise BadRequest(f"{name} is what the audit calls everybody while nobody signs in; choose another name.")
        if may_change_password and password is None:
            raise BadRequest("A user who may change the password needs one; give --password, too.")
        kept = None if password is None else await hashed(password)
        new = NewUser(name, kept, subject or None, may_change_password)
        if not await accounts.add_user(self.db, new, self.clock(), self.who):
            raise BadRequest(f"There is a user {name} already, or another user has the subject.")

    async def users(self) -> Sequence[User]:
        """All users with their grants."""
        return await accounts.user_list(self.db)

    async def set_password(self, name: str, password: str) -> None:
        """Give a user another password; their tokens end. Raises `BadRequest`, `Missing`."""
        if not await accounts.set_password(self.db, name, await hashed(password), self.clock(), self.who):
            raise Missing(f"There is no user {name}.")

    async def let_change_password(self, name: str, *, allowed: bool) -> None:
        """Let a user change their own password, or no longer. Raises `Missing`."""
        if not await accounts.let_change_password(self.db, name, allowed, self.clock(), self.who):
            raise Missing(f"There is no user {name}.")

    async def disable(self, name: str) -> None:
        """Disable a user: password, keys and tokens stop working. Raises `Missing`."""
        await self._set_disabled(name, disabled=True)

    async def enable(self, name: str) -> None:
        """Enable a disabled user; their tokens have ended. Raises `Missing`."""
        await self._set_disabled(name, disabled=False)

    async def add_key(self, name: str, lasts: timedelta | None = None) -> NewKey:
        """Make an access key; one that ends is a temporary credential, with a security token. Raises `Missing`."""
        await self._check_user(name)
        now = self.clock()
        access = "".join(secrets.choice(_ALPHABET) for _ in range(_ACCESS))
        token = None if lasts is None else secrets.token_urlsafe(48)
        made = NewKey(access, secrets.token_urlsafe(30), token, None if lasts is None else now + lasts)
        sealed, kept = self.vault.seal(made.secret, access), None if token is None else digest(token)
        await accounts.add_key(self.db, KeptKey(access, name, sealed, kept, made.expires_at), now, self.who)
        return made

    async def keys(self, name: str | None = None) -> Sequence[AccessKey]:
        """The access keys of a user, or of all."""
        return await accounts.key_list(self.db, name)

    async def revoke_key(self, access: str) -> None:
        """End a key at once. Raises `Missing`."""
        if not await accounts.revoke_key(self.db, access, self.clock(), self.who):
            raise Missing(f"There is no access key {access}, or it was revoked before.")

    async def grant(self, name: str, given: Grant) -> None:
        """Grant a role. Raises `BadRequest`, `Missing`."""
        _check_project(given.project)
        await self._check_user(name)
        await accounts.grant(self.db, name, given, self.clock(), self.who)

    async def revoke(self, name: str, project: str, queue: str | None) -> Grant:
        """Take a grant back; the role that it was. Raises `Missing`."""
        taken = await accounts.revoke(self.db, name, project, queue, self.clock(), self.who)
        if taken is None:
            raise Missing(f"{name} has no such grant; `sluiceway access users list` shows them all.")
        return taken

    async def revoke_tokens(self, name: str) -> int:
        """End all tokens of a user; how many there were. Raises `Missing`."""
        await self._check_user(name)
        return await accounts.revoke_tokens(self.db, name, self.clock(), self.who)

    async def _check_user(self, name: str) -> None:
        if await accounts.user(self.db, name) is None:
            raise Missing(f"There is no user {name}.")

    async def _set_disabled(self, name: str, *, disabled: bool) -> None:
        if not await accounts.set_disabled(self.db, name, disabled, self.clock(), self.who):
            raise Missing(f"There is no user {name}.")


def digest(token: str) -> str:
    """What is kept of a token. It is long and random, so no more than this is needed."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


async def hashed(password: str) -> str:
    """What to keep of a new password. Raises `BadRequest`."""
    if not passwords.SHORTEST <= len(password) <= passwords.LONGEST:
        raise BadRequest(f"A password has {passwords.SHORTEST} to {passwords.LONGEST} characters.")
    return await asyncio.to_thread(passwords.hashed, password)


def _check_project(project: str) -> None:
    if project != EVERY_PROJECT and not PROJECT.fullmatch(project):
        raise BadRequest(f"A project has 1 to 64 letters and digits; {EVERY_PROJECT} means every project.")
