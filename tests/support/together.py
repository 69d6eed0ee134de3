"""How tests on real Flink are shared out among processes: which files go together, and which begin.

A file is run by one process. Files that share a fixture which takes long to raise are run by the same one: each process
would raise its own. The longest begin, as what begins last is what all others wait for in the end.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from xdist.scheduler import LoadFileScheduling

_SURVIVAL: Final = "tests/survival"  # a highly available cluster, one without, and a service over both
_OLDER: Final = "an older Flink"  # which is fetched first, some 300 MB
_SECOND: Final = "a second Flink"
_TOGETHER: Final = {
    "tests/acceptance/test_versions_side_by_side.py": _OLDER,
    "tests/contract/test_older_flink.py": _OLDER,
    "tests/acceptance/test_how_tos_on_flink.py": _SECOND,
    "tests/acceptance/test_move.py": _SECOND,
}
_ALONE: Final = "tests/survival/test_chaos.py"  # it has a cluster of its own
_FIRST: Final = (
    _SURVIVAL,
    _SECOND,
    "tests/acceptance/test_nothing_stays_hidden.py",
    "tests/acceptance/test_changes_of_sql.py",
    _OLDER,
    _ALONE,
    "tests/acceptance/test_embedded.py",
    "tests/acceptance/test_pages_on_flink.py",
    "tests/acceptance/test_demo.py",
    "tests/acceptance/test_application_clusters.py",
)


def unit(file: str) -> str:
    """What a file is run with; itself where it shares nothing. Paths begin at the root of the repository."""
    shared = _SURVIVAL if file.startswith(f"{_SURVIVAL}/") and file != _ALONE else file
    return _TOGETHER.get(file, shared)


def turn(file: str) -> int:
    """When a file begins: before those of higher turns, and in the order of names among those of the same."""
    found = unit(file)
    return _FIRST.index(found) if found in _FIRST else len(_FIRST)


def files() -> Sequence[Path]:
    """Every file that is named here."""
    named = (*_TOGETHER, _ALONE, *_FIRST)
    return [Path(each) for each in named if each.startswith("tests/")]


class TogetherScheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """`--dist loadfile`, but with units of several files."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(super()._split_scope(nodeid))
