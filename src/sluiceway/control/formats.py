"""Whether a savepoint may be asked for in a format, from what is known of a job when it is asked for."""

from sluiceway.domain.admission import Refusal, Verdict
from sluiceway.domain.policy import SavepointFormat
from sluiceway.domain.savepoint_format import choose
from sluiceway.domain.traits import Traits


def may_be_written(traits: Traits | None, wish: SavepointFormat | None) -> Verdict | None:
    """The refusal of a wish that is known to kill the job; None where it may be tried.

    What is not known yet is found out before anything is sent, and refused then.
    """
    if wish is None or traits is None:
        return None
    choice = choose(traits, wish)
    return None if choice.format else Verdict(Refusal.DEADLY, note=choice.why)
