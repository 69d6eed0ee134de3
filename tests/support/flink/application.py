"""A real application cluster: a JobManager that runs one program, and goes with it."""

from pathlib import Path

from tests.support.flink import jar_job
from tests.support.flink.ha import HaFlink
from tests.support.flink.real import RealFlink


def started(compiler: RealFlink, directory: Path) -> HaFlink:
    """One whose job counts, with state, for minutes; it begins with its context.

    `compiler` makes its jar, and is of the same version of Flink: 1.19 or later, which takes a jar by name.
    """
    jar = directory / "counter.jar"
    jar.write_bytes(jar_job.compiled(compiler))
    # Of several values the last option takes whatever follows: the class comes last, before the program's arguments.
    program = ("--jars", jar.as_uri(), "--job-classname", jar_job.MAIN, "own", str(directory / "out"))
    return HaFlink(directory / "cluster", ha=False, slots=4, program=program, jars=compiler.jars)
