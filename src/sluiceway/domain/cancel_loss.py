"""What a job would lose by a stop without a savepoint."""

from datetime import UTC, datetime, timedelta

from sluiceway.domain.engine import RestorePoint, Survey
from sluiceway.domain.way_back import Concern, Terms, Trouble, Weight, before_a_pause

_EARLIEST = datetime.min.replace(tzinfo=UTC)


def before_a_cancel(terms: Terms, window: timedelta | None, survey: Survey | None) -> list[Concern]:
    """The concerns before a cancel. `window` is how long the job will stay stopped."""
    if survey is None:
        return []
    kept = _kept(survey)
    found = [_lost(survey, kept)]
    return found if kept is None else [*found, *before_a_pause(terms, window)]


def _kept(survey: Survey) -> RestorePoint | None:
    """The state of this run that outlives a cancel, else the one that it began from. An unknown checkpoint may."""
    candidates = [None if survey.retained is False else survey.own, survey.saved]
    newest = max(filter(None, candidates), key=lambda point: point.at or _EARLIEST, default=None)
    return newest or survey.began


def _lost(survey: Survey, kept: RestorePoint | None) -> Concern:
    unsure = kept is not None and kept is survey.own and survey.retained is None
    text = f"A cancel without a savepoint loses {_since(survey, kept)}: {_of_checkpoints(survey)}."
    return Concern(Trouble.NO_SAVEPOINT, Weight.UNKNOWN if unsure else Weight.LOSS, text)


def _since(survey: Survey, kept: RestorePoint | None) -> str:
    if kept is None:
        return "everything that this run has done"
    if kept is survey.began:
        return f"everything that it has done since it began from {kept.path}"
    what = "savepoint" if kept is survey.saved else "checkpoint"
    when = f" of {kept.at:%Y-%m-%d %H:%M:%SZ}" if kept.at else ""
    return f"all that it has done since its {what}{when}, {kept.path}"


def _of_checkpoints(survey: Survey) -> str:
    if survey.own is None:
        return "no checkpoint of it is known"
    if survey.retained is None:
        return "whether its checkpoints outlive a cancel is not known"
    return "its checkpoints outlive a cancel" if survey.retained else "its checkpoints do not outlive a cancel"
