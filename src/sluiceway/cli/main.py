"""The commands, the sources of their options, and their exit codes."""

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cyclopts import App, CycloptsError
from cyclopts.config import Env, Toml

from sluiceway import __version__
from sluiceway.cli.output import NO_SERVICE, Failed, complain
from sluiceway.cli.placed import no_command, placed


class _File(Toml):
    """The file of settings. Errors name the file."""

    def _load_config(self, path: Path) -> dict[str, Any]:
        try:
            settings = super()._load_config(path)
        except (OSError, ValueError) as error:
            raise CycloptsError(msg=f"{path} cannot be read: {error}") from error
        for name, value in settings.items():
            if isinstance(value, dict):
                raise CycloptsError(msg=f"{path}: settings stand at the top of the file, not under [{name}].")
        return settings


app = App(
    name="sluiceway",
    help="Stop Apache Flink jobs in bulk, keep a verified savepoint of each, and bring them back.",
    version=__version__,
    config=[
        Env("SLUICEWAY_", command=False),
        _File("sluiceway.toml", must_exist=False, search_parents=False, use_commands_as_keys=False),
    ],
    result_action="return_value",
    exit_on_error=False,
    print_error=False,
)
_SERVE = """Run the service.

Every option is also an environment variable (SLUICEWAY_PORT, SLUICEWAY_CLUSTER, …) and a key of sluiceway.toml in the
current directory. It ends gracefully on Ctrl-C and SIGTERM, within 10 seconds, and at the second one at once; what was
accepted is carried on by the next start.

A Flink of its own beside it, to try things out: `sluiceway serve`

For one's own clusters: `sluiceway serve --cluster prod=http://jobmanager:8081 --storage /mnt/flink`
"""
# Imported when they are called. These two bring the server along, so their help is here, where the overview finds it.
_HELP = {"serve": _SERVE, "access": "Let people in: users, access keys, and what they are granted."}
_COMMANDS = {
    "access": "access:access_app",
    "clusters": "clusters:clusters_app",
    "contexts": "contexts:contexts_app",
    "database": "database:database_app",
    "demo": "demo:app",
    "distributions": "distributions:distributions_app",
    "events": "events:events_app",
    "jobs": "jobs:app",
    "login": "login:login_app",
    "logout": "login:logout_app",
    "move": "moves:move_app",
    "moves": "moves:moves_app",
    "password": "password:app",
    "resume": "resume:resume_app",
    "resumes": "resumes:resumes_app",
    "savepoints": "savepoints:savepoints_app",
    "serve": "serve:app",
    "stop": "stops:stop_app",
    "stops": "stops:stops_app",
    "variables": "variables:variables_app",
    "wait": "wait:wait_app",
    "whoami": "login:whoami_app",
}
for _name, _where in _COMMANDS.items():
    app.command(f"sluiceway.cli.{_where}", name=_name, help=_HELP.get(_name))


def _shows_the_fleet(arguments: Sequence[str]) -> bool:
    """Whether a service answers, whose fleet was shown in the place of the help."""
    from sluiceway.cli import overview

    try:
        return bool(overview.app(list(arguments)) == 0)
    except Failed as failed:
        if failed.code != NO_SERVICE or arguments:
            raise
        return False


def run(arguments: Sequence[str]) -> int:
    """Run a command line. The exit code: see `docs/reference/cli.md`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a job's name must not be what a terminal chokes on
    try:
        if no_command(arguments) and _shows_the_fleet(arguments):
            return 0
        arguments = placed(arguments, app)
        if not arguments or arguments[0] in app.help_flags:
            for name in set(_COMMANDS) - set(_HELP):
                app[name]  # imports it, so that the overview can say what it does
        return int(app(list(arguments)) or 0)
    except CycloptsError as error:
        complain(f"{error}\nSee --help.")
        return 2
    except Failed as failed:
        complain(str(failed))
        return failed.code
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    except BrokenPipeError:
        # The reader has seen enough, as `| head` has. Python must not write the rest either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
