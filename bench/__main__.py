"""`make bench`: what stopping costs, beside what one would use instead. Figures of one run, on one real cluster."""

import sys

from bench import accept, fits, lists, stops


def main() -> int:
    """Run every benchmark and print its table; 1 when a target of the project is missed."""
    kept = [stops.main(), accept.main(), lists.main(), fits.main()]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
