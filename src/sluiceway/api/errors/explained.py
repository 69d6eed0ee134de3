"""Every error code of both APIs: what it means, and what to do next."""

from collections.abc import Iterator
from dataclasses import dataclass

from sluiceway.api.errors.dli_meanings import MEANINGS
from sluiceway.api.errors.dli_texts import TABLE
from sluiceway.api.errors.language import Text
from sluiceway.api.errors.native_codes import STATUS
from sluiceway.api.errors.native_meanings import OF_JOBS, OF_REQUESTS


@dataclass(frozen=True, slots=True)
class Explained:
    """A code. A message fills the {places} of `advice`. The code of a single job has no HTTP status."""

    code: str
    status: int | None
    meaning: Text
    advice: Text


def explained() -> Iterator[Explained]:
    """Yields DLI's codes, which both APIs use, then those of the native API, and those of single jobs in it."""
    for code, entry in TABLE.items():
        yield Explained(code, entry.status, MEANINGS[code], entry.text)
    for own, (meaning, advice) in OF_REQUESTS.items():
        yield Explained(own, STATUS[own], meaning, advice)
    for single, (meaning, advice) in OF_JOBS.items():
        yield Explained(single, None, meaning, advice)
