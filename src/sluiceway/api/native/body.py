"""Request bodies, decoded strictly: a text is no boolean, and `{"all": "no"}` must not stop anything."""

from typing import TypeVar, cast

import msgspec
from litestar.exceptions import ClientException

from sluiceway.api import body_bounds
from sluiceway.api.body_bounds import TooManyValues
from sluiceway.api.strict_body import StrictBody

T = TypeVar("T")


class Json(StrictBody[T]):
    """Decodes a body as the handler's type."""

    def decode_bytes(self, value: bytes) -> T:
        """The body as the handler's type. Raises `ClientException`."""
        try:
            body_bounds.check(value, self.model_type)
            return msgspec.json.decode(value, type=self.model_type)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TooManyValues) as error:
            raise ClientException(f"The body is not as expected: {str(error)[:300]}") from None


class OptionalJson(Json[T]):
    """The same for a body that may be left out, or be null."""

    def decode_bytes(self, value: bytes) -> T:
        """The body as the handler's type, which has None."""
        return cast("T", None) if value.strip() == b"null" else super().decode_bytes(value)
