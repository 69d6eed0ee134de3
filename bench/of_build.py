"""The service of another source tree, in this environment: `python -m bench.of_build SRC serve …`.

It ends with the process that has started it, however that ends.
"""

import os
import runpy
import signal
import sys
import threading
import time


def main() -> None:
    """Put the tree before the installed package, and run it."""
    source, *arguments = sys.argv[1:]
    threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
    sys.path.insert(0, source)
    sys.argv = ["sluiceway", *arguments]
    runpy.run_module("sluiceway", run_name="__main__", alter_sys=True)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
