"""`make bench`: what stopping costs, beside what one would use instead. Figures of one run, on one real cluster.

`python -m bench fleet` measures large fleets over fakes, and `python -m bench applications` thousands of clusters of
one job, and `python -m bench viewers` many who watch one stop. They have options of their own, as `startup` has:
`python -m bench fleet --help`.
"""

import argparse
import signal
import sys

from bench import accept, applications, fits, fleet, lists, startup, stops, viewers

ALL = {"stops": stops.main, "accept": accept.main, "lists": lists.main, "fits": fits.main, "startup": startup.main}


def main() -> int:
    """Run every benchmark, or those that are named, and print their tables; 1 when a target is missed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # tidy up, as after Ctrl-C
    own = {
        "fleet": fleet.main,
        "applications": applications.main,
        "viewers": viewers.main,
        "startup": startup.main,
    }
    if (first := "".join(sys.argv[1:2])) in own:
        return 0 if own[first](sys.argv[2:]) else 1
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    told = "; ".join(f"{name}: {(sys.modules[bench.__module__].__doc__ or '').strip()}" for name, bench in ALL.items())
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which to run; all by default. {told}")
    parser.add_argument("--jobs", type=int, default=fits.JOBS, help="how many jobs `fits` has (default: %(default)s)")
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - set(ALL)):
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join([*ALL, *own])}")
    names = given.names or list(ALL)
    kept = [fits.main(given.jobs) if name == "fits" else ALL[name]() for name in names]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
