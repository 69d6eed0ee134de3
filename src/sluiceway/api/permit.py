"""The caller as handlers see them: a name for the audit, and the rights on each queue."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from sluiceway.domain.access import Action, Caller, Right

_KEY: Final = "sluiceway.permit"


async def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Permit:
    """The caller of one request, and the project that it is about. It keeps what it denies, for the audit."""

    caller: Caller
    project: str
    still: Callable[[], Awaitable[bool]] = _always  # whether the credential and the right stand, for what takes long
    _rights: list[tuple[Action, Right]] = field(default_factory=list)

    @property
    def who(self) -> str:
        """The caller's name."""
        return self.caller.user

    def on(self, action: Action) -> Right:
        """The right to do something, queue by queue."""
        right = Right(self.caller.queues(action, self.project))
        self._rights.append((action, right))
        return right

    def may(self, action: Action) -> bool:
        """Whether the caller has a right that is not about queues."""
        return self.on(action)("")

    def may_everywhere(self, action: Action) -> bool:
        """Whether the caller has a right in every project, for what is not of one."""
        right = Right(None if self.caller.may_everywhere(action) else frozenset())
        self._rights.append((action, right))
        return right("")

    def denied(self) -> list[tuple[Action, str]]:
        """What the caller had no right to, and on which queue."""
        return sorted((action, queue) for action, right in self._rights for queue in right.denied)


PermitGiven = NamedDependency[SkipValidation[Permit]]


def put(scope: Any, permit: Permit) -> None:
    """Hand a permit to the handler of a request."""
    scope[_KEY] = permit


def given(request: Request[Any, Any, Any]) -> Permit:
    """The permit of a request; without one, nothing is done."""
    scope: Any = request.scope
    permit = scope[_KEY]
    assert isinstance(permit, Permit)
    return permit
