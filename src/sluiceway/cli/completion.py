"""`sluiceway completion`: scripts for shells. What they show is found by `completing`, so they never go stale."""

import sys
from pathlib import Path
from typing import Final, Literal

from sluiceway.cli.options import commands

SCRIPTS: Final = Path(__file__).with_name("shells")

completion_app = commands("completion")


@completion_app.default
def completion(shell: Literal["bash", "zsh", "fish"], /) -> int:
    """Print a script that has a shell complete commands, options, and the names that the service knows.

    It completes jobs, orders, clusters and tags, too: the Tab key asks the service that the command would talk to, for
    at most 1.5 seconds. Without an answer it completes the rest.

    bash: `sluiceway completion bash > ~/.local/share/bash-completion/completions/sluiceway`

    zsh: `sluiceway completion zsh > "${fpath[1]}/_sluiceway"`

    fish: `sluiceway completion fish > ~/.config/fish/completions/sluiceway.fish`

    For the shell at hand alone: `source <(sluiceway completion bash)`, or `sluiceway completion fish | source`

    Parameters
    ----------
    shell
        The shell.
    """
    sys.stdout.write((SCRIPTS / f"sluiceway.{shell}").read_text(encoding="utf-8"))
    return 0
