"""The table of the how-to: what is said of each change beforehand, and what Flink then does."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.changes.cases import BASES
from tests.changes.run import Outcome, Tried

from sluiceway.domain.fit import Fit, FitKind, Why

PAGE = Path(__file__).parents[2] / "docs/how-to/change-a-job-and-keep-its-state.md"
BEGIN = "<!-- made by tests/changes: begin -->\n"
END = "<!-- made by tests/changes: end -->\n"

_SAID = {
    FitKind.SAME: "fits",
    FitKind.NEW_OPERATORS: "fits; {new} without state",
    FitKind.OTHER_MEANING: "fits, and **means something else**",
    FitKind.UNKNOWN: "unknown",
    FitKind.LEFT_BEHIND: "**leaves behind** the state of {left}",
    FitKind.WOULD_NOT_START: "**would not start**: {why}",
}
_WHY = {
    Why.TYPE_CHANGED: "state of another type",
    Why.KEY_CHANGED: "keys of another type",
    Why.MAX_PARALLELISM: "maximum parallelism",
    Why.BATCH: "batch mode",
    Why.BACKEND: "another state backend",
    Why.REFUSED: "it cannot be planned",
}
_DONE = {
    Outcome.RESTORED: "goes on",
    Outcome.DROPPED: "begins anew, without a word",
    Outcome.FAILED: "fails",
    Outcome.NOTHING: "does nothing",
}


def right(tried: Tried) -> bool | None:
    """Whether what was said came true; None where nothing was said."""
    match tried.fit.kind:
        case FitKind.UNKNOWN:
            return None
        case FitKind.SAME | FitKind.NEW_OPERATORS | FitKind.OTHER_MEANING:
            return tried.outcome is Outcome.RESTORED
        case FitKind.LEFT_BEHIND:
            silent = any(reason.why is Why.STATE_GONE for reason in tried.fit.reasons)
            return tried.outcome is (Outcome.DROPPED if silent else Outcome.FAILED)
        case FitKind.WOULD_NOT_START:
            batch = tried.fit.reasons[0].why is Why.BATCH
            return tried.outcome is (Outcome.DROPPED if batch else Outcome.FAILED)


def table(all_tried: Sequence[Tried]) -> str:
    """In Markdown, with the figures above it."""
    return "".join(f"{line}\n" for line in _lines(all_tried))


def _lines(all_tried: Sequence[Tried]) -> Iterator[str]:
    verdicts = [right(tried) for tried in all_tried]
    said, true = len([v for v in verdicts if v is not None]), verdicts.count(True)
    yield f"{len(verdicts)} changes: {said} judged beforehand, {true} of them right; {verdicts.count(None)} unknown."
    yield ""
    yield "| Job | Change | Said beforehand | What Flink 2.3 does |"
    yield "|---|---|---|---|"
    names = {base.name: base.what for base in BASES}
    for tried in all_tried:
        yield f"| {names[tried.change.base]} | {tried.change.what} | {_said(tried.fit)} | {_DONE[tried.outcome]} |"


def _said(fit: Fit) -> str:
    left = ", ".join(dict.fromkeys(f"`{each.operator}`" for each in fit.left))
    new = ", ".join(dict.fromkeys(f"`{name}`" for name in fit.fresh))
    why = _WHY.get(fit.reasons[0].why, "") if fit.reasons else ""
    return _SAID[fit.kind].format(left=left, new=new, why=why)


def written() -> str:
    """The table as the page has it."""
    return PAGE.read_text().partition(BEGIN)[2].partition(END)[0]


def write(text: str) -> None:
    """Put it into the page."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + BEGIN + text + END + rest.partition(END)[2])
