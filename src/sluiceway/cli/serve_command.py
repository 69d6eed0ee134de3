"""`sluiceway serve`: runs the service, which takes a second to load."""

import sys

from cyclopts import App

from sluiceway import __version__
from sluiceway.cli.language import t
from sluiceway.cli.output import complain
from sluiceway.settings import Settings

app = App(name="serve", result_action="return_value")


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
