"""Who may begin now: what is under way at once has a limit, and others go first."""

from collections import Counter
from collections.abc import Collection, Mapping

SUBMISSIONS = 8  # under way at one cluster at once


def to_submit(wanted: Mapping[int, str], under_way: Mapping[int, str], begun: Collection[int] = ()) -> set[int]:
    """Those of the wanted runs that there is room for now. Both mappings tell the project of each run.

    The project with the fewest under way comes first, so that no project's many hold up another's few. Of one project
    the first come first. `begun` are further runs whose submissions need no place and must not begin again.
    """
    busy = Counter(under_way.values())
    waiting: dict[str, list[int]] = {}
    for run_id, project in wanted.items():
        if run_id not in under_way and run_id not in begun:
            waiting.setdefault(project, []).append(run_id)
    for of_project in waiting.values():
        of_project.reverse()
    admitted: set[int] = set()
    while waiting and len(under_way) + len(admitted) < SUBMISSIONS:
        project = min(waiting, key=busy.__getitem__)
        admitted.add(waiting[project].pop())
        busy[project] += 1
        if not waiting[project]:
            del waiting[project]
    return admitted
