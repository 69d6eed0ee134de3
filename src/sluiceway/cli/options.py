"""The options that every client command has, and how its arguments are read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from cyclopts import Parameter, Token
from cyclopts.validators import Number

from sluiceway.cli.client import Client
from sluiceway.cli.command import Command
from sluiceway.cli.context_file import wrong_address, wrong_name, wrong_project
from sluiceway.cli.language import in_english, t
from sluiceway.cli.output import Failed
from sluiceway.cli.output_options import Output
from sluiceway.cli.target import Target, settle
from sluiceway.settings import length

_ID: Final = re.compile(r"[0-9]{1,19}")


def _check_context(_: Any, value: str | None) -> None:
    if value is not None and (why := wrong_name(value)):
        raise ValueError(why)


def _check_server(_: Any, value: str | None) -> None:
    if value is not None and (why := wrong_address(value)):
        raise ValueError(why)


def _check_project(_: Any, value: str | None) -> None:
    if value is not None and (why := wrong_project(value)):
        raise ValueError(why)


def _seconds(_: Any, tokens: Sequence[Token]) -> float:
    try:
        found = length(tokens[0].value)
    except ValueError:
        raise ValueError(t("It is a length of time, for example 45s, 30m, 1h30m or 2d.")) from None
    if not found > 0:
        raise ValueError(t("It is a length of time above 0, for example 45s, 30m, 1h30m or 2d."))
    return found


def _whole_seconds(type_: Any, tokens: Sequence[Token]) -> int:
    found = _seconds(type_, tokens)
    if found != int(found):
        raise ValueError(t("It is a length of time in whole seconds, for example 45s, 30m, 1h30m or 2d."))
    return int(found)


# Several values after one option: `--job 1 2 3`.
Names = Annotated[tuple[str, ...], Parameter(negative=(), consume_multiple=True, show_default=False)]
Seconds = Annotated[float | None, Parameter(converter=_seconds, metavar="TIME")]
WholeSeconds = Annotated[int | None, Parameter(converter=_whole_seconds, metavar="TIME")]
# The same as Cyclopts has, whose module of types takes as long to load as all of these options.
PositiveInt = Annotated[int, Parameter(validator=Number(gt=0))]
Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
Words = Annotated[str, Parameter(show_default=False)]


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Common(Output):
    """The service to talk to, and the form of the answer. Options go first, then the environment, then a context."""

    context: Annotated[str | None, Parameter(validator=_check_context)] = None
    """The context to work in (`sluiceway contexts`). Default: SLUICEWAY_CONTEXT, else the current one."""

    server: Annotated[str | None, Parameter(validator=_check_server)] = None
    """Address of the service. Default: that of --context, SLUICEWAY_SERVER, that of the context, or
    http://127.0.0.1:8640."""

    project: Annotated[str | None, Parameter(validator=_check_project)] = None
    """The project that the jobs are in: 1 to 64 letters and digits. Default: that of --context, SLUICEWAY_PROJECT, that
    of the context, or `default`."""

    settled: Annotated[Target | None, Parameter(parse=False)] = None

    @property
    def target(self) -> Target:
        """Where it goes. Raises `Failed`."""
        return self.settled or settle(self.context or "", self.server or "", self.project or "")

    def client(self) -> Client:
        """A client of that service. Raises `Failed`."""
        to = self.target
        signer = to.signer()
        with in_english(wanted=self.json):  # documents are the same in every language, also what the service says there
            return Client(to.server, to.project, signer, to.authority)


def seconds_of(option: str, text: str) -> int:
    """The whole seconds in a length of time such as 90, 90s, 45m, 1h30m or 1d. Raises `Failed`."""
    try:
        return int(length(text))
    except ValueError:
        raise Failed(
            t(
                "{option} {text} is no length of time; write for example 90s, 45m, 1h30m or 1d.",
                option=option,
                text=text,
            ),
            code=2,
        ) from None


def commands(name: str, text: str | None = None) -> Command:
    """An app for client commands. Without `text` the docstring of its one command describes it.

    It reads no configuration but what its parameters name: the service's TOML file and environment must not turn into
    a `--all` or a `--timeout` of a command.
    """
    return Command(name=name, help=text, config=(), result_action="return_value")


def check_wait(timeout: float | None, *, wait: bool) -> None:
    """Refuse a time to wait without waiting."""
    if timeout is not None and not wait:
        raise Failed(t("--timeout is how long to wait at most: it needs --wait."), code=2)


def or_default(given: Common | None) -> Common:
    """The options, also where none was given, with the server and project that they come to. Raises `Failed`.

    What is shown from now on has their form.
    """
    given = (given or Common()).begin()
    to = given.target
    return replace(given, server=to.server, project=to.project, settled=to)


def ids_or_names(client: Client, given: Sequence[str]) -> list[int]:
    """Job ids, in order. Anything but a number is a job's exact name. Raises `Failed` when there is no such job."""
    return [int(text) if _ID.fullmatch(text) else client.job_named(text) for text in given]


def once(client: Client, given: Sequence[str]) -> list[int]:
    """The same, each job once."""
    return list(dict.fromkeys(ids_or_names(client, given)))
