"""`python -m tests.changes`: all changes on a Flink of its own, and what was said of each."""

import sys
import tempfile
import time
from pathlib import Path

from tests.changes.cases import CHANGES
from tests.changes.run import run
from tests.real_flink import RealFlink


def main() -> None:
    only = sys.argv[1:]
    changes = [change for change in CHANGES if not only or change.base in only]
    with tempfile.TemporaryDirectory() as name:
        flink = RealFlink(Path(name) / "flink").start()
        try:
            at = time.monotonic()
            for tried in flink.run(run(flink, Path(name) / "state", changes)):
                print(f"{tried.change.base:9} {tried.change.what:55} {tried.fit.kind:16} {tried.outcome:9} {tried.seconds:.2f}")
                print("     ", tried.fit.text[:300])
                if tried.cause:
                    print("      !", [l for l in tried.cause.splitlines() if "Caused" in l or "Exception" in l][-1:][0][:250] if "Exception" in tried.cause else tried.cause[:250])
            print(f"{time.monotonic() - at:.0f} s")
        finally:
            flink.stop()


main()
