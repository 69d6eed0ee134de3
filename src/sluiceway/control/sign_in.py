"""Identifies callers: by password, token, access key, or the word of an identity provider."""

import asyncio
import hmac
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sluiceway.control import passwords
from sluiceway.control.access import digest
from sluiceway.control.turns import NoTurn, Turns
from sluiceway.control.vault import Vault
from sluiceway.domain.access import DOMAIN, EVERY_PROJECT, USER, Action, Caller
from sluiceway.store import accounts, views
from sluiceway.store.database import Database

TOKEN_LASTS: Final = timedelta(hours=24)
TRIES: Final = 10  # wrong passwords for one name from one address
TRIES_IN_ALL: Final = 50  # for one name, from addresses where nobody has given the right one
WINDOW: Final = timedelta(minutes=1)  # within which they count
_REMEMBERED: Final = 10_000


class NotLetIn(Exception):
    """The credential is wrong, has ended, or is nobody's. Why is for the audit, not for the caller."""


class TooManyTries(Exception):
    """Too many wrong passwords for this name: none is checked for a while."""


class TooManyAsk(Exception):
    """Too many passwords wait for their check."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A secret to check a signature with, and its owner."""

    caller: Caller
    secret: str
    expired: bool
    security_token: str | None  # a digest; None: it has none

    def fits(self, security_token: str | None) -> bool:
        """Whether the token that came with a request is the one that belongs to the key."""
        given = "" if security_token is None else digest(security_token)
        return hmac.compare_digest(given, self.security_token or "")


@dataclass(frozen=True, slots=True)
class Issued:
    """A token, which is shown only now."""

    token: str
    caller: Caller
    project: str
    issued_at: datetime
    expires_at: datetime


@dataclass(slots=True)
class Tries:
    """Wrong passwords by name and address. Names that do not exist count as well, so they reveal nothing.

    Guesses at a name from one address lock out no other address. Guesses from many addresses are counted
    together, but not against an address where the right password was given before.
    """

    failures: dict[tuple[str, str], list[datetime]] = field(default_factory=dict)
    good: dict[tuple[str, str], None] = field(default_factory=dict)  # where the last password was right

    def check(self, name: str, address: str, now: datetime) -> None:
        """Raises `TooManyTries`."""
        here = len(self._recent((name, address), now))
        in_all = 0 if (name, address) in self.good else len(self._recent((name, _EVERYWHERE), now))
        if here >= TRIES or in_all >= TRIES_IN_ALL:
            raise TooManyTries

    def failed(self, name: str, address: str, now: datetime) -> None:
        """Count a wrong password."""
        for key in ((name, address), (name, _EVERYWHERE)):
            recent = self._recent(key, now)
            _put_last(self.failures, key, [*recent, now])

    def worked(self, name: str, address: str) -> None:
        """Forget the wrong ones before the right one."""
        self.failures.pop((name, address), None)
        _put_last(self.good, (name, address), None)

    def _recent(self, key: tuple[str, str], now: datetime) -> list[datetime]:
        return [at for at in self.failures.get(key, ()) if now - WINDOW < at]


_EVERYWHERE: Final = "everywhere"
_V = TypeVar("_V")


def _put_last(kept: dict[tuple[str, str], _V], key: tuple[str, str], value: _V) -> None:
    """The first one is who was quiet the longest, and goes when there are too many."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > _REMEMBERED:
        kept.pop(next(iter(kept)))


def _one_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "passwords")


@dataclass(frozen=True, slots=True)
class SignIn:
    """The use cases around sign-in."""

    db: Database
    vault: Vault
    clock: Callable[[], datetime]
    tries: Tries = field(default_factory=Tries)
    turns: Turns = field(default_factory=Turns)  # one password at a time: each takes a processor
    thread: ThreadPoolExecutor = field(default_factory=_one_thread)  # their own, so that they hold up nothing else

    async def check(self) -> bool:
        """Whether anybody could sign in. Raises `BadKeyFile` where the stored secrets cannot be opened."""
        if (newest := await accounts.newest_secret(self.db)) is not None:
            access, sealed = newest
            self.vault.open(sealed, access)
        return await accounts.anybody(self.db)

    async def signing_key(self, access: str) -> SigningKey | None:
        """The secret of an access key; None where no signature can be right. Raises `BadKeyFile`."""
        found = await accounts.key(self.db, access)
        if found is None:
            return None
        expired = found.expires_at is not None and found.expires_at <= self.clock()
        secret = self.vault.open(found.secret, access)
        return SigningKey(Caller(found.user, found.grants), secret, expired, found.security_token)

    async def why_no_key(self, access: str) -> str:
        """Why no signature with an access key can be right, for the audit. One that never was is not repeated there."""
        found = await accounts.key_ended(self.db, access)
        if found is None:
            return "there is no such access key"
        user, revoked = found
        why = "was revoked" if revoked else "does not work: the user is disabled"
        return f"access key {access} of {user} {why}"

    async def by_token(self, token: str) -> Caller:
        """Whose a token is. Raises `NotLetIn`."""
        found = await accounts.token(self.db, digest(token))
        if found is None or found.expires_at is None or found.expires_at <= self.clock():
            raise NotLetIn("no such token, or it has ended")
        return Caller(found.user, found.grants, found.project)

    async def by_subject(self, subject: str) -> Caller:
        """The user with this subject. Raises `NotLetIn`."""
        found = await accounts.user_of_subject(self.db, subject)
        if found is None or found.disabled_at is not None:
            raise NotLetIn("no user has this subject")
        return Caller(found.name, found.grants)

    async def issue(self, name: str, password: str, project: str, address: str = "") -> Issued:
        """A token for a project, or for `DOMAIN`, by name and password.

        Raises `NotLetIn`, `TooManyTries`, `TooManyAsk`.

        A user who does not exist, one who is disabled, a wrong password and a project without a grant are not told
        apart, nor by the time that the answer takes.
        """
        name = name if USER.fullmatch(name) else ""  # nobody's; and what is remembered stays small
        async with self.turn(address, name):
            self.tries.check(name, address, self.clock())
            right = await self.matches(password, await accounts.password_of(self.db, name))
            found = await accounts.user(self.db, name)
            caller, now = Caller(name, found.grants if found else (), project), self.clock()
            if not (right and _has_role(caller, project)):
                self.tries.failed(name, address, now)
                raise NotLetIn("wrong name or password, or no grant in this project")
        self.tries.worked(name, address)
        made = Issued(secrets.token_urlsafe(32), caller, project, now, now + TOKEN_LASTS)
        await accounts.add_token(self.db, digest(made.token), name, project, made.expires_at, now)
        return made

    @asynccontextmanager
    async def turn(self, address: str, name: str) -> AsyncIterator[None]:
        """Have a turn at trying a password. Raises `TooManyTries`, `TooManyAsk`."""
        self.tries.check(name, address, self.clock())  # who cannot have one need not wait
        try:
            async with self.turns.turn(address, name):
                yield
        except NoTurn:
            raise TooManyAsk from None

    async def matches(self, password: str, kept: str | None) -> bool:
        """Whether this is the password, tried in a thread; see `passwords.matches`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.thread, passwords.matches, password, kept)

    async def exchange(self, token: str, project: str) -> Issued:
        """A new token for a valid one, never for longer or for more. Raises `NotLetIn`.

        One of a project is exchanged for that project alone. Asked for `DOMAIN` it stays held to its project, or else
        two exchanges would make it good for every project of its user.
        """
        held = await accounts.token(self.db, digest(token))
        now = self.clock()
        if held is None or held.expires_at is None or held.expires_at <= now:
            raise NotLetIn("no such token, or it has ended")
        if held.project not in {DOMAIN, project} and project != DOMAIN:
            raise NotLetIn("a token of another project")
        bound = held.project if project == DOMAIN else project
        caller = Caller(held.user, held.grants, bound)
        if not _has_role(caller, bound):
            raise NotLetIn("no grant in this project")
        made = Issued(secrets.token_urlsafe(32), caller, project, now, held.expires_at)
        if not await accounts.exchange_token(self.db, digest(token), digest(made.token), bound, now):
            raise NotLetIn("the token has just ended")
        return made

    async def revoke(self, caller: Caller, token: str) -> bool:
        """End one token of the caller's, and those that it was exchanged for; False when it is not theirs."""
        return await accounts.revoke_token(self.db, digest(token), caller.user)

    async def projects(self, caller: Caller) -> Sequence[str]:
        """The projects that a caller has a grant in; with one in all, those that have jobs."""
        caller = caller.looking_around()
        named = {grant.project for grant in caller.grants}
        if EVERY_PROJECT in named:
            named |= set(await views.projects(self.db))
        return sorted(project for project in named - {EVERY_PROJECT} if caller.project in {None, project})


def _has_role(caller: Caller, project: str) -> bool:
    """Whether there is anything that the caller may do in a project, or for `DOMAIN` in any."""
    return bool(caller.grants) if project == DOMAIN else any(caller.may(action, project) for action in Action)
