"""Every option that the installed Flink has, as its own classes say it: to hold our list of a job's options to it.

`python -m tests.support.flink.options` writes that list anew, into `src/sluiceway/engines/planning/job_options.txt`.
"""

import asyncio
import io
import re
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sluiceway.engines.planning import options
from sluiceway.engines.planning.java import flink_jars
from sluiceway.engines.planning.jvm import FlinkJvm

# Where options of a job begin. What else begins so is refused by name, with a reason.
OF_JOBS = re.compile(
    r"(execution|pipeline|restart-strategy|state|table)\."
    r"|parallelism\.default$|metrics\.latency\.interval$|sink\.committer\.retries$|source\.reader\."
)
_NAMES = re.compile(r"org/apache/flink/(?!.*shaded)[\w/]+Options(Internal)?\.class")
_OF_FORMATS = re.compile(r"FormatOptions")  # and of no job
_IN_PLANNER = re.compile(rb"table\.(?:exec|optimizer)\.[a-z0-9.\-]*[a-z0-9]")


def of_flink(jvm: FlinkJvm, jars: Sequence[Path] | None = None) -> dict[str, set[str]]:
    """Each option by its name, with its older names. Runs in a thread of the process, which has these jars of Flink."""
    found: dict[str, set[str]] = {}
    for name in sorted(set(_classes(jars or flink_jars()))):
        for option in _options(jvm._java.java.lang.Class.forName(name)):
            found.setdefault(option.key(), set()).update(old.getKey() for old in option.fallbackKeys())
    return found


def within_planner() -> set[str]:
    """Names in the planner's own classes, which lie in a jar within a jar."""
    [loader] = [jar for jar in flink_jars() if "planner-loader" in jar.name]
    with zipfile.ZipFile(loader) as outer:
        [nested] = [name for name in outer.namelist() if re.fullmatch(r"flink-table-planner.*\.jar", name)]
        with zipfile.ZipFile(io.BytesIO(outer.read(nested))) as inner:
            classes = [name for name in inner.namelist() if name.startswith("org/apache/flink/table/planner/")]
            return {found.decode() for name in classes for found in _IN_PLANNER.findall(inner.read(name))}


def _classes(jars: Sequence[Path]) -> Iterator[str]:
    for jar in jars:
        with zipfile.ZipFile(jar) as archive:
            for name in archive.namelist():
                if _NAMES.fullmatch(name) and not _OF_FORMATS.search(name):
                    yield name.removesuffix(".class").replace("/", ".")


def _options(kind: Any) -> Iterator[Any]:
    for member in kind.getDeclaredFields():
        static = member.getModifiers() & 8
        if static and member.getType().getName() == "org.apache.flink.configuration.ConfigOption":
            member.setAccessible(True)
            yield member.get(None)


async def _write() -> None:
    with tempfile.TemporaryDirectory() as directory:
        jvm = await FlinkJvm.launch(Path(directory), 512)
        found = await jvm._call(lambda: of_flink(jvm))
        await jvm.close()
    assert isinstance(found, dict), found
    found |= {name: set() for name in within_planner() - {old for each in found.values() for old in each} - set(found)}
    mine = {name: old for name, old in found.items() if OF_JOBS.match(name) and not options.reserved(name)}
    lines = [" ".join([name, *sorted(o for o in old if not options.reserved(o))]) for name, old in sorted(mine.items())]
    options.JOB_OPTIONS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    asyncio.run(_write())
