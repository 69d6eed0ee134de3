"""What a resume does about a state that does not, or may not, fit the job (decision 32). Pure."""

from collections.abc import Collection
from typing import Final

from sluiceway.domain.fit import KIND_OF, Fit, FitKind, Why
from sluiceway.domain.way_back import Allowed, Concern, Trouble, Weight

_SHOWN: Final = 5  # operators in one sentence
_ASK: Final = {
    FitKind.LEFT_BEHIND: (
        Allowed.NON_RESTORED_STATE,
        "Change the job back, or leave that state behind for this start (--allow-non-restored-state).",
    ),
    FitKind.OTHER_MEANING: (
        Allowed.OTHER_MEANING,
        "Change the job back, or have it go on from that state all the same (--other-meaning).",
    ),
}
_NEVER: Final = "Change the job as this says, change it back, or start it without resuming."
_UNSEEN: Final = "State that no operator takes is left behind, and Flink does not say which."


def misfit(fit: Fit, allowed: Collection[Allowed]) -> Concern | None:
    """The concern, with whether it refuses the job; None where all is the same.

    `allowed` is what the request has asked for by name.
    """
    if not fit.text:
        return None
    kinds = {KIND_OF[reason.why] for reason in fit.reasons if reason.why is not Why.SLOTS}
    if FitKind.WOULD_NOT_START in kinds:
        return _concern(Weight.REFUSED, fit.text, _NEVER)
    given = {*allowed, Allowed.NON_RESTORED_STATE} if fit.drops else set(allowed)
    if missing := [ask for kind, (needed, ask) in _ASK.items() if kind in kinds and needed not in given]:
        return _concern(Weight.REFUSED, fit.text, *missing)
    # Slots come and go: a job that lacks them now waits for them.
    if kinds & _ASK.keys() or any(reason.why is Why.SLOTS for reason in fit.reasons):
        return _concern(Weight.LOSS, fit.text)
    if FitKind.UNKNOWN not in kinds:
        return _concern(Weight.NOTE, fit.text)
    if Allowed.NON_RESTORED_STATE in given:
        return _concern(Weight.UNKNOWN, fit.text, _UNSEEN)
    # The fit of a program is never known, which is no reason to look closer.
    program = all(reason.why is Why.PROGRAM for reason in fit.reasons)
    return _concern(Weight.NOTE if program else Weight.UNKNOWN, fit.text)


def left_behind(fit: Fit | None, *, drops: bool) -> str:
    """The state that a start leaves behind, for the audit; empty for none. `drops`: Flink may leave state behind."""
    if fit is not None and fit.left:
        shown = ", ".join(f"{left.operator} ({left.bytes} bytes)" for left in fit.left[:_SHOWN])
        more = f" and {len(fit.left) - _SHOWN} more" if len(fit.left) > _SHOWN else ""
        return f"It leaves behind the state of {shown}{more}."
    unknown = fit is None or fit.kind is FitKind.UNKNOWN
    return "It may leave state behind; nobody could know beforehand." if drops and unknown else ""


def _concern(weight: Weight, *words: str) -> Concern:
    return Concern(Trouble.FIT, weight, " ".join(words))
