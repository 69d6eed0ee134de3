"""One request to a cluster: over HTTP, to whichever of its JobManagers knows the answer."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar

import aiohttp
import msgspec

from sluiceway.domain.engine import NobodyListens, Unreachable
from sluiceway.engines.jobmanager.addresses import Addresses, identity, is_no_truth, was_not_heard
from sluiceway.engines.jobmanager.answers import SMALL, Answer, Tail, decode, excerpt, read, translated
from sluiceway.engines.jobmanager.shapes import ClusterOption

T = TypeVar("T")
Failed = Answer | Unreachable
AskedAt = Callable[[str], Awaitable[Answer]]

_KEPT: Final = {"Accept": "application/json"}
_PASSING: Final = {**_KEPT, "Connection": "close"}
_OPTIONS: Final = 4 << 20  # bytes of a JobManager's configuration that are read


class Asking:
    """Asks the JobManagers of one place."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        where: Addresses,
        timeout: float,
        trouble: str = "",
        *,
        keeps_open: bool = True,
    ) -> None:
        """`timeout` is seconds for one request to one address. With a `trouble`, which says why, nothing is asked.

        `keeps_open`: whether the connection stays open for the next request.
        """
        self._headers = _KEPT if keeps_open else _PASSING
        self._session = session
        self._where = where
        self._timeout = timeout
        self._trouble = trouble

    async def __call__(self, method: str, path: str, body: object, limit: int | Tail, timeout: float | None) -> Answer:
        """The answer, whatever its status, with a body of at most `limit` bytes, or its tail. Raises `Unreachable`.

        The address that answered last is asked first, and another one only where nothing is done twice by that.
        """
        if self._trouble:
            raise Unreachable(self._trouble)
        where, asked = self._where, partial(self._ask_at, method, path, body, limit, timeout or self._timeout)
        if len(where.urls) == 1:
            return await asked(where.current)
        first = await _tried(asked, where.current)
        if isinstance(first, Answer) and not is_no_truth(first):
            await self._learn(where)
            return first
        if isinstance(body, aiohttp.FormData) or (method != "GET" and not was_not_heard(first)):
            return _told(first)
        return await self._elsewhere(asked, where, first)

    async def _learn(self, where: Addresses) -> None:
        """Keep which cluster the present address is of, once it has answered."""
        if where.identity is None:
            options = await _tried(self._options, where.current)
            where.identity = None if isinstance(options, Unreachable) else identity(options)

    async def _elsewhere(self, asked: AskedAt, where: Addresses, failed: Failed) -> Answer:
        """The answer of the first other address that knows it and is of the same cluster. Raises `Unreachable`."""
        told = {where.current: _why(failed)}
        refused = isinstance(failed, NobodyListens)
        for url in where.others:
            options = await _tried(self._options, url)
            if isinstance(options, Unreachable):
                told[url] = str(options)
                refused = refused and isinstance(options, NobodyListens)
                continue
            refused = False
            if why_not := where.takes_over(url, options):
                told[url] = why_not
                continue
            found = await _tried(asked, url)
            if isinstance(found, Answer) and not is_no_truth(found):
                return found
            told[url] = _why(found)
        kind = NobodyListens if refused else Unreachable
        raise kind("no JobManager answers: " + "; ".join(f"{url}: {why}" for url, why in told.items()))

    async def _options(self, url: str) -> dict[str, str]:
        answer = await self._ask_at("GET", "/jobmanager/config", None, _OPTIONS, self._timeout, url)
        return {option.key: option.value for option in decode(answer, list[ClusterOption])}

    async def _ask_at(
        self, method: str, path: str, body: object, limit: int | Tail, timeout: float, url: str
    ) -> Answer:
        """The answer of one address. Raises `Unreachable`."""
        data = body if body is None or isinstance(body, aiohttp.FormData) else msgspec.json.encode(body)
        headers = self._headers
        if isinstance(data, bytes):
            headers = headers | {"Content-Type": "application/json"}
        patience = aiohttp.ClientTimeout(total=timeout)
        if self._session.closed:
            raise Unreachable("the connections to the cluster were closed, as it was changed or removed")
        with translated():
            async with self._session.request(
                method, url + path, data=data, headers=headers, timeout=patience, allow_redirects=False
            ) as response:
                short = SMALL if isinstance(limit, Tail) else min(limit, SMALL)
                most = limit if response.status < 300 else short
                return Answer(response.status, await read(response, most))


async def _tried(asked: Callable[[str], Awaitable[T]], url: str) -> T | Unreachable:
    """What was answered, or why nothing was."""
    try:
        return await asked(url)
    except Unreachable as error:
        return error


def _told(failed: Failed) -> Answer:
    """The answer as it came, or the silence as it was raised."""
    if isinstance(failed, Unreachable):
        raise failed
    return failed


def _why(failed: Failed) -> str:
    if isinstance(failed, Unreachable):
        return str(failed)
    return f"it answered HTTP {failed.status}{excerpt(failed)}"
