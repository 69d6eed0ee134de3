"""What answers have in common: how each client reads success, and how DLI writes a moment.

Most clients read `is_success` of jobs as a text, and fail at a boolean. The models of the vendor's Go SDK say boolean
where a call answers nothing but success, and fail at a text although the call was carried out. The `User-Agent` tells
them apart. Pure.
"""

from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from msgspec import Struct

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_READS_BOOLEANS: Final = "huaweicloud-usdk-go/"  # how its User-Agent begins, whatever its user adds

# A text, as everywhere on these paths; a boolean to the vendor's Go SDK alone.
Success = Literal["true", "false"] | bool


class Done(Struct, frozen=True):
    """A single success that has nothing else to say."""

    message: str
    is_success: Success


class Truth:
    """Says to one client whether its call has succeeded."""

    def __init__(self, user_agent: str) -> None:
        self._booleans = user_agent.startswith(_READS_BOOLEANS)

    def say(self, *, success: bool) -> Success:
        """`is_success` as the client reads it."""
        if self._booleans:
            return success
        return "true" if success else "false"


def millis(moment: datetime) -> int:
    """A moment as DLI writes it: in milliseconds since 1970."""
    return (moment - EPOCH) // timedelta(milliseconds=1)
