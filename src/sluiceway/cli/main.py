"""The commands, the sources of their options, and their exit codes."""

import io
import os
import sys
from collections.abc import Sequence
from typing import Final

from cyclopts import App, CycloptsError, Parameter

from sluiceway import __version__
from sluiceway.cli import completing, language
from sluiceway.cli.command import Command
from sluiceway.cli.help_pages import FORMAT, Pages, show
from sluiceway.cli.language import t
from sluiceway.cli.output import NO_SERVICE, Failed, complain
from sluiceway.cli.placed import no_command, placed

# The overview shows these without importing any command; a test compares them with the commands' own words.
SUMMARIES: Final = {
    "access": "Let people in: users, access keys, and what they are granted.",
    "clusters": "Register Flink clusters, and see which answer.",
    "contexts": "Name services to work with, and choose one.",
    "completion": "Print a script that has a shell complete commands, options, and the names that the service knows.",
    "database": "Back up the service's database, and restore it.",
    "demo": "See it work: real Flink jobs stopped in one call, each with a verified savepoint, and brought back.",
    "distributions": "Versions of Flink that plan SQL, each for clusters of its own version.",
    "events": "Show who did what, why and when: the newest events, the last one last.",
    "jobs": "Make, start, list, show and delete jobs.",
    "login": "Sign in to the service, for the commands that follow, until the token ends.",
    "logout": "End what `sluiceway login` has kept for the context, or without one for the server.",
    "man": "Write the manual pages, for man(1).",
    "move": "Move jobs to another cluster: stop each with a savepoint, and start it from that there.",
    "moves": "Look at moves, steer them, and take them back.",
    "password": "Change your own password, where an administrator has allowed it. Your tokens end; access keys stay.",
    "resume": "Bring back exactly the jobs that a stop has stopped, each from its own savepoint, the last wave first.",
    "resumes": "Look at resumes, and steer them.",
    "savepoints": "Take savepoints, look at them, register those of others, and remove them.",
    "serve": "Run the service.",
    "stop": "Stop jobs in one call, each with a savepoint of its own.",
    "stops": "Look at stops, and steer them.",
    "variables": "Name texts that SQL uses as {{name}}.",
    "wait": "Wait until all of these are as needed: jobs `running` (all tasks), `proven` (with a first checkpoint "
    "where they take any) or `stopped`; orders `settled`; clusters `answering`.",
    "whoami": "Show as whom commands call the service, with which rights, and where that is from.",
}
_COMMANDS = {
    "access": "access:access_app",
    "clusters": "clusters:clusters_app",
    "contexts": "contexts:contexts_app",
    "completion": "completion:completion_app",
    "database": "database:database_app",
    "demo": "demo:app",
    "distributions": "distributions:distributions_app",
    "events": "events:events_app",
    "jobs": "jobs:app",
    "login": "login:login_app",
    "logout": "login:logout_app",
    "man": "man:man_app",
    "move": "moves:move_app",
    "moves": "moves:moves_app",
    "password": "password:app",
    "resume": "resume:resume_app",
    "resumes": "resumes:resumes_app",
    "savepoints": "savepoints:savepoints_app",
    "serve": "serve_command:app",
    "stop": "stops:stop_app",
    "stops": "stops:stops_app",
    "variables": "variables:variables_app",
    "wait": "wait:wait_app",
    "whoami": "login:whoami_app",
}


def commands(*, overview: bool = False) -> App:
    """All commands; for an `overview` with their summaries, which would otherwise replace their own words."""
    made = Command(
        name="sluiceway",
        help="Stop Apache Flink jobs in bulk, keep a verified savepoint of each, and bring them back.\n\n"
        "Messages and help are in English or Chinese: `--language en` or `--language zh` says so for a call, "
        "SLUICEWAY_LANGUAGE for all, and else the locale counts.",
        version=__version__,
        default_parameter=Parameter(completer=completing.live),
        help_format=FORMAT,
        help_formatter=Pages(),
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,  # `run` says so
    )
    for name, where in _COMMANDS.items():
        made.command(f"sluiceway.cli.{where}", name=name, help=SUMMARIES.get(name) if overview else None)
    return made


app = commands()


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
    if arguments[:1] == [completing.COMMAND]:
        return completing.answer(app)
    try:
        spoken, arguments = language.chosen(arguments)
        language.speak(spoken)
        if no_command(arguments) and _shows_the_fleet(arguments):
            return 0
        call = placed(arguments, app)
        if call.asks_for_help:
            show(app, call.command, call.words)
            return 0
        arguments = call.arguments
        shown = commands(overview=True) if not arguments or arguments[0] in app.help_flags else app
        return int(shown(list(arguments)) or 0)
    except CycloptsError as error:
        complain(f"{language.of_wrong_call(str(error))}\n{t('See --help.')}")
        return 2
    except Failed as failed:
        complain(str(failed))
        return failed.code
    except KeyboardInterrupt:
        complain(t("interrupted"))
        return 130
    except BrokenPipeError:
        # The reader has seen enough, as `| head` has. Python must not write the rest either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
