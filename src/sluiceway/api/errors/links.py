"""Points from each refusal, in a header, to the line of the page that explains its code."""

from collections.abc import Iterable
from typing import Final

PAGE: Final = "/docs/errors"
HEADER: Final = "Link"
COME_AGAIN: Final = "5"  # seconds after which a database that takes nothing may take something again


def help_for(codes: Iterable[str]) -> str:
    """The value of the header, with a link for each of the codes that differ."""
    return ", ".join(f'<{PAGE}#{code}>; rel="help"' for code in dict.fromkeys(codes))


def pointing(code: str) -> dict[str, str]:
    """The header, for an answer with one code."""
    return {HEADER: help_for([code])}
