"""A real application cluster: a JobManager that runs one program, and goes with it."""

from pathlib import Path

from tests.support.flink import jar_job
from tests.support.flink.ha import HaFlink
from tests.support.flink.real import RealFlink


def started(compiler: RealFlink, directory: Path) -> HaFlink:
    """One whose job counts, with state, for minutes; `compiler` makes its jar. It begins with its context."""
    jar = directory / "counter.jar"
    jar.write_bytes(jar_job.compiled(compiler))
    # Of several values the last option takes whatever follows: the class comes last, before the program's arguments.
    program = ("--jars", jar.as_uri(), "--job-classname", jar_job.MAIN, "own", str(directory / "out"))
    return HaFlink(directory / "cluster", ha=False, slots=4, program=program)
