"""The connection of commands to the service: plain HTTP, one connection, one request after the other.

Commands are short, so it uses the standard library's client. It is loaded with the first connection: a page of help
needs none.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from urllib.parse import SplitResult, urlsplit

from sluiceway.cli.language import Language, heard, spoken, t
from sluiceway.cli.output import NO_SERVICE, NOT_ALLOWED, NOTHING, Failed, one_line
from sluiceway.cli.signing import Credential, Signer
from sluiceway.settings import MAX_BODY

if TYPE_CHECKING:
    import http.client

Content = bytes | BinaryIO | None

TIMEOUT: Final = 60.0  # seconds for one answer; accepting a hundred thousand ids takes a few
LOOKING: Final = 900.0  # seconds for the answer to a dry run, which may plan the SQL of every job; and for an upload

# Refusals about the subject of a call; every other 400 is about the call.
_NOT_THE_CALL: Final = (
    "DLI.0012",
    "DLI.11004",
    "DLI.12",
    "DLI.13",
    "DLI.14",
    "DLI.15",
    "DLI.16",
    "DLI.17",
    "DLI.20005",
    "no_whole_savepoint",
    "savepoint_too_large",
)
_BAD_ID: Final = "DLI.12001"
_NOTHING_MATCHED: Final = frozenset({"unknown_queue"})  # a selection that names what is not there


class Unreachable(Failed):
    """No answer came. The service may have acted all the same."""

    def __init__(self, message: str) -> None:
        """`message` says why, and what to do about it."""
        super().__init__(message, code=NO_SERVICE)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the service; `data` is its JSON as it came."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    data: Any


class Connection:
    """A connection to one service, which answers in the language of now. All raise `Failed`.

    It is `Unreachable` when no answer came.
    """

    def __init__(self, server: str, credential: Signer | None = None, authority: Path | None = None) -> None:
        """`server` is the base URL of the service; the environment holds the credential where none is given.

        `authority` is a file of certificates that are trusted beside the system's.
        """
        parts = urlsplit(server)
        self.credential: Signer = Credential.of_environment() if credential is None else credential
        self._language = spoken()
        self._host = parts.netloc.rpartition("@")[2]
        self._server = server.rstrip("/")
        self._prefix = parts.path.rstrip("/")
        try:
            self._connection = _connection(parts, authority)
        except _broken(ValueError) as error:
            raise Failed(
                t("--server {server} is not the URL of a service: {error}", server=server, error=error), code=2
            ) from error

    def ok(self, method: str, path: str, body: object = None, extra: Mapping[str, str] | None = None) -> Reply:
        """The answer to a request that succeeds."""
        reply = self.ask(method, path, body, extra)
        if reply.status >= 400:
            raise self.refused(reply)
        return reply

    def refused(self, reply: Reply) -> Failed:
        """The service's own words, and what to do next where it does not know who calls."""
        found = refused(reply, heard if self._language is Language.CHINESE else str)
        advice = self.credential.advice if reply.status == 401 else ""
        return Failed(f"{found} {advice}", code=found.code) if advice else found

    def ask(self, method: str, path: str, body: object = None, extra: Mapping[str, str] | None = None) -> Reply:
        """The answer to a request, also a refusal. A read is repeated once over a new connection."""
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {"Accept": "application/json", "X-Language": self._language, **(extra or {})}
        if content is not None:
            headers["Content-Type"] = "application/json"
        plans = isinstance(body, Mapping) and bool(body.get("dry_run") or body.get("plan") or "sql" in body)
        self._connection.timeout = LOOKING if plans else TIMEOUT
        if method != "GET":
            # A connection that idled may be closed at the other end; only what may be repeated is sent over it.
            self._connection.close()
        try:
            return self._send(method, path, content, headers)
        except (ConnectionResetError, BrokenPipeError) as error:  # also where it was closed before the answer
            if method != "GET":
                raise self._unreachable(error) from error
        except _broken() as error:
            raise self._unreachable(error) from error
        try:
            return self._send(method, path, content, headers)
        except _broken() as error:
            raise self._unreachable(error) from error

    def upload(self, path: str, source: Path) -> Reply:
        """The answer to a file that is sent as it is, in pieces. A signature is over all of it, and bounds it."""
        size = source.stat().st_size
        if self.credential.signs and size > MAX_BODY:
            told = t(
                "A signed request has at most {most} bytes, and {name} has {size}: sign in with a token, "
                "in SLUICEWAY_TOKEN, for larger ones.",
                most=MAX_BODY,
                name=source.name,
                size=size,
            )
            raise Failed(told, code=2)
        headers = {
            "Accept": "application/json",
            "X-Language": self._language,
            "Content-Type": "application/octet-stream",
        }
        self._connection.close()
        self._connection.timeout = LOOKING
        try:
            with source.open("rb") as file:
                content = file.read() if self.credential.signs else file
                reply = self._send("PUT", path, content, headers | {"Content-Length": str(size)})
        except _broken() as error:
            raise self._unreachable(error) from error
        if reply.status >= 400:
            raise self.refused(reply)
        return reply

    def stream(self, path: str, after: int, begun: Callable[[], None]) -> Iterator[tuple[str, str, str]]:
        """Server-sent events after an id, as they come: id, kind and data of each. `begun` hears of the first answer.

        There may be no event for long after that.
        """
        headers = {"Accept": "text/event-stream", "X-Language": self._language, "Last-Event-ID": str(after)}
        try:
            self._connection.close()
            self._request("GET", path, None, headers)
            response = self._connection.getresponse()
            if response.status != 200:
                raise self.refused(Reply(response.status, {}, json.loads(response.read())))
            begun()
            yield from _server_sent(response)
        except _broken(ValueError, RecursionError) as error:
            raise self._unreachable(error) from error
        finally:
            self._connection.close()

    def _send(self, method: str, path: str, content: Content, headers: dict[str, str]) -> Reply:
        try:
            self._request(method, path, content, headers)
            response = self._connection.getresponse()
            raw = response.read()
        except BaseException:  # also Ctrl-C: half an answer must not be read as the next one
            self._connection.close()
            raise
        found = {name.lower(): value for name, value in response.getheaders()}
        try:
            return Reply(response.status, found, None if response.status == 204 else json.loads(raw))
        except (ValueError, RecursionError):
            what = t(
                "{server} does not answer like Sluiceway (HTTP {status}, not JSON). Give the address of "
                "the service with --server.",
                server=self._server,
                status=response.status,
            )
            raise Failed(what, code=NO_SERVICE) from None

    def _request(self, method: str, path: str, content: Content, headers: Mapping[str, str]) -> None:
        target = self._prefix + path
        signed = content if isinstance(content, bytes) else None
        shown = self.credential.headers(method, target, self._host, signed)
        self._connection.request(method, target, content, {"host": self._host, **headers, **shown})

    def _unreachable(self, error: Exception) -> Failed:
        import ssl

        if isinstance(error, ssl.SSLCertVerificationError):
            from sluiceway.cli.trust import not_trusted

            about = not_trusted(self._server, self._connection.host, self._connection.port, error)
            return Failed(about, code=NO_SERVICE)
        why = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
        return Unreachable(
            t(
                "no service answers at {server} ({why}). Start one with `sluiceway serve`, or give its "
                "address with --server or SLUICEWAY_SERVER.",
                server=self._server,
                why=why,
            )
        )


def _broken(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """What a connection raises that comes to nothing, and others."""
    from http.client import HTTPException

    return OSError, HTTPException, *others


def _connection(parts: SplitResult, authority: Path | None) -> "http.client.HTTPConnection":
    import http.client

    host, port = parts.hostname or "", parts.port
    if parts.scheme != "https":
        return http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    from sluiceway.cli.trust import trusting

    context = trusting(authority) if authority else None
    return http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)


def _server_sent(stream: "http.client.HTTPResponse") -> Iterator[tuple[str, str, str]]:
    fields: dict[str, str] = {}
    for raw in stream:
        line = raw.decode().rstrip("\r\n")
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif "data" in fields:
            yield fields.get("id", ""), fields.get("event", ""), fields["data"]
            fields = {}


def refused(reply: Reply, tell: Callable[[str], str] = str) -> Failed:
    """The service's own words, as they are to be told, with a code.

    2 where they are about the call, 3 where nothing is what it names, 4 where the service wants to know who calls, or
    does not let them, or else 1.
    """
    said = reply.data if isinstance(reply.data, dict) else {}
    code = one_line(str(said.get("error_code") or ""))
    text = one_line(tell(str(said.get("error_msg") or f"HTTP {reply.status}")))
    about_call = reply.status in {400, 413} and (code == _BAD_ID or not code.startswith(_NOT_THE_CALL))
    why = NOTHING if code in _NOTHING_MATCHED else 2 if about_call else 1
    return Failed(f"{text} ({code})" if code else text, code=NOT_ALLOWED if reply.status in {401, 403} else why)
