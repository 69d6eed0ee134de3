"""`python -m tests.changes`: all changes, or those of the jobs that are named; with --write the table of the how-to."""

import re
import sys
import tempfile
import time
from pathlib import Path

from tests.changes.cases import CHANGES
from tests.changes.run import Tried, run
from tests.changes.table import right, table, write
from tests.support.flink.real import RealFlink


def main() -> None:
    only = [name for name in sys.argv[1:] if not name.startswith("--")]
    changes = [change for change in CHANGES if not only or change.base in only]
    with tempfile.TemporaryDirectory() as name:
        flink = RealFlink(Path(name) / "flink").start()
        try:
            at = time.monotonic()
            found = flink.run(run(flink, Path(name) / "state", changes))
            took = time.monotonic() - at
        finally:
            flink.stop()
    for tried in found:
        _show(tried)
    seconds = sorted(tried.seconds for tried in found)
    print(f"{took:.0f} s in all; a judgement took {seconds[len(seconds) // 2]:.2f} s, the slowest {seconds[-1]:.2f} s")
    if "--write" in sys.argv and not only:
        write(table(found))


def _show(tried: Tried) -> None:
    mark = {True: " ", False: "!", None: "?"}[right(tried)]
    print(
        f"{mark} {tried.change.base:9} {tried.change.what:50} {tried.fit.kind:16} {tried.outcome:9} {tried.seconds:.2f}"
    )
    if right(tried) is not True:
        causes = re.findall(r"^Caused by: .*$", tried.cause, re.MULTILINE)
        print(f"    {tried.fit.text}\n    {(causes or [tried.cause])[-1][:300]}")


main()
