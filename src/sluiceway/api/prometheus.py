"""The numbers of the service in the text format of Prometheus, and the right to read them."""

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from litestar import MediaType, Response, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from sluiceway.control.watch import Family, Kind, Sample, Watch

if TYPE_CHECKING:
    from litestar.types import Scope

CONTENT_TYPE: Final = "text/plain; version=0.0.4"  # and the charset, which is added
SHORTEST: Final = 16  # letters of a token
LONGEST: Final = 4096


class BadTokenFile(Exception):
    """The file has no token in it; the message says why."""


@dataclass(frozen=True, slots=True)
class MetricsToken:
    """The token that a scraper sends as `Authorization: Bearer …`. It opens the metrics and nothing else."""

    digest: bytes

    @staticmethod
    def read(path: Path) -> "MetricsToken":
        """The token in a file, without the blanks around it. Raises `BadTokenFile`."""
        try:
            with path.expanduser().open("rb") as file:
                token = file.read(LONGEST + 1).strip()
        except OSError as error:
            raise BadTokenFile(f"{path} cannot be read: {error.strerror}") from error
        if not SHORTEST <= len(token) <= LONGEST or len(token.split()) != 1:
            raise BadTokenFile(f"{path} must have one word of {SHORTEST} to {LONGEST} letters in it")
        return MetricsToken(hashlib.sha256(token).digest())

    def fits(self, scope: "Scope") -> bool:
        """Whether a request carries it."""
        given = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
        scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        return scheme.lower() == b"bearer" and hmac.compare_digest(hashlib.sha256(token.strip()).digest(), self.digest)


@get("/metrics", tags=["service"], summary="Numbers for a monitoring system", media_type=MediaType.TEXT)
async def metrics(watch: NamedDependency[SkipValidation[Watch]]) -> Response[str]:
    """Jobs by status and health, stops, savepoints, clusters and turns, in the text format of Prometheus."""
    return Response("".join(_lines(await watch())), media_type=CONTENT_TYPE)


def _lines(families: Sequence[Family]) -> Iterator[str]:
    for family in families:
        # In this format, unlike OpenMetrics, a counter's name has the suffix in these lines, too.
        name = f"{family.name}_total" if family.kind is Kind.COUNTER else family.name
        yield f"# HELP {name} {_escaped(family.text)}\n# TYPE {name} {family.kind}\n"
        for sample in family.samples:
            yield f"{name}{sample.suffix}{_labels(sample)} {_number(sample.value)}\n"


def _labels(sample: Sample) -> str:
    pairs = ",".join(f'{name}="{_escaped(value, quotes=True)}"' for name, value in sample.labels)
    return f"{{{pairs}}}" if pairs else ""


def _escaped(text: str, *, quotes: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
