"""Request bodies of DLI's API."""

from typing import TypeVar

from sluiceway.api.dli.decoding import decode
from sluiceway.api.strict_body import StrictBody

T = TypeVar("T")


class Json(StrictBody[T]):
    """Decodes a request body with `decode`."""

    def decode_bytes(self, value: bytes) -> T:
        """The body as the handler's type. Raises `DliError`."""
        return decode(value, self.model_type)
