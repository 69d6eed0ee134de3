"""`sluiceway serve`: runs the service, which takes a second to load."""

import sys
from pathlib import Path
from typing import Any

from cyclopts import CycloptsError
from cyclopts.config import Env, Toml

from sluiceway import __version__
from sluiceway.cli.command import Command
from sluiceway.cli.language import t
from sluiceway.cli.output import complain
from sluiceway.settings import Settings


class _File(Toml):
    """The file of settings. Errors name the file."""

    def _load_config(self, path: Path) -> dict[str, Any]:
        try:
            settings = super()._load_config(path)
        except (OSError, ValueError) as error:
            raise CycloptsError(msg=t("{path} cannot be read: {error}", path=path, error=error)) from error
        for name, value in settings.items():
            if isinstance(value, dict):
                raise CycloptsError(
                    msg=t("{path}: settings stand at the top of the file, not under [{name}].", path=path, name=name)
                )
        return settings


app = Command(
    name="serve",
    config=[
        Env("SLUICEWAY_", command=False),
        _File("sluiceway.toml", must_exist=False, search_parents=False, use_commands_as_keys=False),
    ],
    result_action="return_value",
)


@app.default
def serve(settings: Settings | None = None) -> int:
    """Run the service.

    Every option is also an environment variable (SLUICEWAY_PORT, SLUICEWAY_CLUSTER, …) and a key of sluiceway.toml in
    the current directory. It ends gracefully on Ctrl-C and SIGTERM, within 10 seconds, and at the second one at once;
    what was accepted is carried on by the next start.

    A Flink of its own beside it, to try things out: `sluiceway serve`

    For one's own clusters: `sluiceway serve --cluster prod=http://jobmanager:8081 --storage /mnt/flink`
    """
    if sys.stderr.isatty():
        complain(t("{version} is starting …", version=__version__))
    from sluiceway.cli import serve as service

    return service.serve(settings or Settings())
