"""The service of another source tree, in this environment: `python -m bench.of_build SRC serve …`."""

import runpy
import sys


def main() -> None:
    """Put the tree before the installed package, and run it."""
    source, *arguments = sys.argv[1:]
    sys.path.insert(0, source)
    sys.argv = ["sluiceway", *arguments]
    runpy.run_module("sluiceway", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
