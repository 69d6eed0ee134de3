"""Which language commands speak, and that nothing is left out of the other one."""

import pytest

from sluiceway.cli.language import Language, chosen
from sluiceway.cli.main import run
from sluiceway.cli.output import Failed

EN, ZH = Language.ENGLISH, Language.CHINESE
CHOICES = [
    ([], {}, EN),
    ([], {"LANG": "zh_CN.UTF-8"}, ZH),
    ([], {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, EN),
    ([], {"LANG": "de_DE.UTF-8", "LC_MESSAGES": "zh_CN"}, ZH),
    ([], {"LANG": "zha_CN"}, EN),
    ([], {"LANG": "zh_CN.UTF-8", "SLUICEWAY_LANGUAGE": "en"}, EN),
    (["--language", "zh"], {"SLUICEWAY_LANGUAGE": "en"}, ZH),
    (["--language=zh-cn"], {}, ZH),
    (["--language", "en_US.UTF-8"], {"LANG": "zh_CN.UTF-8"}, EN),
]


@pytest.mark.parametrize(("option", "environment", "language"), CHOICES)
def test_the_option_counts_then_the_variable_then_the_locale(
    option: list[str], environment: dict[str, str], language: Language
) -> None:
    assert chosen(["jobs", *option, "list", "--json"], environment) == (language, ["jobs", "list", "--json"])


def test_what_stands_behind_two_dashes_is_no_choice() -> None:
    assert chosen(["jobs", "--", "--language", "zh"], {}) == (EN, ["jobs", "--", "--language", "zh"])


@pytest.mark.parametrize("words", [["--language", "tlh"], ["--language"], ["--language="]])
def test_another_language_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Failed, match="en or zh"):
        chosen(words, {})
    assert run(words) == 2
    assert "en or zh" in capsys.readouterr().err
