"""Rights: actions under the names of DLI's permissions, roles as sets of them, and grants of roles."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final


class Action(StrEnum):
    """An action that needs a right. Those under `sluiceway:` have no counterpart in DLI."""

    LIST = "dli:jobs:list"
    GET = "dli:jobs:get"
    CREATE = "dli:jobs:create"  # and import
    UPDATE = "dli:jobs:update"  # and savepoints of running jobs
    DELETE = "dli:jobs:delete"
    START = "dli:jobs:startFlinkJob"
    STOP = "dli:jobs:stopFlinkJob"
    EXPORT = "dli:jobs:export"
    EVENTS = "sluiceway:events:list"
    DENIALS = "sluiceway:denials:list"  # among the events, the calls that were refused
    VERIFY = "sluiceway:savepoints:verify"
    REMOVE = "sluiceway:savepoints:delete"
    CLUSTERS = "sluiceway:clusters:manage"  # register, change and remove them; needs it in every project
    TARGET = "sluiceway:savepoints:target"  # have savepoints written to an address of the caller's choice


class Role(StrEnum):
    """What is granted."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    OWNER = "owner"
    ADMIN = "admin"


_LOOKS = frozenset({Action.LIST, Action.GET, Action.EVENTS})
_OPERATES = _LOOKS | {Action.START, Action.STOP, Action.VERIFY}

ALLOWS: Final[Mapping[Role, frozenset[Action]]] = {
    Role.VIEWER: _LOOKS,
    Role.OPERATOR: _OPERATES,
    Role.OWNER: frozenset(Action) - {Action.CLUSTERS, Action.TARGET},
    Role.ADMIN: frozenset(Action),
}
OF_A_QUEUE: Final = frozenset({Action.START, Action.STOP})  # a grant for one queue allows these there alone
EVERY_PROJECT: Final = "*"
DOMAIN: Final = ""  # in place of a project: what a token is for that is good in none of them

PROJECT: Final = re.compile(r"[A-Za-z0-9]{1,64}")
USER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@\-]{0,63}")


@dataclass(frozen=True, slots=True)
class Grant:
    """A role in one project, or in all of them; starting and stopping only on one queue, if that is named."""

    role: Role
    project: str
    queue: str | None = None

    @property
    def told(self) -> str:
        """It in words."""
        where = "every project" if self.project == EVERY_PROJECT else f"project {self.project}"
        return f"{self.role} of {where}" + (f", queue {self.queue}" if self.queue else "")

    def allows(self, action: Action, project: str, queue: str | None = None) -> bool:
        """Whether it covers an action. Without a queue: on any queue at all."""
        if self.project not in {project, EVERY_PROJECT} or action not in ALLOWS[self.role]:
            return False
        return action not in OF_A_QUEUE or self.queue is None or queue in {None, self.queue}


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request, with their grants. A token may hold them to one project, or to none (`DOMAIN`)."""

    user: str
    grants: Sequence[Grant] = ()
    project: str | None = None

    def may(self, action: Action, project: str, queue: str | None = None) -> bool:
        """Whether the caller has the right. Without a queue: whether there is any queue that they have it on."""
        return self.project in {None, project} and any(grant.allows(action, project, queue) for grant in self.grants)

    def queues(self, action: Action, project: str) -> frozenset[str] | None:
        """The queues that the caller has the right on; None for all of them."""
        if self.project not in {None, project}:
            return frozenset()
        granted = {grant.queue for grant in self.grants if grant.allows(action, project)}
        if None in granted or (granted and action not in OF_A_QUEUE):
            return None
        return frozenset(queue for queue in granted if queue is not None)

    def may_everywhere(self, action: Action) -> bool:
        """Whether the caller was granted it for every project, whichever one a token holds them to."""
        return any(grant.allows(action, EVERY_PROJECT) for grant in self.grants)

    def looking_around(self) -> "Caller":
        """The same caller when asking which projects there are: what a token of no project is for."""
        return replace(self, project=None) if self.project == DOMAIN else self


@dataclass(frozen=True, slots=True)
class Right:
    """The right to do one thing, queue by queue. Where it was missing is remembered, for the audit."""

    queues: frozenset[str] | None = None  # None: all of them
    denied: set[str] = field(default_factory=set)

    def __call__(self, queue: str) -> bool:
        """Whether it may be done to a job on this queue."""
        if self.queues is not None and queue not in self.queues:
            self.denied.add(queue)
        return queue not in self.denied


EVERYWHERE: Final = Right()
LOCAL: Final = Caller("local", (Grant(Role.ADMIN, EVERY_PROJECT),))  # where nobody signs in
