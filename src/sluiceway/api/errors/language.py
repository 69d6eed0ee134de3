"""Texts in DLI's two languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Language(StrEnum):
    """What `X-Language` asks for."""

    ENGLISH = "en-us"
    CHINESE = "zh-cn"

    @classmethod
    def of(cls, header: str | None) -> Self:
        """Chinese when the header asks for it, otherwise English."""
        return cls(cls.CHINESE if (header or "").strip().lower() == cls.CHINESE else cls.ENGLISH)


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages."""

    en: str
    zh: str

    def in_(self, language: Language) -> str:
        """The text in one language, with its {places}."""
        return self.zh if language is Language.CHINESE else self.en

    def say(self, language: Language, params: Mapping[str, "Param"]) -> str:
        """The text with its {places} filled. What fills them is never read as a template itself."""
        filled = {name: v.in_(language) if isinstance(v, Text) else str(v) for name, v in params.items()}
        return self.in_(language).format_map(filled)


Param = str | int | Text


def language_of_reader(headers: dict[bytes, bytes]) -> Language:
    """The language for a page: `X-Language`, as everywhere, or what a browser prefers (`Accept-Language`)."""
    if asked := headers.get(b"x-language"):
        return Language.of(asked.decode("latin-1"))
    chinese = headers.get(b"accept-language", b"").strip().lower().startswith(b"zh")
    return Language.CHINESE if chinese else Language.ENGLISH
