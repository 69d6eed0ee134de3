"""Which format a job's savepoint is written in: none that would kill the job, as far as anybody can know.

What kills is in the Flink contract, "Formats, state backends": a canonical savepoint of state that is read and written
asynchronously, or that ForSt keeps, fails the job. A native one kills nothing.
"""

from dataclasses import dataclass
from enum import StrEnum

from sluiceway.domain.policy import SavepointFormat
from sluiceway.domain.traits import ASYNC_STATE, Traits

_KEEPS_BOTH = frozenset({"hashmap", "rocksdb"})  # the backends that write both formats


class Canonical(StrEnum):
    """What a canonical savepoint would do to a job."""

    HARMLESS = "harmless"
    DEADLY = "deadly"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Choice:
    """The format for a savepoint, and why that one; None where what was wished for would kill the job."""

    format: SavepointFormat | None
    why: str
    doubt: str = ""  # why it is unknown whether the job survives the wish; empty where it is known


def choose(traits: Traits, wish: SavepointFormat | None) -> Choice:
    """The format: what was wished for, unless that is known to kill; else canonical, where that is known not to."""
    canonical, because = judge(traits)
    if wish is SavepointFormat.NATIVE:
        return Choice(SavepointFormat.NATIVE, "It was asked for.")
    if canonical is Canonical.DEADLY and wish is SavepointFormat.CANONICAL:
        return Choice(None, f"A canonical savepoint would make the job fail: {because}. Ask for a native one.")
    if wish is SavepointFormat.CANONICAL:
        if canonical is Canonical.HARMLESS:
            return Choice(SavepointFormat.CANONICAL, "It was asked for.")
        doubt = f"Whether the job survives a canonical savepoint is not known: {because}."
        return Choice(SavepointFormat.CANONICAL, f"It was asked for. {doubt}", doubt)
    if canonical is Canonical.HARMLESS:
        return Choice(SavepointFormat.CANONICAL, f"{because[0].upper()}{because[1:]}.")
    harm = "would make the job fail" if canonical is Canonical.DEADLY else "might make the job fail"
    return Choice(SavepointFormat.NATIVE, f"A canonical one {harm}: {because}.")


def untold(traits: Traits, wish: SavepointFormat | None) -> str:
    """What a canonical savepoint that was asked for waits for: an answer that might refuse it. Empty: for nothing."""
    if wish is not SavepointFormat.CANONICAL or traits.backend is not None or traits.asynchronous:
        return ""
    return "the cluster has not said yet how the job keeps its state, and a canonical savepoint might make it fail"


def judge(traits: Traits) -> tuple[Canonical, str]:
    """What a canonical savepoint would do to the job, and what says so."""
    backend = traits.backend
    if backend == "forst":
        return Canonical.DEADLY, "its state backend is ForSt"
    if traits.asynchronous:
        return Canonical.DEADLY, f"its state is asynchronous ({ASYNC_STATE})"
    if not backend:
        return Canonical.UNSURE, "Flink does not name its state backend"
    if backend not in _KEEPS_BOTH:
        return Canonical.UNSURE, f"nothing is known of its state backend, {backend}"
    if traits.asynchronous is None:
        return Canonical.UNSURE, "it is unknown whether its state is asynchronous (State V2)"
    return Canonical.HARMLESS, f"its state is synchronous, and {backend} writes both formats"
