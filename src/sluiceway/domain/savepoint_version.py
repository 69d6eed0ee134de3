"""Whether the Flink of a cluster reads state that another version of Flink has written. Pure.

Flink promises that newer versions restore what older ones of the same major version have written, and never the other
way round. What writes a newer form of `_metadata` than a cluster knows cannot be read there at all.
"""

from typing import Final

from sluiceway.domain.flink_version import Minor, minor
from sluiceway.domain.way_back import Concern, State, Trouble, Weight

# The form of `_metadata` that is written since a version, the newest first, as their own classes say.
_FORMS: Final = (((2, 1), 6), ((2, 0), 5), ((1, 11), 4))


def of_another_version(state: State, theirs: str) -> Concern | None:
    """What there is to say of a state that a cluster of this version is to start from; None where nothing is."""
    wrote, reads = minor(state.flink_version), minor(theirs)
    if wrote is None or reads is None or wrote == reads:
        return None
    written = f"{state.path} was written by Flink {state.flink_version}, and the cluster runs {theirs}"
    if _form(wrote) > _form(reads):
        text = f"{written}, which cannot read it. Give the job a queue of Flink {_named(wrote)} or later."
        return Concern(Trouble.FLINK_VERSION, Weight.REFUSED, text)
    if wrote > reads:
        text = f"{written}: Flink does not promise that an older version reads what a newer one has written."
        return Concern(Trouble.FLINK_VERSION, Weight.UNKNOWN, text)
    if wrote[0] < reads[0]:
        text = (
            f"{written}: Flink does not promise that state outlives a new major version. That of SQL was seen to; that "
            "of programs depends on their serializers."
        )
        return Concern(Trouble.FLINK_VERSION, Weight.UNKNOWN, text)
    return None


def _form(version: Minor) -> int:
    return next((form for first, form in _FORMS if version >= first), 0)


def _named(version: Minor) -> str:
    return f"{version[0]}.{version[1]}"
