"""What a page shows of an output, against what was printed.

A page was written on another day than it is read, so lines are compared by their shape:

* a number, a date, a time or an address's port stands for any other: `1.12`, `2026-11-28 07:34:08Z`, `12 of 240`
* letters and digits of a hash (`5fcd4f-f32d6b224036`) stand for any others, a unit of size (`KB`) for any other
* any blanks stand for any blanks: how wide a column is depends on its longest value
* `…` stands for anything, on a line of its own for any lines

All else is as it stands there: words, names, headers, punctuation. Of standard output nothing may be missing and
nothing added. A page may show lines of standard error among it, or leave them out: which of the two a line is printed
on is not seen on a terminal, and progress is not shown through a pipe as there.
"""

import re
from collections.abc import Sequence

_PARTS = re.compile(
    r"(?P<any>…)|(?P<hash>\b(?=[0-9a-f-]*\d)[0-9a-f]{6,}(?:-[0-9a-f]+)*\b)|(?P<number>\d(?:[\d.,:]*\d)?)"
    r"|(?P<unit>(?<=\d )[KMGT]?B\b)|(?P<blank>\s+)"
)
_STANDS_FOR = {
    "any": ".*",
    "hash": r"[0-9a-f]+(?:-[0-9a-f]+)*",
    "number": r"\d(?:[\d.,:]*\d)?",
    "unit": "[KMGT]?B",
    "blank": r"\s+",
}


def shape(line: str) -> re.Pattern[str]:
    """Whatever has the shape of a line."""
    pattern, at = "", 0
    for part in _PARTS.finditer(line.strip()):
        kind = part.lastgroup
        assert kind
        pattern += re.escape(line.strip()[at : part.start()]) + _STANDS_FOR[kind]
        at = part.end()
    return re.compile(pattern + re.escape(line.strip()[at:]))


def fits(line: str, printed: str) -> bool:
    """Whether a printed line has the shape of a shown one."""
    return shape(line).fullmatch(printed.strip()) is not None


def difference(shown: Sequence[str], out: Sequence[str], err: Sequence[str] = ()) -> str:
    """In what an output is not as shown; empty where it is."""
    wanted = [line for line in shown if line.strip()]
    printed = [line for line in out if line.strip()]
    at, gap = 0, False
    for line in wanted:
        if line.strip() == "…":
            gap = True
            continue
        found = next((i for i in range(at, len(printed)) if fits(line, printed[i])), None)
        if found is not None and (gap or found == at):
            at, gap = found + 1, False
        elif not any(fits(line, other) for other in err):
            instead = f"printed there: {printed[at]!r}" if at < len(printed) else "nothing more was printed"
            return f"the page shows {line!r}; {instead}"
    return "" if gap or at == len(printed) else f"the page does not show {printed[at]!r}"
