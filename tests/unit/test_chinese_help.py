"""`--help` and the manual pages in Chinese say all that they say in English, and nothing that is no longer said."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
from cyclopts import App
from rich.cells import cell_len

from sluiceway.cli import man
from sluiceway.cli.chinese import help as chinese
from sluiceway.cli.help_pages import collected
from sluiceway.cli.language import Language, speak
from sluiceway.cli.main import SUMMARIES, commands, run

CODE = re.compile(r"`[^`]+`|(?<![\w-])--?[a-z][a-z-]*|\{\{\w+\}\}|\b[A-Z]+(?:_[A-Z]+)+\b|\d[\d,.]*\d|\d")
HAN = re.compile(r"[\u4e00-\u9fff]")
# Whatever a page may show of itself is in one of these: choices, defaults, variables, what is needed, every panel.
SHOWN = ("", "clusters", "serve", "access grant", "jobs list")


class Catalogue(dict[str, str]):
    """The texts in Chinese. It knows which were asked for."""

    def __init__(self) -> None:
        super().__init__(chinese.TEXTS)
        self.asked = set[str]()

    def get(self, text: str, default: str = "") -> str:  # type: ignore[override]
        self.asked.add(text)
        return super().get(text, default)


@pytest.fixture(autouse=True)
def _english_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "SLUICEWAY_LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    yield
    speak(Language.ENGLISH)


def groups(app: App, words: Sequence[str] = ()) -> Iterator[Sequence[str]]:
    """Every command that has others below it."""
    if below := list(man._names(app)):
        yield words
    for name in below:
        yield from groups(app[name], [*words, name])


@dataclass(frozen=True)
class Told:
    """All that there is to read."""

    catalogue: Catalogue
    screens: str
    manual: Path


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The manual pages, which have every command, the pages of groups of commands, and some pages as a terminal has."""
    catalogue, screens, directory, app = Catalogue(), StringIO(), tmp_path_factory.mktemp("manual"), commands()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(screens):
        patch.setattr(chinese, "TEXTS", catalogue)
        assert run(["--language", "zh", "man", str(directory)]) == 0
        for page in SHOWN:
            assert run(["--language", "zh", *page.split(), "--help"]) == 0
        for words in groups(app):
            collected(app, words)
    return Told(catalogue, screens.getvalue(), directory)


def test_every_text_is_there_in_chinese_and_none_for_nothing(told: Told) -> None:
    assert not [text for text in sorted(told.catalogue.asked) if text not in told.catalogue], "say it in Chinese"
    assert not [text for text in sorted(told.catalogue) if text not in told.catalogue.asked], "nothing shows it now"


def test_what_cyclopts_writes_is_in_chinese_too(told: Told) -> None:
    assert not set(re.findall(r"\[(?:choices|env var|default|required)\b|Usage:|─ [A-Z]\w+", told.screens))
    for words in ("[可选值：refuse, accept]", "[默认值：8640]", "[环境变量：SLUICEWAY_PORT]", "[必填]", "─ 参数 ─"):
        assert words in told.screens


def test_manual_pages_are_in_chinese_where_man_looks_for_them(told: Told) -> None:
    names = {path.name for path in (told.manual / "zh_CN" / "man1").iterdir()}
    assert names == {"sluiceway.1", *(f"sluiceway-{name}.1" for name in SUMMARIES)}
    page = (told.manual / "zh_CN" / "man1" / "sluiceway-stops.1").read_text()
    assert '.SH "名称"\nsluiceway\\-stops \\- 查看和控制停止操作\n' in page
    assert "与 \\-o json 相同：" in page
    assert "可选值：table、wide、name、json、yaml、jsonl。默认值：table。" in page


def test_a_text_is_in_one_module() -> None:
    counts = Counter(text for module in chinese.MODULES for text in module.TEXTS)
    assert not [text for text, count in counts.items() if count > 1]


@pytest.mark.parametrize("module", chinese.MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_text_has_the_code_options_and_figures_of_the_english_one(module: object) -> None:
    texts: dict[str, str] = module.TEXTS  # type: ignore[attr-defined]
    differing = {
        english: text for english, text in texts.items() if set(CODE.findall(english)) != set(CODE.findall(text))
    }
    assert not differing


def test_a_text_is_simplified_chinese_with_full_width_punctuation() -> None:
    for text in chinese.TEXTS.values():
        prose = re.sub(r"`[^`]*`", "", text)
        "".join(HAN.findall(prose)).encode("gb2312")  # which has no traditional characters
        assert not re.search(r"[\u4e00-\u9fff][,.;:!?()]|[,;!?()][\u4e00-\u9fff]", prose), text
        assert not re.search(r"[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]", prose), (
            f"without a blank: {text}"
        )


@pytest.mark.parametrize("width", [60, 80, 120])
def test_pages_fill_their_lines_and_no_line_begins_with_a_comma(width: int) -> None:
    page = [sys.executable, "-m", "sluiceway", "--language", "zh", "stop", "--help"]
    asked = {**os.environ, "COLUMNS": str(width), "PYTHONUTF8": "1"}
    lines = subprocess.run(page, env=asked, capture_output=True, encoding="utf-8", check=True).stdout.splitlines()
    assert max(map(cell_len, lines)) == width
    text = [line.strip("│ ") for line in lines]
    assert not [line for line in text if re.match("[，。、；：）]", line)]
    paragraph = next(at for at, line in enumerate(lines) if line.startswith("每个作业的停止都被受理时"))
    assert cell_len(lines[paragraph]) > width - 14  # no more is free than the longest word needs


def test_a_page_is_in_chinese_with_its_options_as_they_are_typed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--language", "zh", "jobs", "list", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "用法：sluiceway jobs list [OPTIONS]" in shown
    assert "列出作业，最新的在前。" in shown
    assert "示例：sluiceway jobs list --status running" in shown
    for option in ("--status", "--selector -l", "--limit", "--output -o", "--json", "--context"):
        assert option in shown
    assert "[默认值：20]" in shown
    assert "[可选值：table, wide" in shown


def test_the_locale_is_enough(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert "批量停止 Apache Flink 作业" in shown
    assert "显示谁在何时做了什么" in shown
    assert "--language zh" in shown
    monkeypatch.setenv("SLUICEWAY_LANGUAGE", "en")
    assert run(["--help"]) == 0
    assert "Stop Apache Flink jobs in bulk" in capsys.readouterr().out
