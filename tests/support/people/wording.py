"""What the words of a refusal must be: the template's, filled, in the language that was asked for."""

import re
from typing import Final

from huaweicloudsdkdli.v1 import DliAsyncClient, DliClient

from sluiceway.api.errors.language import Language, Text

# Each language is read by one of the two clients.
WAYS: Final = ((Language.ENGLISH, DliClient), (Language.CHINESE, DliAsyncClient))
_ENGLISH: Final = re.compile(r"[A-Za-z]{2,}(?: [A-Za-z]{2,}){3}")  # four words in a row
_CHINESE: Final = re.compile("[\u4e00-\u9fff]")


def check_words(said: str, text: Text, language: Language, *, foreign: bool = False) -> None:
    """Fail unless it is this text, with nothing of the other language in it but what is `foreign`."""
    template = text.in_(language)
    pattern = "".join(".*" if part.startswith("{") else re.escape(part) for part in re.split(r"({\w+})", template))
    assert re.fullmatch(pattern, said, re.DOTALL), f"{said!r} is not {template!r}"
    if language is Language.CHINESE:
        assert _CHINESE.search(said)
        assert foreign or not _ENGLISH.search(said), said
    else:
        assert not _CHINESE.search(said), said
