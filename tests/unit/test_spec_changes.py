"""What has changed between two specifications of a job."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sluiceway.domain.job import JarProgram, JobSpec
from sluiceway.domain.spec_changes import Change, changes

SQL = JobSpec("INSERT INTO a SELECT * FROM b", options={"x": "1", "y": "2"})
JAR = JobSpec("", program=JarProgram("a.jar", args=("run", "fast")))


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        (SQL, SQL, []),
        (SQL, replace(SQL, sql="INSERT INTO c SELECT * FROM b"), []),
        (SQL, replace(SQL, parallelism=3), [Change("parallelism", "1", "3")]),
        (
            SQL,
            replace(SQL, checkpoint_interval=timedelta(seconds=90), restart_on_failure=True),
            [Change("checkpoint_interval", "", "1 min 30 s"), Change("restart_on_failure", "false", "true")],
        ),
        (
            SQL,
            replace(SQL, options={"y": "3", "z": "4"}),
            [Change("option x", "1", ""), Change("option y", "2", "3"), Change("option z", "", "4")],
        ),
        (
            JAR,
            replace(JAR, program=JarProgram("b.jar", args=("run",))),
            [Change("program.args", "run fast", "run"), Change("program.jar", "a.jar", "b.jar")],
        ),
    ],
)
def test_every_setting_that_differs_is_told(before: JobSpec, now: JobSpec, found: list[Change]) -> None:
    assert changes(before, now) == found
