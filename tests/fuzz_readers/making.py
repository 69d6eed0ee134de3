"""Making up texts: pieces of a grammar in any order, the same piece many times over, and good texts spoilt."""

import random
from collections.abc import Sequence

ODD = ("\0", "\u2028", "é", "𝄞", "\ufeff", "\r\n", "\t", "\\", "\x7f", "ß", "İ")


def text(draw: random.Random, size: int, pieces: Sequence[str]) -> str:
    """A text of about `size` characters, in one of the ways that are likely to go wrong."""
    way = draw.randrange(4)
    if way == 0:
        return _repeated(draw, size, pieces)
    if way == 1:
        return _repeated(draw, size // 2, pieces) + _mixed(draw, size // 2, pieces)
    made = _mixed(draw, size, pieces)
    return spoilt(draw, made) if way == 2 else made


def spoilt(draw: random.Random, made: str) -> str:
    """The text with a few characters changed, a part left out or a part twice."""
    for _ in range(draw.randrange(1, 4)):
        if not made:
            return made
        begin = draw.randrange(len(made))
        end = min(len(made), begin + draw.randrange(1, 20))
        made = made[:begin] + draw.choice(("", made[begin:end] * 2, draw.choice(ODD))) + made[end:]
    return made


def _mixed(draw: random.Random, size: int, pieces: Sequence[str]) -> str:
    few = draw.sample(pieces, min(len(pieces), draw.randrange(1, 12)))
    made: list[str] = []
    length = 0
    while length < size:
        piece = draw.choice(few if draw.random() < 0.9 else pieces)
        made.append(piece)
        length += len(piece) or 1
    return "".join(made)


def _repeated(draw: random.Random, size: int, pieces: Sequence[str]) -> str:
    unit = "".join(draw.choices(pieces, k=draw.randrange(1, 4))) or " "
    return unit * (size // len(unit))
