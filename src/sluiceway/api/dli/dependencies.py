"""What handlers of DLI's API have in common: their dependencies, paths and refusals."""

from typing import Any, Final

from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import SkipValidation

from sluiceway.api.dli.answers import Truth
from sluiceway.api.dli.fields import MAX_ID
from sluiceway.api.errors.dli_error import ErrorBody
from sluiceway.api.errors.language import Language
from sluiceway.control.queries import Queries
from sluiceway.domain.policy import SavepointFormat

BASE: Final = "/v1.0/{project_id:str}/streaming"

# Dependencies are ours, so nothing is gained by validating them.
LanguageGiven = NamedDependency[SkipValidation[Language]]
ProjectGiven = NamedDependency[SkipValidation[str]]
TruthGiven = NamedDependency[SkipValidation[Truth]]
JobIdGiven = NamedDependency[SkipValidation[int]]
FormatGiven = NamedDependency[SkipValidation[SavepointFormat | None]]  # that all savepoints have; None: each its own
QueriesGiven = NamedDependency[SkipValidation[Queries]]

REFUSED: Final = {400: ResponseSpec(ErrorBody, description="Refused; nothing was done.", generate_examples=False)}


def absent(what: str) -> dict[int, ResponseSpec]:
    """The answer of a path where there is no such thing, for its description."""
    return {404: ResponseSpec(ErrorBody, description=f"There is no such {what}.", generate_examples=False)}


def integer(minimum: int, default: int | None = None, most: int = MAX_ID) -> dict[str, Any]:
    """The number that a query should hold. It arrives as a text, so that a refusal can have a code of its own."""
    limits = {"type": "integer", "minimum": minimum, "maximum": most}
    return limits if default is None else {**limits, "default": default}
