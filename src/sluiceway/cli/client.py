"""A client of the service for commands: plain HTTP, one connection, one call after the other.

Commands are short, so the standard library's client is used: it is there at once.
"""

import http.client
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from msgspec import Struct

from sluiceway.cli.answers import Answer, Answers, Fare, Fares, Job, each, read
from sluiceway.cli.output import Failed, complain, one_line
from sluiceway.cli.signing import Credential

TIMEOUT: Final = 60.0  # seconds for one answer; accepting a hundred thousand ids takes a few
LOOKING: Final = 900.0  # seconds for the answer to a dry run, which may plan the SQL of every job
ASK_AGAIN: Final = 2  # times, for a request with a key whose answer was lost
PAGE: Final = 100  # jobs in one answer, at most (DLI contract)
STOP_HEADER: Final = "X-Sluiceway-Stop"

# Refusals that tell how things stand; every other 400 tells that the call was wrong.
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
_ID: Final = re.compile(r"[0-9]{1,19}")
_BAD_ID: Final = "DLI.12001"


class Unreachable(Failed):
    """No answer came. Whatever was asked may have been done all the same."""


class _Page(Struct, frozen=True):
    total_count: int
    jobs: list[dict[str, Any]]


class _Variables(Struct, frozen=True):
    count: int
    global_vars: list[dict[str, Any]]


class _Listed(Struct, frozen=True):
    job_list: _Page


class _Shown(Struct, frozen=True):
    job_detail: dict[str, Any]


class _CreatedJob(Struct, frozen=True):
    job_id: int
    status_name: str
    status_desc: str


class _Created(Struct, frozen=True):
    job: _CreatedJob


@dataclass(frozen=True, slots=True)
class Reply:
    """What the service answered; `data` is its JSON as it came."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    data: Any


class Client:
    """The calls that commands make, in one project. All raise `Failed`; `Unreachable` when no answer came."""

    def __init__(self, server: str, project: str) -> None:
        """`server` is the base URL of the service. Who calls is in the environment."""
        parts = urlsplit(server)
        self._credential = Credential.of_environment()
        self._host = parts.netloc.rpartition("@")[2]
        self.server = server.rstrip("/")
        self.project = project
        self._prefix = parts.path.rstrip("/")
        connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        try:
            self._connection = connect(parts.hostname or "", parts.port, timeout=TIMEOUT)
        except (ValueError, http.client.InvalidURL) as error:
            raise Failed(f"--server {server} is not the URL of a service: {error}", code=2) from error

    # --- DLI's paths --------------------------------------------------------------------------------------------------

    def create_sql_job(self, body: Mapping[str, object]) -> dict[str, Any]:
        """Create a job from DLI's fields; returns its `job_id` and status as DLI tells them."""
        made = read(self._ok("POST", self._dli("/sql-jobs"), body).data, _Created)
        return msgspec.structs.asdict(made.job)

    def run(self, job_ids: Sequence[int], *, resume: bool) -> Answers:
        """Start jobs; with `resume` from their newest savepoints."""
        return self._batch("run", job_ids, resume_savepoint=resume)[0]

    def stop_dli(self, job_ids: Sequence[int], *, savepoint: bool) -> Answers:
        """Stop jobs by DLI's call. The answer's `id` is the stop, for our own API."""
        answers, headers = self._batch("stop", job_ids, trigger_savepoint=savepoint)
        stop = headers.get(STOP_HEADER.lower())
        return msgspec.structs.replace(answers, id=int(stop) if stop and _ID.fullmatch(stop) else None)

    def delete(self, job_ids: Sequence[int]) -> Answers:
        """Delete jobs."""
        return self._batch("delete", job_ids)[0]

    def job(self, job_id: int) -> dict[str, Any]:
        """One job as DLI shows it (`JobDetail` has what commands need of it)."""
        return read(self._ok("GET", self._dli(f"/jobs/{job_id}")).data, _Shown).job_detail

    def page(self, offset: int, limit: int, **filters: str) -> tuple[int, list[dict[str, Any]]]:
        """How many jobs match, and at most 100 of them as DLI lists them."""
        query = {"offset": str(offset), "limit": str(min(limit, PAGE)), **filters}
        reply = self._ok("GET", f"{self._dli('/jobs')}?{urlencode(query)}")
        found = read(reply.data, _Listed).job_list
        return found.total_count, found.jobs

    def jobs(self, offset: int, limit: int | None, **filters: str) -> tuple[int, list[dict[str, Any]]]:
        """How many jobs match, and `limit` or all of them, over as many pages as it takes."""
        found: list[dict[str, Any]] = []
        while True:
            wanted = PAGE if limit is None else limit - len(found)
            total, jobs = self.page(offset + len(found), wanted, **filters)
            found += jobs
            if not jobs or len(found) >= (total - offset if limit is None else limit):
                return total, found

    def job_named(self, name: str) -> int:
        """The id of the job with exactly this name."""
        _, jobs = self.jobs(0, None, name=name)  # the service looks for a part of the name
        for job in each(jobs, Job):
            if job.name == name:
                return job.job_id
        raise Failed(f"There is no job named {name} in project {self.project}; nothing was done.")

    def variables(self) -> list[dict[str, Any]]:
        """All variables of the project, by name; the values of sensitive ones are empty."""
        found: list[dict[str, Any]] = []
        while True:
            query = urlencode({"offset": len(found), "limit": PAGE})
            page = read(self._ok("GET", f"{self._variables()}?{query}").data, _Variables)
            found += page.global_vars
            if not page.global_vars or len(found) >= page.count:
                return found

    def create_variable(self, name: str, value: str, *, sensitive: bool) -> None:
        """Create a variable."""
        body = {"var_name": name, "var_value": value, "is_sensitive": sensitive}
        self._ok("POST", self._variables(), body)

    def update_variable(self, name: str, value: str) -> None:
        """Give a variable another value."""
        self._ok("PUT", self._variables(name), {"var_value": value})

    def delete_variable(self, name: str) -> None:
        """Take a variable away."""
        self._ok("DELETE", self._variables(name))

    # --- our own paths ------------------------------------------------------------------------------------------------

    def fares(self, job_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """How these jobs fare, by id; those that are not known are left out."""
        found: dict[int, dict[str, Any]] = {}
        for first in range(0, len(job_ids), PAGE):
            query = urlencode([("job_id", job) for job in job_ids[first : first + PAGE]])
            found |= {read(job, Fare).job_id: job for job in self._fares(query)}
        return found

    def all_fares(self, limit: int, **flags: bool) -> list[dict[str, Any]]:
        """How the latest jobs fare, or those that ail, or those that are leaving."""
        query = urlencode({"limit": limit, **{name: "true" for name, value in flags.items() if value}})
        return self._fares(query)

    def _fares(self, query: str) -> list[dict[str, Any]]:
        return read(self._ok("GET", f"{self._own('/jobs')}?{query}").data, Fares).jobs

    def stop(self, body: Mapping[str, object], key: str) -> Reply:
        """Stop jobs. A lost answer is asked for again under the same key, so that nothing is done twice."""
        return self._once("/stops", body, key)

    def retry_stop(self, stop_id: int, key: str) -> Reply:
        """Stop again what did not stop; a lost answer as with `stop`."""
        return self._once(f"/stops/{stop_id}/retry", None, key)

    def _once(self, path: str, body: Mapping[str, object] | None, key: str) -> Reply:
        for _ in range(ASK_AGAIN):
            try:
                return self._ok("POST", self._own(path), body, {"Idempotency-Key": key})
            except Unreachable as error:
                if isinstance(error.__cause__, ConnectionRefusedError):
                    raise
                complain("the answer was lost; asking again under the same key")
        return self._ok("POST", self._own(path), body, {"Idempotency-Key": key})

    def abort(self, order: int, kind: str) -> Reply:
        """Withdraw what of a stop, or of one of the `resumes`, was not sent."""
        return self._ok("POST", self._own(f"/{kind}/{order}/abort"))

    def proceed(self, order: int, kind: str) -> Reply:
        """Let a stop, or one of the `resumes`, go on that is paused."""
        return self._ok("POST", self._own(f"/{kind}/{order}/proceed"))

    def events(self, after: int, limit: int) -> Reply:
        """The audit of the project, the oldest first."""
        return self._ok("GET", f"{self._own('/events')}?after={after}&limit={limit}")

    def follow(self, order: int, after: int, kind: str = "stops") -> Iterator[tuple[str, str, str]]:
        """The events of a stop, or of one of the `resumes`, as they come: id, kind and JSON of each.

        The last one's kind is `settled`.

        Raises `Unreachable` when the stream breaks; it goes on after the last event's id.
        """
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
        try:
            self._connection.close()
            self._request("GET", self._own(f"/{kind}/{order}/events"), None, headers)
            response = self._connection.getresponse()
            if response.status != 200:
                raise _refused(Reply(response.status, {}, json.loads(response.read())))
            yield from _server_sent(response)
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            raise Unreachable(f"the stream of {kind} {order} broke: {error}") from error
        finally:
            self._connection.close()

    def show_stop(self, stop_id: int) -> Reply:
        """A stop with all its jobs."""
        return self._ok("GET", self._own(f"/stops/{stop_id}"))

    def stops(self, limit: int) -> Reply:
        """The latest stops."""
        return self._ok("GET", f"{self._own('/stops')}?limit={limit}")

    def resume_stop(self, stop_id: int, body: Mapping[str, object] | None = None) -> Reply:
        """Start exactly what a stop has stopped, each job from its own savepoint."""
        return self._once(f"/stops/{stop_id}/resume", body or None, uuid.uuid4().hex)

    def resume_failed(self, order: int, body: Mapping[str, object]) -> Reply:
        """Start what is parked or has failed on a way back: that with this id, or the last from the stop with it."""
        try:
            return self._once(f"/resumes/{order}/retry", body or None, uuid.uuid4().hex)
        except Failed as failed:
            if "(unknown_resume)" not in str(failed):
                raise
        return self._once(f"/stops/{order}/resume", {**body, "failed": True}, uuid.uuid4().hex)

    def resume_jobs(self, body: Mapping[str, object]) -> Reply:
        """Start each of these jobs from its newest state, or carry out a plan."""
        return self._once("/resumes", body, uuid.uuid4().hex)

    def show_resume(self, resume_id: int) -> Reply:
        """A way back with all its jobs."""
        return self._ok("GET", self._own(f"/resumes/{resume_id}"))

    def resumes(self, limit: int) -> Reply:
        """The latest ways back."""
        return self._ok("GET", f"{self._own('/resumes')}?limit={limit}")

    def savepoints(self, **query: object) -> Reply:
        """The latest savepoints that match."""
        return self._ok("GET", f"{self._own('/savepoints')}?{urlencode(query)}")

    def take_savepoints(self, body: Mapping[str, object]) -> Reply:
        """Take savepoints of running jobs."""
        return self._ok("POST", self._own("/savepoints"), body)

    def register_savepoint(self, body: Mapping[str, object]) -> Reply:
        """Put a savepoint of others into the catalogue; it can be repeated."""
        return self._ok("POST", self._own("/savepoints/register"), body)

    def choose_savepoint(self, job_id: int, path: str) -> Reply:
        """Let a job's next resume begin from a savepoint, also from one of another job."""
        return self._ok("POST", self._dli(f"/jobs/{job_id}/import-savepoint"), {"savepoint_path": path})

    def verify_savepoint(self, savepoint_id: int) -> Reply:
        """Have the service read a savepoint."""
        return self._ok("POST", self._own(f"/savepoints/{savepoint_id}/verify"))

    def delete_savepoint(self, savepoint_id: int, *, force: bool) -> Reply:
        """Remove a savepoint's files; with `force` also where a job still needs it."""
        return self._ok("DELETE", self._own(f"/savepoints/{savepoint_id}{'?force=true' if force else ''}"))

    def job_diff(self, job_id: int) -> Reply:
        """What has changed since the job's state was made."""
        return self._ok("GET", self._own(f"/jobs/{job_id}/diff"))

    def clusters(self) -> Reply:
        """The clusters that the project may use."""
        return self._ok("GET", self._own("/clusters"))

    def cluster(self, name: str) -> Reply:
        """One of them."""
        return self._ok("GET", self._own(f"/clusters/{quote(name, safe='')}"))

    def add_cluster(self, body: Mapping[str, object]) -> Reply:
        """Register a cluster."""
        return self._ok("POST", self._own("/clusters"), body)

    def edit_cluster(self, name: str, body: Mapping[str, object]) -> Reply:
        """Change a cluster."""
        return self._ok("PATCH", self._own(f"/clusters/{quote(name, safe='')}"), body)

    def try_cluster(self, name: str) -> Reply:
        """What works at a registered cluster."""
        return self._ok("POST", self._own(f"/clusters/{quote(name, safe='')}/test"))

    def try_addresses(self, body: Mapping[str, object]) -> Reply:
        """What works at a cluster that need not be registered."""
        return self._ok("POST", self._own("/clusters/test"), body)

    def remove_cluster(self, name: str, *, force: bool) -> Reply:
        """End a cluster's registration; with `force` also while jobs may run there."""
        path = f"/clusters/{quote(name, safe='')}"
        return self._ok("DELETE", self._own(f"{path}{'?force=true' if force else ''}"))

    def update_sql_job(self, job_id: int, body: Mapping[str, object]) -> None:
        """Change a job by DLI's fields."""
        self._ok("PUT", self._dli(f"/sql-jobs/{job_id}"), body)

    def change_password(self, user: str, original: str, new: str) -> None:
        """Give the user, who must be the caller, another password. Without a credential the old one signs in."""
        if self._credential == Credential():
            self._credential = Credential(token=self._token(user, original))
        about = {"user": {"original_password": original, "password": new}}
        self._ok("POST", f"/v3/users/{quote(user, safe='')}/password", about)

    # --- below the calls ----------------------------------------------------------------------------------------------

    def _dli(self, path: str) -> str:
        return f"/v1.0/{self.project}/streaming{path}"

    def _variables(self, name: str = "") -> str:
        path = f"/v1.0/{self.project}/variables"
        return f"{path}/{quote(name, safe='')}" if name else path

    def _own(self, path: str) -> str:
        return f"/api/v1/projects/{self.project}{path}"

    def _token(self, user: str, password: str) -> str:
        """A token for the project, in the form that the vendor's IAM has for it."""
        identity = {"methods": ["password"], "password": {"user": {"name": user, "password": password}}}
        scope = {"project": {"id": self.project}}
        reply = self._ok("POST", "/v3/auth/tokens", {"auth": {"identity": identity, "scope": scope}})
        return reply.headers.get("x-subject-token", "")

    def _batch(self, verb: str, job_ids: Sequence[int], **flags: bool) -> tuple[Answers, Mapping[str, str]]:
        """One of DLI's calls for many jobs. It answers by position; 400 with an array means that all are refused."""
        reply = self._ask("POST", self._dli(f"/jobs/{verb}"), {"job_ids": list(job_ids), **flags})
        if not isinstance(reply.data, list) or len(reply.data) != len(job_ids):
            raise _refused(reply)
        answers = [_answer(job, said) for job, said in zip(job_ids, reply.data, strict=True)]
        accepted = sum(answer.accepted for answer in answers)
        return Answers(accepted, len(answers) - accepted, answers), reply.headers

    def _ok(self, method: str, path: str, body: object = None, extra: Mapping[str, str] | None = None) -> Reply:
        reply = self._ask(method, path, body, extra)
        if reply.status >= 400:
            raise _refused(reply)
        return reply

    def _ask(self, method: str, path: str, body: object = None, extra: Mapping[str, str] | None = None) -> Reply:
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {"Accept": "application/json", "X-Language": "en-us", **(extra or {})}
        if content is not None:
            headers["Content-Type"] = "application/json"
        dry = isinstance(body, Mapping) and bool(body.get("dry_run") or body.get("plan"))
        self._connection.timeout = LOOKING if dry else TIMEOUT
        if method != "GET":
            # A connection that idled may be closed at the other end; only what may be repeated is sent over it.
            self._connection.close()
        try:
            return self._send(method, path, content, headers)
        except (ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected) as error:
            if method != "GET":
                raise self._unreachable(error) from error
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        try:
            return self._send(method, path, content, headers)
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error

    def _send(self, method: str, path: str, content: bytes | None, headers: dict[str, str]) -> Reply:
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
            what = f"{self.server} does not answer like Sluiceway (HTTP {response.status}, not JSON)"
            raise Failed(f"{what}. Give the address of the service with --server.") from None

    def _request(self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]) -> None:
        target = self._prefix + path
        shown = self._credential.headers(method, target, self._host, content)
        self._connection.request(method, target, content, {"host": self._host, **headers, **shown})

    def _unreachable(self, error: Exception) -> Unreachable:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
        return Unreachable(
            f"no service answers at {self.server} ({why}). Start one with `sluiceway serve`, or give its address with "
            "--server or SLUICEWAY_SERVER."
        )


def _server_sent(stream: http.client.HTTPResponse) -> Iterator[tuple[str, str, str]]:
    fields: dict[str, str] = {}
    for raw in stream:
        line = raw.decode().rstrip("\r\n")
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif "data" in fields:
            yield fields.get("id", ""), fields.get("event", ""), fields["data"]
            fields = {}


def _answer(job_id: int, said: Any) -> Answer:
    said = said if isinstance(said, dict) else {"message": "The answer of the service was not understood."}
    code = str(said.get("error_code") or "")
    text = one_line(str(said.get("message") or said.get("error_msg") or ""))
    return Answer(job_id, said.get("is_success") == "true", code, text.removeprefix(code).strip())


def _refused(reply: Reply) -> Failed:
    """The service's own words. Code 2 where they are about the call, 1 where they are about how things stand."""
    said = reply.data if isinstance(reply.data, dict) else {}
    code = one_line(str(said.get("error_code") or ""))
    text = one_line(str(said.get("error_msg") or f"HTTP {reply.status}"))
    about_call = reply.status in {400, 413} and (code == _BAD_ID or not code.startswith(_NOT_THE_CALL))
    return Failed(f"{text} ({code})" if code else text, code=2 if about_call else 1)
