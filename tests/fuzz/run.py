"""A run of schemathesis over the stage, with all of its checks."""

import logging
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import schemathesis
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from tests.fuzz.excused import is_fault
from tests.fuzz.stage import Stage
from tests.support.services.plane import PROJECT

from sluiceway.domain.access import Role

PHASES: Final = ("examples", "coverage", "fuzzing", "stateful")
OFTEN: Final = 0.7  # of the values that requests name something by which is there


@dataclass
class Report:
    """What was asked, and what was not right."""

    cases: Counter[str] = field(default_factory=Counter)  # by operation
    statuses: Counter[int] = field(default_factory=Counter)
    faults: dict[tuple[str, ...], str] = field(default_factory=dict)  # each kind once: where, what; and the words

    def join(self, other: "Report") -> None:
        """Take in another report."""
        self.cases += other.cases
        self.statuses += other.statuses
        self.faults = other.faults | self.faults

    def add(self, recorder: ScenarioRecorder) -> None:
        """Take in a scenario."""
        for case in recorder.cases.values():
            self.cases[case.value.operation.label] += 1
        for asked in recorder.interactions.values():
            self.statuses[asked.response.status_code if asked.response else 0] += 1
        for case_id, checks in recorder.checks.items():
            label = recorder.cases[case_id].value.operation.label
            for check in checks:
                if check.status is Status.FAILURE and check.failure_info is not None:
                    failure, answer = check.failure_info.failure, recorder.interactions[case_id].response
                    body = (
                        ""
                        if answer is None
                        else f"{answer.status_code} {answer.content[:500].decode(errors='replace')}"
                    )
                    words = f"{failure.message}\n{check.failure_info.code_sample}\n{body}"
                    self.faults.setdefault((label, check.name, failure.title), words)


def fuzz(stage: Stage, report: Report, *, seed: int, examples: int, phases: Sequence[str] = PHASES) -> None:
    """Ask every operation so often, and report."""
    config = schemathesis.Config.from_dict(_config(stage, seed, examples, phases))
    schema = schemathesis.openapi.from_url(f"{stage.url}/openapi.json", config=config)
    schema.hook("filter_failure")(is_fault)
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            report.add(event.recorder)
        elif isinstance(event, events.NonFatalError):
            report.faults.setdefault((event.label, "error", type(event.value).__name__), str(event.value))
        elif isinstance(event, events.FatalError):
            raise event.exception


def one_round(number: int, seed: int, examples: int) -> Report:
    """One service, asked for a while; the first of each kind also all edge cases, which are the same every time."""
    logging.disable()
    report = Report()
    phases = PHASES if number < 2 else ("fuzzing", "stateful")
    with tempfile.TemporaryDirectory() as directory, Stage(Path(directory), sign_in=number % 2 == 0) as stage:
        fuzz(stage, report, seed=seed, examples=examples, phases=phases)
    return report


def _config(stage: Stage, seed: int, examples: int, phases: Sequence[str]) -> dict[str, Any]:
    token = stage.tokens.get(Role.ADMIN)
    known = dict(_known(stage))
    return {
        "seed": seed,
        "continue-on-failure": True,
        "request-timeout": 120,
        "headers": {"X-Auth-Token": token} if token else {},
        "phases": {name: {"enabled": name in phases} for name in PHASES},
        "generation": {"max-examples": examples, "database": "none", "no-shrink": True},
        # Where nobody signs in, no credential is looked at.
        "checks": {} if token else {"ignored_auth": {"enabled": False}},
        "dictionaries": {name: {"values": values} for name, values in known.items()},
        "parameters": {name: {"dictionary": name, "probability": OFTEN} for name in known}
        # A token is for one project.
        | {"path.project_id": {"dictionary": "path.project_id", "probability": 1.0 if token else 0.9}},
    }


def _known(stage: Stage) -> Iterator[tuple[str, Sequence[int | str]]]:
    known = stage.known
    yield "path.project_id", [PROJECT]
    for name in ("path.job_id", "path.resource_id", "query.job_id", "body.job_ids[*]", "body.job_selected[*]"):
        yield name, known.jobs
    yield "path.stop_id", known.stops
    yield "query.stop_id", known.stops
    yield "path.savepoint_id", known.savepoints
    yield "path.template_id", known.templates
    yield "body.template_id", known.templates
    yield "path.name", known.resources
    yield "path.resource_name", known.resources
    yield "body.queue_name", ["c0", "c1"]
    yield "path.queue_name", ["c0", "c1"]
