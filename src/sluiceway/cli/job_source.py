"""What a job is made of on the command line: a file with SQL, or a jar with its class and arguments."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sluiceway.cli.client import Client
from sluiceway.cli.jars import named_jar
from sluiceway.cli.language import t
from sluiceway.cli.options import Words
from sluiceway.cli.output import Failed

Arguments = Annotated[str, Parameter(allow_leading_hyphen=True)]


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What it is made of."""

    sql: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None
    """A file with the SQL of the job; `-` reads it from standard input."""

    jar: str | None = None
    """A jar on this machine, which is uploaded; or s3://…, or cluster://NAME for one that its cluster has."""

    class_: Annotated[Words, Parameter(name="--class")] = ""
    """The main class of the jar. Default: the one that the jar names itself."""

    def check(self, args: Sequence[str]) -> None:
        """Refuse SQL beside a jar, or beside what only a jar has. Raises `Failed`."""
        if self.sql is not None and (self.jar is not None or self.class_ or args):
            raise Failed(t("--sql makes a SQL job; --jar, --class and arguments behind -- are of a Jar job."), code=2)

    def text(self) -> str:
        """The SQL that is named. Raises `Failed`."""
        source = self.sql or ""
        if source == "-":
            return sys.stdin.read()
        try:
            return Path(source).read_text(encoding="utf-8")
        except OSError as error:
            raise Failed(
                t("--sql {source} cannot be read: {why}", source=source, why=error.strerror), code=2
            ) from error
        except UnicodeDecodeError as error:
            raise Failed(t("--sql {source} is not text in UTF-8", source=source), code=2) from error

    def program(self, client: Client, args: Sequence[str], *, quiet: bool) -> dict[str, object]:
        """DLI's fields for the jar, which it uploads, the class and the arguments that are named. Raises `Failed`."""
        given: dict[str, object] = {} if self.jar is None else {"entrypoint": named_jar(client, self.jar, quiet=quiet)}
        given |= {"main_class": self.class_} if self.class_ else {}
        return given | ({"entrypoint_args": shlex.join(args)} if args else {})
