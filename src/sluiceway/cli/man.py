"""`sluiceway man`: the manual pages. They say what `--help` says, of a command and all below it, in one page each."""

from collections.abc import Iterator
from pathlib import Path

from cyclopts import App

from sluiceway import __version__
from sluiceway.cli.help_pages import Collected, collected, phrase
from sluiceway.cli.language import Language, spoken
from sluiceway.cli.options import commands
from sluiceway.cli.output import Failed, say
from sluiceway.cli.troff import Page

SECTIONS = {Language.ENGLISH: "man1", Language.CHINESE: "zh_CN/man1"}  # of commands, where man(1) looks
EXITS = {
    0: "The command did what you asked.",
    1: "It did not, or not for every job. Also when the named savepoint is not whole.",
    2: "The call was wrong.",
    3: "Nothing matched: no job of that name, no such cluster, or no job that is meant. Nothing was done.",
    4: "You are not signed in, or may not do it.",
    5: "No service answers there, or none that can be trusted.",
    6: "The time to wait is up. What was waited for goes on.",
    130: "Interrupted.",
}

man_app = commands("man")


@man_app.default
def man(directory: Path, /) -> int:
    """Write the manual pages, for man(1).

    One is of `sluiceway` itself, and one of each of its commands, with all that stand below it.

    Example: `sluiceway man ~/.local/share/man`

    Then: `man sluiceway`, and `man sluiceway-jobs`

    Parameters
    ----------
    directory
        Where manual pages lie, as in MANPATH. They go into its man1.
    """
    from sluiceway.cli.main import commands as every_command

    app = every_command()
    try:
        place = directory.expanduser() / SECTIONS[spoken()]
        place.mkdir(parents=True, exist_ok=True)
        for name, text in pages(app).items():
            (place / f"{name}.1").write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failed(f"{directory} cannot be written: {error.strerror}", code=2) from error
    say(f"The manual pages are in {place}. Look: man sluiceway")
    return 0


def pages(app: App) -> dict[str, str]:
    """The source of each page in man(7), by its name."""
    names = list(_names(app))
    made = {"sluiceway": _root(collected(app, []), [f"sluiceway-{name}" for name in names])}
    for name in names:
        whole = [collected(app, words) for words in _leaves(app[name], [name])]
        made[f"sluiceway-{name}"] = _page(collected(app, [name]), whole)
    return made


def _names(app: App) -> Iterator[str]:
    """The commands of an app, without flags and other names of the same."""
    seen = list[int]()
    for name in app:
        if not name.startswith("-") and app[name].show and id(app[name]) not in seen:
            seen.append(id(app[name]))
            yield name


def _leaves(app: App, words: list[str]) -> Iterator[list[str]]:
    """Every command that does something, at an app or below it."""
    below = list(_names(app))
    if not below:
        yield words
    for name in below:
        yield from _leaves(app[name], [*words, name])


def _root(about: Collected, others: list[str]) -> str:
    page = Page("sluiceway", about.summary, __version__)
    page.section("SYNOPSIS").synopsis(about.usage)
    page.section("DESCRIPTION").paragraphs(about.paragraphs)
    page.section("COMMANDS")
    for other in others:
        page.item(f"`{other}(1)`", about.commands[other.partition("-")[2]])
    page.section("EXIT STATUS")
    for code, meaning in EXITS.items():
        page.item(f"`{code}`", phrase(meaning))
    page.section("ENVIRONMENT")
    page.item("`SLUICEWAY_SERVER`", phrase("The address of the service."))
    page.item("`SLUICEWAY_PROJECT`", phrase("The project that jobs are in."))
    page.item("`SLUICEWAY_LANGUAGE`", phrase("The language of messages and of help: en or zh."))
    return page.see_also(others)


def _page(about: Collected, whole: list[Collected]) -> str:
    """A page of a command; where others stand below it, of each of these."""
    page = Page("-".join(about.words), about.summary, __version__)
    page.section("SYNOPSIS").synopsis(about.usage)
    page.section("DESCRIPTION").paragraphs(about.paragraphs)
    if len(whole) == 1 and whole[0].words == about.words:
        page.section("OPTIONS").options(about.options)
        return page.see_also(["sluiceway"])
    shared = [option for option in whole[0].options if all(option in other.options for other in whole[1:])]
    page.section("COMMANDS")
    for each in whole:
        page.subsection(each.usage).paragraphs(each.paragraphs)
        page.options([option for option in each.options if option not in shared])
    if shared:
        page.section("OPTIONS OF EVERY COMMAND").options(shared)
    return page.see_also(["sluiceway"])
