"""What has changed between two specifications of a job. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Final

from sluiceway.domain.job import JarProgram, JobSpec
from sluiceway.domain.way_back import length

_APART: Final = {"sql", "options", "program"}


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that differs; empty where it was, or is, not given."""

    name: str
    before: str
    now: str


def changes(before: JobSpec, now: JobSpec) -> list[Change]:
    """Every setting that differs, in the order of their names; the SQL is left out."""
    was, is_now = _settings(before), _settings(now)
    named = sorted(was.keys() | is_now.keys())
    found = (Change(name, was.get(name, ""), is_now.get(name, "")) for name in named)
    return [change for change in found if change.before != change.now]


def _settings(spec: JobSpec) -> Mapping[str, str]:
    plain = {field.name: _shown(getattr(spec, field.name)) for field in fields(JobSpec) if field.name not in _APART}
    program = spec.program or JarProgram("")
    parts = {f"program.{field.name}": _shown(getattr(program, field.name)) for field in fields(JarProgram)}
    return plain | parts | {f"option {key}": value for key, value in spec.options.items()}


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, timedelta):
        return length(value)
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
