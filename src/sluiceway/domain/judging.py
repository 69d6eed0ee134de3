"""Whether a savepoint may be asked for in a format, from what is known of a job when it is asked for."""

from functools import lru_cache

from sluiceway.domain.admission import ACCEPTED, Refusal, Verdict
from sluiceway.domain.policy import SavepointFormat
from sluiceway.domain.savepoint_format import choose, untold
from sluiceway.domain.traits import UNKNOWN, Traits


def judge_format(traits: Traits | None, wish: SavepointFormat | None) -> Verdict:
    """Refuses a wish that is known to kill the job, and says so where nobody can tell whether it does.

    What the cluster has yet to tell is found out before anything is sent, and refused then.
    """
    if wish is not SavepointFormat.CANONICAL:
        return ACCEPTED
    traits = traits or UNKNOWN
    if wait := untold(traits, wish):
        return _with_note(f"{wait[0].upper()}{wait[1:]}. Where it would, nothing is sent.")
    choice = choose(traits, wish)
    if choice.format is None:
        return Verdict(Refusal.DEADLY, note=choice.why)
    return _with_note(choice.doubt) if choice.doubt else ACCEPTED


@lru_cache(maxsize=64)
def _with_note(note: str) -> Verdict:
    """One for all jobs of which the same is to be said: answers are rendered once for each verdict."""
    return Verdict(note=note)
