"""A user changes their own password, where an administrator has allowed it."""

from dataclasses import dataclass

from sluiceway.control.access import BadRequest, hashed
from sluiceway.control.errors import Forbidden
from sluiceway.control.sign_in import NotLetIn, SignIn
from sluiceway.domain.access import Caller
from sluiceway.store import accounts


@dataclass(frozen=True, slots=True)
class OwnPassword:
    """The use case. It counts wrong passwords as signing in does, and takes turns with it."""

    sign_in: SignIn

    async def change(self, caller: Caller, name: str, original: str, new: str, address: str) -> None:
        """Give the caller, who must be the user of this name, another password; their tokens end.

        Raises `Forbidden`, `NotLetIn` for a wrong original, `TooManyTries`, `TooManyAsk`, and
        `BadRequest` for a new one that cannot be.
        """
        found = await accounts.user(self.sign_in.db, caller.user) if caller.user == name else None
        if found is None or not found.may_change_password:
            raise Forbidden("A user may change their own password alone, and only where an administrator allows it.")
        before = await self._checked(name, original, address)
        if new == original:
            raise BadRequest("The new password is the old one.")
        kept = await hashed(new)
        if not await accounts.change_password(self.sign_in.db, name, before, kept, self.sign_in.clock()):
            raise NotLetIn("the password, or the right to change it, has changed meanwhile")

    async def _checked(self, name: str, password: str, address: str) -> str:
        """What is kept of the password, which is right. Raises `NotLetIn`, `TooManyTries`, `TooManyAsk`."""
        sign_in = self.sign_in
        async with sign_in.turn(address, name):
            sign_in.tries.check(name, address, sign_in.clock())
            kept = await accounts.password_of(sign_in.db, name)
            right = await sign_in.matches(password, kept)
            if not right or kept is None:
                sign_in.tries.failed(name, address, sign_in.clock())
                raise NotLetIn("wrong original password")
        sign_in.tries.worked(name, address)
        return kept
