"""The player of the docs: what it reads of a page, and which outputs it takes for what the page shows.

And what needs no playing: every command that any page names is one, with those options.
"""

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest
from tests.support.people.pages import ROOT, Block, blocks, commands
from tests.support.people.reader import Own, Reader, Wrong
from tests.support.people.shapes import difference, fits

from sluiceway.cli.main import app
from sluiceway.cli.placed import placed

PAGE = """\
# Title

Write this to
`hello.sql`:

```sql
SELECT 1;
```

```console
$ echo one; \\
  echo two
one
two
$ true
```

```yaml
# name.yaml
# not a heading
a: 1
```

## Second

```sh
# Not typed.
curl -d '{
  "a": 1}'
false || true
```
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    made = tmp_path / "page.md"
    made.write_text(PAGE)
    return made


def test_what_is_read_of_a_page(page: Path) -> None:
    sql, console, yaml, shell = blocks(page)
    assert (sql.file, sql.text, sql.line) == ("hello.sql", "SELECT 1;\n", 7)
    assert (yaml.file, yaml.language) == ("name.yaml", "yaml")
    typed = [(each.line, each.text, each.shown) for each in commands(console)]
    assert typed == [(11, "echo one; \\\n  echo two", ("one", "two")), (15, "true", ())]
    assert [each.text for each in commands(shell)] == ["curl -d '{\n  \"a\": 1}'", "false || true"]
    assert blocks(page, "Second") == [shell]
    assert blocks(page, "Title") == [sql, console, yaml]


def test_an_output_without_a_command_and_a_command_without_an_end_are_faults_of_the_page(page: Path) -> None:
    for language, text in (("console", "one\n$ echo one\n"), ("sh", "echo 'one\n")):
        with pytest.raises(AssertionError, match=r"page\.md:1"):
            list(commands(Block(page, 1, language, text)))


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("Stop 7 is accepted", "Stop 12 is accepted", True),
        ("1   hello  1.6 MB  yes  1.12  -", "10  hello   638 KB  yes  0.7   -", True),
        ("at 2026-11-28 07:34:08Z", "at 2027-01-01 23:59:59Z", True),
        ("savepoint-5fcd4f-f32d6b224036", "savepoint-e0c3ae-8abcdf9efe66", True),
        ("http://127.0.0.1:8640/docs", "http://127.0.0.1:41234/docs", True),
        ("file:///tmp/a/…", "file:///tmp/a/jobs/savepoint/1", True),
        ("Stop 7 is accepted", "Stop 7 was accepted", False),
        ("1   hello  yes", "1   hello  no", False),
        ("1   hello  -", "1   hello  job_running", False),
        ("1 MB", "1 jobs", False),
        ("exit code 0", "exit code", False),
    ],
)
def test_the_shape_of_a_line(shown: str, printed: str, same: bool) -> None:
    assert fits(shown, printed) is same


@pytest.mark.parametrize(
    ("shown", "out", "err", "wrong"),
    [
        (["a 1", "b"], ["a 2", "", "b"], [], ""),
        (["a", "b"], ["a"], [], "the page shows 'b'; nothing more was printed"),
        (["a"], ["a", "b"], [], "the page does not show 'b'"),
        (["b", "a"], ["a", "b"], [], "the page shows 'b'; printed there: 'a'"),
        (["a", "…", "d"], ["a", "b", "c", "d"], [], ""),
        (["…"], ["a", "b"], [], ""),
        (["…", "b"], ["a", "b", "c"], [], "the page does not show 'c'"),
        (["a", "told"], ["a"], ["told"], ""),
        (["a"], ["a"], ["told"], ""),
    ],
)
def test_an_output_and_what_the_page_shows_of_it(shown: list[str], out: list[str], err: list[str], wrong: str) -> None:
    assert difference(shown, out, err) == wrong


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("$ echo two\none\n", r"page\.md:4: \$ echo two\n  the page shows 'one'; printed there: 'two'"),
        ("$ exit 3\n", r"page\.md:4: \$ exit 3\n  exits with 3"),
        ("$ echo one\n", "the test prepares what no page says: theirs"),
    ],
)
def test_a_page_that_is_wrong_is_told_with_the_place(tmp_path: Path, text: str, wrong: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n```console\n{text}```\n")
    own = Own({"theirs": "ours"} if "theirs" in wrong else {})
    with pytest.raises(Wrong, match=wrong), Reader(tmp_path / "home", own) as reader:
        reader.play(page)


def test_a_page_without_a_command_cannot_be_played(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n```text\n```\n")
    with pytest.raises(Wrong, match="nothing to play"), Reader(tmp_path / "home") as reader:
        reader.play(page)


def test_files_values_and_the_environment_are_the_readers_own(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Page\n\n```toml\n# a.toml\npath = '/theirs'\n```\n\n"
        "```console\n$ export WORD=there\n$ cat a.toml; echo $WORD\n# a.toml\npath = '/theirs'\nthere\n```\n"
    )
    with Reader(tmp_path / "home", Own({"/theirs": "/ours"})) as reader:
        reader.play(page)
    assert (tmp_path / "home/a.toml").read_text() == "# a.toml\npath = '/ours'\n"
    assert reader.printed[-2:] == ["path = '/ours'", "there"]


# --- every command that a page names ----------------------------------------------------------------------------------

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
MARKED = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?(sluiceway [a-z].*)", re.DOTALL)


def named(page: Path) -> Iterator[str]:
    """The command lines of a page: in its sentences, and in its blocks."""
    text = page.read_text()
    sentences = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    for code in CODE.findall(sentences):
        yield from (" ".join(found[1].split()) for found in [MARKED.match(code)] if found)
    for block in blocks(page):
        typed = [each.text for each in commands(block)] if block.language in {"console", "sh"} else []
        yield from (" ".join(found[1].replace("\\\n", " ").split()) for each in typed if (found := MARKED.match(each)))


def faults(line: str) -> list[str]:
    """What a command line has that there is not."""
    words = shlex.shlex(line, posix=True, punctuation_chars=";|&<>")
    words.whitespace_split = True
    _, *rest = takewhile(lambda word: word[:1] not in {*";|&<>"}, words)
    call = placed(rest, app)
    here, rest = call.command, call.arguments[len(call.words) :]
    options = [word.split("=")[0] for word in rest[: rest.index("--") if "--" in rest else None] if word[:2] == "--"]
    if here is app:
        return [f"no command {rest[0]}"] if rest and not rest[0].startswith("-") else []
    if here.default_command is None:
        return [f"no command {rest[0]}"] if rest and re.fullmatch("[a-z-]+", rest[0]) else []
    known = {name for each in here.assemble_argument_collection() for name in each.names} | {"--help", "--version"}
    return [f"no option {option}" for option in options if option not in known]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_names_is_one(page: Path) -> None:
    wrong = {line: found for line in named(page) if (found := faults(line))}
    assert not wrong


def test_there_are_commands_to_be_found() -> None:
    assert len(list(named(ROOT / "docs/how-to/when-a-stop-fails.md"))) > 15
    assert len(list(named(ROOT / "docs/tutorial.md"))) > 5


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("sluiceway stop --all --wait", []),
        ("sluiceway stop --every", ["no option --every"]),
        ("sluiceway stops sho 7", ["no command sho"]),
        ("sluiceway halt", ["no command halt"]),
        ('sluiceway stop --all --dry; echo "exit code $?"', ["no option --dry"]),
        ("sluiceway jobs program orders --class A -- --topic x", []),
    ],
)
def test_a_command_that_is_none_is_seen(line: str, wrong: list[str]) -> None:
    assert faults(line) == wrong
