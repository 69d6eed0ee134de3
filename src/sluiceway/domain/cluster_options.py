"""What the options of a cluster, and of a job, mean for a start: claim mode, and whether slots can run out. Pure."""

from collections.abc import Mapping

from sluiceway.domain.facts import MustClaim, Silent
from sluiceway.domain.job import JobSpec
from sluiceway.domain.observed import CLUSTER_OPTIONS, FREE_SLOTS, OWN_OPTIONS, Weighing
from sluiceway.domain.proving import Unanswered, ask
from sluiceway.domain.run import Run

# A job with a changelog of its state can be resumed in claim mode alone (contract, "Formats").
CHANGELOG = ("state.changelog.enabled", "state.backend.changelog.enabled")  # the second is the old name
WORDS = ("changelog.enabled", "{{")  # one of them is in the SQL of a job that says so there, or in a variable

# A cluster with one of these gets more machines when it needs them, as far as anybody can tell from here.
_GROWS = ("kubernetes.cluster-id", "yarn.application.id")


def weigh_claim(run: Run, spec: JobSpec) -> Weighing[MustClaim | Silent | None]:
    """What keeps a run from being submitted as it is: nothing, claim mode, or that its options cannot be read now."""
    if run.restore is None or run.claims:
        return None
    try:
        told = any(word in spec.sql for word in WORDS)
        own = (yield from ask(OWN_OPTIONS)) if told else spec.options
    except Unanswered as error:
        return Silent(str(error))
    return MustClaim() if (yield from _keeps_changelog(own)) else None


def _keeps_changelog(own: Mapping[str, str]) -> Weighing[bool]:
    """By a job's options, else by those of its cluster. A cluster that does not tell has none, as is the rule."""
    for name in CHANGELOG:
        if name in own:
            return _true(own[name])
    try:
        theirs = yield from ask(CLUSTER_OPTIONS)
    except Unanswered:
        return False
    return any(_true(theirs.get(name, "")) for name in CHANGELOG)


def _true(value: str) -> bool:
    return value.strip().lower() == "true"


def weigh_free_slots() -> Weighing[int | None]:
    """How many slots are free; None where nobody knows, and where the cluster adapts to its slots or may grow."""
    try:
        options = yield from ask(CLUSTER_OPTIONS)
        return None if _bends(options) else (yield from ask(FREE_SLOTS))
    except Unanswered:
        return None


def _bends(options: Mapping[str, str]) -> bool:
    adapts = options.get("jobmanager.scheduler", "").lower() == "adaptive" or "scheduler-mode" in options
    return adapts or any(key in options for key in _GROWS)
