"""Turns the errors of a use case into refusals in DLI's words."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError
from sluiceway.api.errors.language import Param
from sluiceway.control.errors import ControlError


@contextmanager
def refusing(codes: Mapping[type[ControlError], Code], **params: Param) -> Iterator[None]:
    """Raise `DliError` in place of each of these errors, with its code; `params` fill the text of the code."""
    try:
        yield
    except tuple(codes) as error:
        raise DliError(next(code for kind, code in codes.items() if isinstance(error, kind)), None, **params) from None
