"""A client of the service for commands: a method for each call, one call after the other. Here: those about jobs."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from sluiceway.cli.answers import Answer, Answers, each, read
from sluiceway.cli.cluster_calls import ClusterCalls
from sluiceway.cli.connection import Reply
from sluiceway.cli.job_answers import Fare, Fares, Job
from sluiceway.cli.language import t
from sluiceway.cli.order_calls import OrderCalls
from sluiceway.cli.output import Failed, one_line
from sluiceway.cli.savepoint_calls import SavepointCalls
from sluiceway.cli.signing import Credential

PAGE: Final = 100  # jobs in one answer, at most (DLI contract)
MOST_LISTED: Final = 1000  # jobs in one answer of our own, at most
STOP_HEADER: Final = "X-Sluiceway-Stop"

_ID: Final = re.compile(r"[0-9]{1,19}")


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


class _Graph(Struct, frozen=True):
    execute_graph: dict[str, Any]


class _CreatedJob(Struct, frozen=True):
    job_id: int
    status_name: str
    status_desc: str


class _Created(Struct, frozen=True):
    job: _CreatedJob


class Client(OrderCalls, SavepointCalls, ClusterCalls):
    """The calls that commands make, in one project. All raise `Failed`; `Unreachable` when no answer came."""

    # --- DLI's paths --------------------------------------------------------------------------------------------------

    def create_sql_job(self, body: Mapping[str, object]) -> dict[str, Any]:
        """Create a job from DLI's fields; returns its `job_id` and status as DLI tells them."""
        made = read(self._http.ok("POST", self._dli("/sql-jobs"), body).data, _Created)
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
        return read(self._http.ok("GET", self._dli(f"/jobs/{job_id}")).data, _Shown).job_detail

    def page(self, offset: int, limit: int, **filters: str) -> tuple[int, list[dict[str, Any]]]:
        """How many jobs match, and at most 100 of them as DLI lists them."""
        query = {"offset": str(offset), "limit": str(min(limit, PAGE)), **filters}
        reply = self._http.ok("GET", f"{self._dli('/jobs')}?{urlencode(query)}")
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
        raise Failed(
            t("There is no job named {name} in project {project}; nothing was done.", name=name, project=self.project),
            code=3,
        )

    def tag(self, job_id: int, given: Mapping[str, str], gone: Sequence[str]) -> None:
        """Give a job tags, and take away those with these keys."""
        path = f"/v3/{self.project}/dli_flink_job/{job_id}/tags"
        if given:
            more = [{"key": key, "value": value} for key, value in given.items()]
            self._http.ok("POST", f"{path}/create", {"tags": more})
        if gone:
            self._http.ok("POST", f"{path}/delete", {"tags": [{"key": key} for key in gone]})

    def variables(self) -> list[dict[str, Any]]:
        """All variables of the project, by name; the values of sensitive ones are empty."""
        found: list[dict[str, Any]] = []
        while True:
            query = urlencode({"offset": len(found), "limit": PAGE})
            page = read(self._http.ok("GET", f"{self._variables()}?{query}").data, _Variables)
            found += page.global_vars
            if not page.global_vars or len(found) >= page.count:
                return found

    def create_variable(self, name: str, value: str, *, sensitive: bool) -> None:
        """Create a variable."""
        body = {"var_name": name, "var_value": value, "is_sensitive": sensitive}
        self._http.ok("POST", self._variables(), body)

    def update_variable(self, name: str, value: str) -> None:
        """Give a variable another value."""
        self._http.ok("PUT", self._variables(name), {"var_value": value})

    def delete_variable(self, name: str) -> None:
        """Take a variable away."""
        self._http.ok("DELETE", self._variables(name))

    # --- our own paths ------------------------------------------------------------------------------------------------

    def fares(self, job_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """The health of these jobs, by id; unknown ones are left out."""
        found: dict[int, dict[str, Any]] = {}
        for first in range(0, len(job_ids), PAGE):
            query = urlencode([("job_id", job) for job in job_ids[first : first + PAGE]])
            found |= {read(job, Fare).job_id: job for job in self._fares(query)}
        return found

    def names(self, job_ids: Sequence[int]) -> dict[int, str]:
        """The names of these jobs; unknown ones are left out."""
        return {job: read(found, Fare).name for job, found in self.fares(list(dict.fromkeys(job_ids))).items()}

    def all_fares(self, limit: int, **flags: bool) -> list[dict[str, Any]]:
        """The health of the latest jobs, or of those that ail, or of those that are leaving."""
        query = urlencode({"limit": limit, **{name: "true" for name, value in flags.items() if value}})
        return self._fares(query)

    def listed(self, query: Sequence[tuple[str, str]], limit: int | None) -> tuple[list[dict[str, Any]], int, int]:
        """The jobs that a selection means, the newest first, over as many pages as it takes.

        Also how many there are, and of how many others nobody can tell.
        """
        found, total, unjudged, before = list[dict[str, Any]](), 0, 0, None
        while True:
            some = MOST_LISTED if limit is None else min(limit - len(found), MOST_LISTED)
            asked = [*query, ("limit", str(some)), *([("before", str(before))] if before is not None else [])]
            page = read(self._http.ok("GET", f"{self._own('/jobs')}?{urlencode(asked)}").data, Fares)
            found += page.jobs
            total = page.total if page.total is not None else total
            before, unjudged = page.next, unjudged + (page.unjudged or 0)
            if before is None or len(found) == limit:
                return found, max(total, len(found)), unjudged

    def _fares(self, query: str) -> list[dict[str, Any]]:
        return read(self._http.ok("GET", f"{self._own('/jobs')}?{query}").data, Fares).jobs

    def job_diff(self, job_id: int) -> Reply:
        """What has changed since the job's state was made."""
        return self._http.ok("GET", self._own(f"/jobs/{job_id}/diff"))

    def update_sql_job(self, job_id: int, body: Mapping[str, object]) -> None:
        """Change a job by DLI's fields."""
        self._http.ok("PUT", self._dli(f"/sql-jobs/{job_id}"), body)

    def update_jar_job(self, job_id: int, body: Mapping[str, object]) -> None:
        """Change a Jar job by DLI's fields."""
        self._http.ok("PUT", self._dli(f"/flink-jobs/{job_id}"), body)

    def create_jar_job(self, body: Mapping[str, object]) -> dict[str, Any]:
        """Create a Jar job from DLI's fields; returns what `create_sql_job` does."""
        made = read(self._http.ok("POST", self._dli("/flink-jobs"), body).data, _Created)
        return msgspec.structs.asdict(made.job)

    def check_job(self, body: Mapping[str, object]) -> Reply:
        """Compile SQL and look at options; nothing is stored."""
        return self._http.ok("POST", self._own("/jobs/check"), body)

    def job_logs(self, job_id: int, process: str | None, lines: int) -> Reply:
        """Why a job failed, and the end of the log of a process, where one is named."""
        query = urlencode({"lines": lines, **({} if process is None else {"process": process})})
        return self._http.ok("GET", self._own(f"/jobs/{job_id}/logs?{query}"))

    def resources(self) -> Reply:
        """The jars and files that jobs can be made of."""
        return self._http.ok("GET", self._own("/resources"))

    def upload(self, name: str, source: Path) -> Reply:
        """Store a file under a name."""
        return self._http.upload(self._own(f"/resources/{quote(name, safe='')}"), source)

    def graph(self, job_id: int) -> dict[str, Any]:
        """Flink's own description of a job's latest run."""
        return read(self._http.ok("GET", self._dli(f"/jobs/{job_id}/execute-graph")).data, _Graph).execute_graph

    def change_password(self, user: str, original: str, new: str) -> None:
        """Give the user, who must be the caller, another password. Without a credential the old one signs in."""
        held = self._http.credential
        if isinstance(held, Credential) and held == Credential():
            self._http.credential = Credential(token=self._token(user, original))
        about = {"user": {"original_password": original, "password": new}}
        self._http.ok("POST", f"/v3/users/{quote(user, safe='')}/password", about)

    # --- below the calls ----------------------------------------------------------------------------------------------

    def _variables(self, name: str = "") -> str:
        path = f"/v1.0/{self.project}/variables"
        return f"{path}/{quote(name, safe='')}" if name else path

    def _token(self, user: str, password: str) -> str:
        """A token for the project, in the form that the vendor's IAM has for it."""
        identity = {"methods": ["password"], "password": {"user": {"name": user, "password": password}}}
        scope = {"project": {"id": self.project}}
        reply = self._http.ok("POST", "/v3/auth/tokens", {"auth": {"identity": identity, "scope": scope}})
        return reply.headers.get("x-subject-token", "")

    def _batch(self, verb: str, job_ids: Sequence[int], **flags: bool) -> tuple[Answers, Mapping[str, str]]:
        """One of DLI's calls for many jobs. It answers by position; 400 with an array means that all are refused."""
        reply = self._http.ask("POST", self._dli(f"/jobs/{verb}"), {"job_ids": list(job_ids), **flags})
        if not isinstance(reply.data, list) or len(reply.data) != len(job_ids):
            raise self._http.refused(reply)
        answers = [_answer(job, said) for job, said in zip(job_ids, reply.data, strict=True)]
        accepted = sum(answer.accepted for answer in answers)
        return Answers(accepted, len(answers) - accepted, answers), reply.headers


def _answer(job_id: int, said: Any) -> Answer:
    said = said if isinstance(said, dict) else {"message": "The answer of the service was not understood."}
    code = str(said.get("error_code") or "")
    text = one_line(str(said.get("message") or said.get("error_msg") or ""))
    return Answer(job_id, said.get("is_success") == "true", code, text.removeprefix(code).strip())
