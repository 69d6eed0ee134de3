"""`sluiceway jobs create --check`: what is wrong with a job, before there is one."""

from msgspec import Struct

from sluiceway.cli.answers import read
from sluiceway.cli.client import Client
from sluiceway.cli.job_fields import JobFields, pairs
from sluiceway.cli.job_source import Source
from sluiceway.cli.language import t
from sluiceway.cli.options import Common
from sluiceway.cli.output import complain, one_line, say
from sluiceway.cli.reasons import Reason


class _Fault(Struct, frozen=True):
    about: str
    text: Reason


class _Checked(Struct, frozen=True):
    ok: bool | None
    faults: list[_Fault]
    notes: list[Reason]
    unchecked: Reason


def checked(client: Client, source: Source, fields: JobFields, common: Common) -> int:
    """Have the service compile the SQL and look at the options, and report. The exit code: 0 where all is well."""
    body: dict[str, object] = {"parallelism": fields.parallelism}
    body |= {} if source.sql is None else {"sql": source.text()}
    body |= {} if fields.queue is None else {"queue": fields.queue}
    if fields.checkpoint_interval is not None:
        body["checkpoint_interval_seconds"] = fields.checkpoint_interval
    if fields.option:
        body["options"] = {each["key"]: each["value"] for each in pairs("--option", fields.option)}
    data = client.check_job(body).data
    found = read(data, _Checked)
    if common.json:
        common.document(data)
    else:
        _tell(found)
    return int(found.ok is not True)


def _tell(found: _Checked) -> None:
    for note in found.notes:
        complain(one_line(note))
    for fault in found.faults:
        complain(one_line(f"{fault.about}: {fault.text}"))
    if found.unchecked:
        complain(one_line(found.unchecked))
    if found.ok:
        say(t("Nothing is wrong with it. Nothing was created."))
