"""The commands, where their options come from, and what they exit with."""

from collections.abc import Sequence

from cyclopts import App, CycloptsError
from cyclopts.config import Env, Toml

from sluiceway import __version__
from sluiceway.cli.output import Failed, complain

app = App(
    name="sluiceway",
    help="Stop Apache Flink jobs in bulk, keep a verified savepoint of each, and bring them back.",
    version=__version__,
    config=[
        Env("SLUICEWAY_", command=False),
        Toml("sluiceway.toml", must_exist=False, search_parents=False, use_commands_as_keys=False),
    ],
    result_action="return_value",
    exit_on_error=False,
    print_error=False,
)
# Commands are imported when they are called: `serve` brings a server along, the others only a client.
for _name, _where, _help in (
    ("serve", "serve:app", "Run the service."),
    ("jobs", "jobs:app", "Make, start, list, show and delete jobs."),
    ("stop", "stops:stop_app", "Stop jobs in one call, each with a savepoint, and watch them."),
    ("stops", "stops:stops_app", "Look at stops: what became of each job."),
    ("resume", "stops:resume_app", "Bring back what a stop has stopped."),
    ("demo", "demo:app", "See it work: a Flink of its own, jobs stopped in one call and brought back."),
):
    app.command(f"sluiceway.cli.{_where}", name=_name, help=_help)


def run(arguments: Sequence[str]) -> int:
    """Run a command line. 0: what was asked for happened. 1: it did not, or not for all. 2: the call was wrong."""
    try:
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
