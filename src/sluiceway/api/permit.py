"""What handlers are told of who calls: a name for the audit, and what they may do on which queue."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from sluiceway.domain.access import Action, Caller

_KEY: Final = "sluiceway.permit"


@dataclass(frozen=True, slots=True)
class Permit:
    """The caller of one request, and the project that it is about. What it is asked and denies is for the audit."""

    caller: Caller
    project: str
    denied: set[tuple[Action, str]] = field(default_factory=set)

    @property
    def who(self) -> str:
        """The caller's name."""
        return self.caller.user

    def may(self, action: Action, queue: str | None = None) -> bool:
        """Whether the caller has the right; on that queue, or on any."""
        may = self.caller.may(action, self.project, queue)
        if not may:
            self.denied.add((action, queue or ""))
        return may

    def on(self, action: Action) -> Callable[[str], bool]:
        """The right, asked queue by queue."""
        return lambda queue: self.may(action, queue)


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
