"""What became of each job of a request: which were refused, which to beware of, and what a way back loses."""

from sluiceway.cli import tables
from sluiceway.cli.answers import Answers
from sluiceway.cli.client import Client
from sluiceway.cli.dry_run import losses
from sluiceway.cli.language import t
from sluiceway.cli.naming import Names
from sluiceway.cli.output import complain, one_line


def report(client: Client, answers: Answers, *, quiet: bool = False) -> int:
    """Say which jobs were refused and why. The exit code: 0 when there are none."""
    refused = [] if quiet else [answer for answer in answers.jobs if not answer.accepted]
    names = Names(client, (answer.job_id for answer in refused))
    for answer in refused:
        complain(one_line(t("job {job} is refused: {why}", job=names(answer.job_id), why=answer.message)))
    return int(answers.refused > 0)


def warn(client: Client, answers: Answers) -> None:
    """Warn about accepted jobs, once for each warning."""
    found: dict[str, list[int]] = {}
    for answer in answers.jobs:
        if answer.accepted and answer.message and not answer.code:
            found.setdefault(answer.message, []).append(answer.job_id)
    names = Names(client, (job for jobs in found.values() for job in jobs[:5]))
    for message, jobs in found.items():
        some = tables.some_jobs([names(job) for job in jobs[:5]], len(jobs))
        complain(one_line(t("{jobs}: {what}", jobs=some, what=message)))


def tell_losses(client: Client, answers: Answers) -> None:
    """Say what the way back of each job loses."""
    lost = [(answer.job_id, text) for answer in answers.jobs for text in losses(answer)]
    names = Names(client, (job_id for job_id, _ in lost))
    for job_id, text in lost:
        complain(one_line(t("job {job}: {what}", job=names(job_id), what=text)))
