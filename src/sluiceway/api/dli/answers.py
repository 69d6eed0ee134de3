"""What DLI's clients read differently of the same answer. They are told apart by their `User-Agent`.

Most read `is_success` of jobs as a text, and fail at a boolean. The models of the vendor's Go SDK say boolean where a
call answers nothing but success, and fail at a text although the call was carried out.
"""

from typing import Any, Final

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from sluiceway.api.dli.jobs.wire import Success

_READS_BOOLEANS: Final = "huaweicloud-usdk-go/"  # how its User-Agent begins, whatever its user adds


class Truth:
    """How a client is told whether a call has succeeded."""

    def __init__(self, user_agent: str) -> None:
        self._booleans = user_agent.startswith(_READS_BOOLEANS)

    def say(self, *, success: bool) -> Success:
        """`is_success` as the client reads it."""
        if self._booleans:
            return success
        return "true" if success else "false"


TruthGiven = NamedDependency[SkipValidation[Truth]]


def truth_for(request: Request[Any, Any, Any]) -> Truth:
    """How the client of this request is told."""
    return Truth(request.headers.get("user-agent", ""))
