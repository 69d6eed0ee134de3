"""What `idle_state_retention` counts: hours to older clients of DLI and to Terraform, seconds to newer ones. Pure."""

from datetime import timedelta
from typing import Final

from sluiceway.api.dli.fields import RETENTION_SECONDS
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError
from sluiceway.api.errors.language import Language, Text
from sluiceway.settings import RetentionUnit

SECONDS: Final = "seconds"
HOURS: Final = "hours"
UNITS: Final = frozenset({SECONDS, HOURS})
SHORTEST: Final = 60  # seconds that anybody can mean; what is below it is hours where the unit is `auto`

_HOUR: Final = 3600
_NAMES: Final = {SECONDS: Text("seconds", "秒"), HOURS: Text("hours", "小时")}
_TAKEN: Final = {
    SECONDS: Text("idle_state_retention {value} is taken as seconds.", "idle_state_retention {value} 按秒计算。"),
    HOURS: Text("idle_state_retention {value} is taken as hours.", "idle_state_retention {value} 按小时计算。"),
}
_FOR_EVER: Final = Text("idle_state_retention 0 keeps state for ever.", "idle_state_retention 为 0，状态永久保留。")


def default(asked: RetentionUnit) -> tuple[int, str]:
    """An hour, in the unit of the setting."""
    return (1, HOURS) if asked == HOURS else (_HOUR, SECONDS)


def unit_of(value: int, asked: RetentionUnit) -> str:
    """The unit of a value."""
    if asked == "auto":
        return HOURS if 0 < value < SHORTEST else SECONDS
    return asked


def check(value: int, unit: str) -> None:
    """Raises `DliError` for what is not 0 to 10 years."""
    most = RETENTION_SECONDS[1] // (_HOUR if unit == HOURS else 1)
    if not RETENTION_SECONDS[0] <= value <= most:
        raise DliError(Code.BAD_RETENTION, low=RETENTION_SECONDS[0], high=most, unit=_NAMES[unit])


def length(value: int, unit: str) -> timedelta:
    """How long Flink keeps state; no time at all means for ever."""
    return timedelta(hours=value) if unit == HOURS else timedelta(seconds=value)


def told(value: int, unit: str, language: Language) -> str:
    """Says how the service took a value."""
    return _FOR_EVER.in_(language) if value == 0 else _TAKEN[unit].say(language, {"value": value})
