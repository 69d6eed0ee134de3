"""Tells a JobManager's own answers from all others, and translates those, once and here, into `Unreachable`."""

import asyncio
import errno
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

import aiohttp
import msgspec
from aiohttp.http_exceptions import HttpProcessingError

from sluiceway.domain.engine import NobodyListens, Unreachable
from sluiceway.domain.failure_words import clip
from sluiceway.domain.observed import AttemptFailed, NoSuchJob
from sluiceway.engines.jobmanager.failures import classify, ends, plain_words

T = TypeVar("T")

SMALL: Final = 1 << 20  # bytes of an answer about one thing, and of one that says no
LARGE: Final = 256 << 10  # bytes from which on an answer is read beside the event loop: it takes a millisecond
DEEPEST: Final = 40  # levels of what is passed on as it came; a job's graph has eight


class _Errors(msgspec.Struct):
    errors: Annotated[list[str], msgspec.Meta(max_length=1000)]  # Flink's own have one or two


@dataclass(frozen=True, slots=True)
class Tail:
    """The last bytes of a body, where it is not longer than so many in all."""

    kept: int
    of: int


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, whoever gave it."""

    status: int
    body: bytes | bytearray


# The first row that an exception is an instance of gives the words, so subclasses come before their bases.
TROUBLES: tuple[tuple[type[BaseException], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "the cluster's address cannot be resolved"),
    (aiohttp.ClientSSLError, "no secure connection to the cluster"),
    (aiohttp.ServerFingerprintMismatch, "no secure connection to the cluster"),
    (ssl.SSLError, "no secure connection to the cluster"),
    (aiohttp.ClientProxyConnectionError, "the proxy before the cluster refuses the connection"),
    (aiohttp.ClientHttpProxyError, "the proxy before the cluster refuses the connection"),
    (aiohttp.ConnectionTimeoutError, "no connection to the cluster in time"),
    (TimeoutError, "no answer from the cluster in time"),
    (aiohttp.ClientConnectorError, "no connection to the cluster"),
    (aiohttp.ServerDisconnectedError, "the cluster closed the connection before it had answered"),
    (aiohttp.ClientPayloadError, "the cluster's answer was cut short"),
    (aiohttp.InvalidURL, "the cluster's address is not valid"),
    (aiohttp.ClientConnectionError, "the connection to the cluster broke"),
    (OSError, "the connection to the cluster broke"),
    (HttpProcessingError, "the cluster's answer is not HTTP"),
    (aiohttp.ClientError, "the cluster's answer is not HTTP"),
    (msgspec.MsgspecError, "the cluster's answer is not one of Flink's"),
    (UnicodeError, "the cluster's answer is not one of Flink's"),
    (RecursionError, "the cluster's answer is nested too deeply"),
)


@contextmanager
def translated() -> Iterator[None]:
    """Raise `Unreachable` for whatever `TROUBLES` lists."""
    try:
        yield
    except tuple(cls for cls, _ in TROUBLES) as error:
        words = next(words for cls, words in TROUBLES if isinstance(error, cls))
        detail = clip(str(error), 200)
        kind = NobodyListens if _is_refusal(error) else Unreachable
        raise kind(f"{words}: {detail}" if detail else words) from error


def _is_refusal(error: BaseException) -> bool:
    """Whether the machine at the cluster's own address answers that nothing listens there; no proxy's word counts."""
    if not isinstance(error, aiohttp.ClientConnectorError) or isinstance(error, aiohttp.ClientProxyConnectionError):
        return False
    return error.os_error.errno == errno.ECONNREFUSED


async def read(response: aiohttp.ClientResponse, limit: int | Tail) -> bytearray:
    """Read a body of at most so many bytes; of a `Tail` the last ones. Raises `Unreachable`."""
    longest = limit.of if isinstance(limit, Tail) else limit
    body, size = bytearray(), 0
    async for chunk in response.content.iter_any():
        body += chunk
        size += len(chunk)
        if size > longest:
            response.close()
            raise Unreachable(f"the cluster's answer is longer than {longest} bytes")
        if isinstance(limit, Tail) and len(body) > 2 * limit.kept:
            del body[: -limit.kept]
    return body[-limit.kept :] if isinstance(limit, Tail) else body


async def off_loop(answer: Answer, work: Callable[[Answer], T]) -> T:
    """Run in a thread what takes long with a large answer."""
    return work(answer) if len(answer.body) < LARGE else await asyncio.to_thread(work, answer)


async def decoded(answer: Answer, shape: type[T]) -> T:
    """See `decode`; decodes large answers beside the event loop."""
    return await off_loop(answer, lambda it: decode(it, shape))


def decode(answer: Answer, shape: type[T], status: int = 200) -> T:
    """Decode an answer. Raises `Unreachable` for one of another status or shape."""
    if answer.status != status:
        raise Unreachable(f"the cluster answered HTTP {answer.status}{excerpt(answer)}")
    with translated():
        return msgspec.json.decode(answer.body, type=shape)


def passed_on(answer: Answer, shape: type[object]) -> dict[str, Any]:
    """Return an object as it came; it has at least this shape. Raises `Unreachable`, also for one nested too deeply."""
    decode(answer, shape)
    found = decode(answer, dict[str, Any])
    if not _is_shallow(found):
        raise Unreachable("the cluster's answer is nested too deeply")
    return found


def _is_shallow(value: object) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        inner = [each for each in level if isinstance(each, dict | list)]
        level = [one for each in inner for one in (each.values() if isinstance(each, dict) else each)]
        if not level:
            return True
    return False


def denial(answer: Answer, statuses: set[int] | None = None) -> AttemptFailed | NoSuchJob:
    """Return Flink's own refusal. Raises `Unreachable` for anybody else's: a proxy's 404 proves nothing about a job."""
    errors = errors_of(answer)
    if not errors or (statuses is not None and answer.status not in statuses) or is_no_endpoint(errors):
        raise Unreachable(f"the cluster answered HTTP {answer.status}{excerpt(answer)}")
    return classify("", ends("\n".join(errors)))


def errors_of(answer: Answer) -> list[str]:
    """Return what Flink says of a failure; nothing of anybody else's answer."""
    try:
        errors = msgspec.json.decode(answer.body, type=_Errors).errors
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return []
    frames = ("Internal server error.", "<Exception on server side:\n", "End of exception on server side>")
    for frame in frames:
        errors = [error.replace(frame, "").strip() for error in errors]
    return [error for error in errors if error]


def is_no_endpoint(errors: list[str]) -> bool:
    """Whether Flink says that it has no such path."""
    return errors[0].startswith(("Unable to load requested file", "Not found: "))


def excerpt(answer: Answer) -> str:
    """Return what a message may quote of an answer."""
    errors = errors_of(answer)
    text = plain_words(ends("\n".join(errors))) if errors else clip(answer.body[:1000].decode(errors="replace"), 200)
    return f": {text}" if text else ""


def is_absent(answer: Answer) -> bool:
    """Whether Flink itself says that it does not know the thing. Raises `Unreachable` for anybody else's 404."""
    if answer.status != 404:
        return False
    denial(answer, {404})
    return True
