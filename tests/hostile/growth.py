"""Whether what a text costs grows with its size and no faster: the shapes, the patterns of the source, the measure.

Costs are times of this thread on the processor, and only how they grow is judged: never how long anything takes.
"""

import ast
import gc
import importlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sluiceway

SOURCE: Final = Path(sluiceway.__file__).parent
STEP: Final = 8  # a text is so many times as long as the one that it is held against
# And may cost so many times more than that: eight times the length, then, 14 times the cost. What grows with the square
# costs 64 times as much, and 22 times with the power of 1.5.
GENEROUS: Final = (
    3.0  # what costs the square of it takes eight times as much; eight megabytes have pages to fetch that one has not
)
NOISE: Final = 0.012  # seconds below which nothing is judged
AGAIN: Final = 3  # times that a cost is taken that seems too high; the least of them counts
LEAST: Final = 1 << 11  # characters of the shortest text
LARGE: Final = 8 << 20  # characters of the longest one

# What repeats without end in the text of somebody who means ill.
UNITS: Final[Mapping[str, str]] = {
    "letters": "a",
    "digits": "9",
    "blanks": " ",
    "tabs and blanks": "\t ",
    "lines": "\n",
    "dotted": "a.",
    "dots": ".",
    "words": "a ",
    "class names": "java.lang.A: ",
    "causes": "Caused by: a.B: x\n",
    "quotes": "'",
    "double quotes": '"',
    "backticks": "`",
    "doubled quotes": "''",
    "comments": "/* ",
    "comments that end": "/* */",
    "dashes": "-- \n",
    "commas": "a,",
    "semicolons": ";",
    "statements": "USE x;",
    "settings": "SET 'a'='b';",
    "pairs": "k=v,",
    "equals": "=",
    "ampersands": "a=b&",
    "open": "(",
    "brackets": "[",
    "braces": '{"a":',
    "backslashes": "\\",
    "slashes": "/",
    "up": "../",
    "schemes": "a://",
    "escapes": "%25",
    "percent": "%",
    "stars": "*a",
    "question marks": "?",
    "colons": ": ",
    "angle": "<a>",
    "hosts": "a.obs.",
    "chinese": "作业",
    "nul": "\0",
    "surrogates": "\ud800",
}
ENDS: Final = ("", "\n!")  # what a pattern has almost matched may end otherwise


class Superlinear(AssertionError):
    """The cost of a text grows faster than the text."""


def sizes(most: int, up_to: int) -> list[int]:
    """The lengths to try, the shortest first: up to 8 MB or a limit, each eight times the one before.

    What lies between 1 and 8 MB costs what lies between, or 8 MB cost too much.
    """
    found = [min(most, up_to)]
    while found[-1] >= LEAST * STEP:
        found.append(found[-1] // STEP)
    return sorted(found)


def judge(
    what: str,
    act: Callable[[Any], object],
    make: Callable[[int], Any],
    lengths: Sequence[int],
    clock: Callable[[], float] = time.thread_time,
) -> None:
    """Hold the cost of each length against that of the one before, from the shortest on. Raises `Superlinear`.

    What is not linear is noticed at the first length that costs more than noise, so it never takes long. `clock` tells
    seconds on the processor.
    """
    base, of = 0.0, 0
    for length in lengths:
        given = make(length)
        taken = cost(act, given, clock)
        if of and _too_much(taken, base, length / of):
            shorter = make(of)
            # Again, the two in turns: something else may have been in the way.
            again = [(cost(act, shorter, clock), cost(act, given, clock)) for _ in range(AGAIN)]
            base, taken = min(pair[0] for pair in again), min(pair[1] for pair in again)
            if _too_much(taken, base, length / of):
                raise Superlinear(f"{what}: {length} characters cost {taken / base:.0f} times what {of} cost")
        base, of = taken, length


def _too_much(taken: float, base: float, times: float) -> bool:
    return taken > NOISE and taken > max(base, 1e-6) * times * GENEROUS


def cost(act: Callable[[Any], object], given: Any, clock: Callable[[], float] = time.thread_time) -> float:
    """Seconds on the processor. What is refused was looked at, too; a fault of ours is none."""
    gc.disable()  # it looks at all that the tests have made
    began = clock()
    try:
        act(given)
    except (TypeError, AttributeError, NameError, LookupError):
        raise
    except Exception:
        return clock() - began
    finally:
        gc.enable()
    return clock() - began


def shaped(unit: str, end: str = "", begin: str = "") -> Callable[[int], str]:
    """A text of a given length that repeats a unit."""

    def make(size: int) -> str:
        return begin + (unit * (size // len(unit) + 1))[: max(size - len(begin) - len(end), 0)] + end

    return make


# The patterns. --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pattern:
    """A regular expression of the source, and what is done with it."""

    place: str  # module.NAME, or module:line for one without a name
    compiled: re.Pattern[Any]
    methods: frozenset[str]

    @property
    def text(self) -> str:
        """As it is written."""
        text = self.compiled.pattern
        return text.decode("latin-1") if isinstance(text, bytes) else str(text)

    @property
    def parsed(self) -> Any:
        """As Python has read it."""
        parser: Any = importlib.import_module("re._parser")
        return parser.parse(self.text, self.compiled.flags & ~re.UNICODE)

    def acts(self) -> Iterator[tuple[str, Callable[[str], object]]]:
        """What is done with it to a text."""
        for method in sorted(self.methods or {"search"}):
            yield method, self._act(method)

    def _act(self, method: str) -> Callable[[str], object]:
        pattern: Any = self.compiled
        encode = isinstance(pattern.pattern, bytes)

        def act(text: str) -> object:
            given: Any = text.encode("utf-8", "surrogatepass") if encode else text
            if method == "sub":
                return pattern.sub(b"" if encode else "", given)
            if method == "finditer":
                return sum(1 for _ in pattern.finditer(given))
            return getattr(pattern, method)(given)

        return act

    def units(self) -> Iterator[str]:
        """What it matches, and what it almost does."""
        sample = example(self.text, self.compiled.flags)
        for cut in {len(sample), max(len(sample) - 1, 1), max(len(sample) // 2, 1), max(len(sample) // 4, 1)}:
            if sample[:cut]:
                yield sample[:cut]


_FEW: Final = 1000  # rounds
_METHODS: Final = frozenset({"match", "fullmatch", "search", "sub", "findall", "finditer", "split"})
_USES: Final = re.compile(r"\bre\.")  # few modules do, and every process of a run looks through all of them


def patterns() -> list[Pattern]:
    """Every regular expression of the source. Raises `ValueError` for one that is put together when it runs."""
    found: list[Pattern] = []
    for path in sorted(SOURCE.rglob("*.py")):
        module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        text = path.read_text(encoding="utf-8")
        if not module.startswith(("testing.", "store.migrations.")) and _USES.search(text):
            found += _of_module(module, list(ast.walk(ast.parse(text))))
    return found


def _of_module(module: str, nodes: Sequence[ast.AST]) -> Iterator[Pattern]:
    named = {
        target.id: node.value
        for node in nodes
        for target in _targets(node)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(target, ast.Name)
        and _is_re(node.value, "compile")
    }
    imported = importlib.import_module(f"sluiceway.{module}") if named else None
    for name in named:
        methods = {
            node.attr
            for node in nodes
            if isinstance(node, ast.Attribute) and node.attr in _METHODS and getattr(node.value, "id", None) == name
        }
        yield Pattern(f"{module}.{name}", getattr(imported, name), frozenset(methods))
    known = set(named.values())
    for node in nodes:
        if isinstance(node, ast.Call) and node not in known and _is_re(node, *_METHODS, "compile"):
            pattern, flags = _constant(module, node)
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            yield Pattern(f"{module}:{pattern}", re.compile(pattern, flags), frozenset({method} & _METHODS))


def _targets(node: ast.AST) -> Sequence[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []


def _is_re(node: ast.AST | None, *names: str) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr in names and getattr(called.value, "id", None) == "re"


def _constant(module: str, call: ast.Call) -> tuple[str, int]:
    try:
        pattern = ast.literal_eval(call.args[0])
    except ValueError:
        raise ValueError(f"{module}, line {call.lineno}: write the pattern as one constant") from None
    flags = 0
    for node in ast.walk(call):
        if isinstance(node, ast.Attribute) and node.attr.isupper():
            flags |= int(getattr(re, node.attr, 0))
    return pattern, flags


_ONE: Final = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN"})  # what is repeated without remembering the rounds


def remembers_rounds(items: Any) -> bool:
    """Whether it repeats a group without end and could give rounds back, each of which Python remembers until then."""
    for kind, value in items:
        match str(kind):
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT" as repeat:
                _, most, inner = value
                simple = len(inner) == 1 and str(inner[0][0]) in _ONE
                if (repeat != "POSSESSIVE_REPEAT" and most > _FEW and not simple) or remembers_rounds(inner):
                    return True
            case "SUBPATTERN":
                if remembers_rounds(value[-1]):
                    return True
            case "ATOMIC_GROUP":
                if remembers_rounds(value):
                    return True
            case "BRANCH":
                if any(map(remembers_rounds, value[1])):
                    return True
            case "ASSERT" | "ASSERT_NOT":
                if remembers_rounds(value[1]):
                    return True
            case _:
                pass
    return False


def example(pattern: str, flags: int = 0) -> str:
    """A text that a pattern matches, or begins to: of each choice the first, of each repetition a few."""
    parser: Any = importlib.import_module("re._parser")
    return "".join(_examples(parser.parse(pattern, flags)))


def _examples(items: Any) -> Iterator[str]:
    for kind, value in items:
        match str(kind):
            case "LITERAL":
                yield chr(value)
            case "NOT_LITERAL" | "ANY":
                yield "a"
            case "IN":
                yield _one_of(value)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                least, most, inner = value
                yield "".join(_examples(inner)) * min(max(least, 2), most)
            case "SUBPATTERN":
                yield "".join(_examples(value[-1]))
            case "ATOMIC_GROUP":
                yield "".join(_examples(value))
            case "BRANCH":
                yield "".join(_examples(value[1][0]))
            case _:
                pass  # what looks around, and takes no letter


def _one_of(choices: Any) -> str:
    for letter in "a9_. -A(\t\n<'\"/":
        inside = any(_has(choice, letter) for choice in choices if str(choice[0]) != "NEGATE")
        if inside != any(str(choice[0]) == "NEGATE" for choice in choices):
            return letter
    return "a"


def _has(choice: Any, letter: str) -> bool:
    kind, value = str(choice[0]), choice[1]
    if kind == "LITERAL":
        return bool(chr(value) == letter)
    if kind == "RANGE":
        return bool(value[0] <= ord(letter) <= value[1])
    name = str(value).removeprefix("CATEGORY_")
    of_class = {"DIGIT": letter.isdigit(), "SPACE": letter.isspace(), "WORD": letter.isalnum() or letter == "_"}
    return of_class.get(name.removeprefix("NOT_"), False) != name.startswith("NOT_")
