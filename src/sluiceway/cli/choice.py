"""Which jobs a command is about, by what they have in common: the same options in every command."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, NoReturn

from cyclopts import Parameter

from sluiceway.cli import tables, words
from sluiceway.cli.answers import read
from sluiceway.cli.client import Client
from sluiceway.cli.job_answers import Fare
from sluiceway.cli.language import heard, t
from sluiceway.cli.output import NOTHING, Failed, complain
from sluiceway.domain.selector import BadSelector, parse
from sluiceway.settings import MAX_JOB_IDS

Texts = Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)]
JobNames = Annotated[tuple[str, ...], Parameter(negative=(), show_default=False, help="Ids or exact names of jobs.")]

OPTIONS: Final = "--cluster, --cluster-label, --name, -l, --tag, --status, --health, --match, --reads, --writes"
RESTING: Final = ("stopped",)  # that a resume means, unless it names others
IDLE: Final = ("draft", "submit_failed", "failed", "stopped")  # that a start means: what has finished is done
_ODD: Final = frozenset(",()")  # that somebody may mean for more than one value


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which jobs, by what they have in common. What is given must all be true of a job."""

    cluster: Annotated[tuple[str, ...], Parameter(name=("--cluster", "--queue"), negative=(), show_default=False)] = ()
    """Jobs on this cluster; may be repeated, for one of several."""

    cluster_label: str | None = None
    """Jobs on clusters with these labels, such as env=prod or 'env in (prod,test),!old'."""

    name: str | None = None
    """Jobs whose whole name fits this pattern: * for any characters, ? for one."""

    selector: Annotated[str | None, Parameter(name=("--selector", "-l"))] = None
    """Jobs with these tags, as kubectl has it: 'tier in (source,sink),team!=x,!paused'."""

    tag: Texts = ()
    """Jobs with this tag, as KEY=VALUE; may be repeated, for all of several."""

    status: Texts = ()
    """Jobs in this status, as lists show it: running (all that live), starting, restarting, stopped, failed …; may be
    repeated, for one of several."""

    health: Texts = ()
    """Jobs that live and fare like this: running, starting, restarting, no_slots or unknown; may be repeated."""

    match: str | None = None
    """Jobs that read or write this: a source's or sink's name in Flink, as whole words or as a pattern with * and ?."""

    reads: str | None = None
    """Jobs that read this, as --match."""

    writes: str | None = None
    """Jobs that write this, as --match."""

    def __bool__(self) -> bool:
        """Whether anything is given."""
        return self != Choice()

    def check(self, jobs: Sequence[str]) -> None:
        """Refuse a call that names jobs and chooses some, or does neither. Raises `Failed`."""
        if bool(jobs) == bool(self):
            told = t(
                "Say which jobs, in one way: their ids or names, or what they have in common ({options}).",
                options=OPTIONS,
            )
            raise Failed(told, code=2)

    def body(self) -> dict[str, object]:
        """The selection as the service takes it. Raises `Failed`."""
        given: dict[str, object] = {
            "clusters": list(self.cluster),
            "cluster_selector": _selector("--cluster-label", self.cluster_label),
            "name": self.name,
            "selector": _selector("--selector", self.selector),
            "tags": tags(self.tag),
            "status": words.statuses(self.status),
            "health": list(self.health),
            "match": self.match,
            "reads": self.reads,
            "writes": self.writes,
        }
        return {name: value for name, value in given.items() if value}

    def query(self) -> list[tuple[str, str]]:
        """The same as parameters of a list. Raises `Failed`."""
        body = self.body()
        tagged = [f"{quoted(key)}={quoted(value)}" for key, value in tags(self.tag).items()]
        given = body | {"cluster": body.get("clusters"), "selector": ",".join(filter(None, (self.selector, *tagged)))}
        found = list[tuple[str, str]]()
        for name, value in given.items():
            if value and name not in {"clusters", "tags"}:
                found += [(name, str(each)) for each in (value if isinstance(value, list) else [value])]
        return found

    @property
    def told(self) -> str:
        """It as it was given."""
        given = [("--cluster", self.cluster), ("--cluster-label", self.cluster_label), ("--name", self.name)]
        given += [("-l", self.selector), ("--tag", self.tag), ("--status", self.status), ("--health", self.health)]
        given += [("--match", self.match), ("--reads", self.reads), ("--writes", self.writes)]
        each = [(name, [value] if isinstance(value, str) else value or ()) for name, value in given]
        return " ".join(f"{name} {value!r}" for name, values in each for value in values)


def quoted(text: str) -> str:
    """A key or value in a selector, whatever it has in it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def tags(given: Sequence[str]) -> dict[str, str]:
    """Tags by key. Raises `Failed`."""
    pairs = [pair("--tag", tag) for tag in given]
    for key, count in Counter(key for key, _ in pairs).items():
        if count > 1:
            raise Failed(
                t("--tag {key} is given {count} times; a job has one value for each tag.", key=key, count=count), code=2
            )
    return dict(pairs)


def pair(option: str, text: str) -> tuple[str, str]:
    """A key and its value. What means more to a selector is refused, and never read as a strange value."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise Failed(t("{option} {text} is not KEY=VALUE.", option=option, text=text), code=2)
    if key.endswith("!") or value.startswith("=") or _ODD & set(text):
        told = t(
            "{option} {text} is one KEY=VALUE, and nothing else. "
            "Write -l 'KEY!=VALUE', -l 'KEY in (A,B)', or -l '{key}={value}' for exactly that.",
            option=option,
            text=text,
            key=quoted(key),
            value=quoted(value),
        )
        raise Failed(told, code=2)
    return key, value


def picked(client: Client, choice: Choice, statuses: Sequence[str], can: str) -> list[int]:
    """The ids of the jobs that are meant now: in these statuses, unless the choice names others. Raises `Failed`."""
    usual = [] if choice.status else [("status", status) for status in statuses]
    found, _, unjudged = client.listed([*choice.query(), *usual], limit=None)
    tell_unjudged(unjudged)
    if not found:
        nothing(client, choice, can)
    if len(found) > MAX_JOB_IDS:
        raise Failed(
            t(
                "Nothing was done: these are {count} jobs, and a request names {most} at most.",
                count=len(found),
                most=MAX_JOB_IDS,
            )
        )
    return sorted(read(job, Fare).job_id for job in found)


def tell_unjudged(count: int | None) -> None:
    """Say how many jobs are left out because nobody can tell whether they are meant."""
    if count:
        complain(
            t("1 job is left out: what they read and write is not all known yet. Choose those by other means.")
            if count == 1
            else t(
                "{count} jobs are left out: what they read and write is not all known yet. Choose those "
                "by other means.",
                count=count,
            )
        )


def nothing(client: Client, choice: Choice, can: str) -> NoReturn:
    """Say that a choice means no job that `can` be acted on, and which it means otherwise. Raises `Failed`."""
    if not choice:
        raise Failed(
            t("There is no job in project {project} that {can}; nothing was done.", project=client.project, can=can),
            code=NOTHING,
        )
    if not choice.status:
        found, total, _ = client.listed(choice.query(), limit=1000)
        if found:
            counts = tables.counts(Counter(str(job.get("status")) for job in found))
            jobs = tables.jobs(total)
            those = (
                t("{jobs}: {counts}", jobs=jobs, counts=counts)
                if total == len(found)
                else t("{jobs}, the latest of them {counts}", jobs=jobs, counts=counts)
            )
            said = t(
                "None of the jobs that match {choice} {can} ({those}); nothing was done.",
                choice=choice.told,
                can=can,
                those=those,
            )
            raise Failed(said, code=NOTHING)
    raise Failed(
        t(
            "No job in project {project} matches {choice}; nothing was done.",
            project=client.project,
            choice=choice.told,
        ),
        code=NOTHING,
    )


def _selector(option: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        parse(text)
    except BadSelector as error:
        raise Failed(f"{option}: {heard(f'{error}.')}", code=2) from None
    return text
