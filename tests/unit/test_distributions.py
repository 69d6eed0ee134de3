"""Versions of Flink that plan SQL: which one is taken, how one is added, and what is left behind when that fails."""

import hashlib
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from sluiceway.cli.main import run
from sluiceway.engines.planning import distributions, fetching
from sluiceway.engines.planning.distributions import Distributions, NoDistribution


def jars(version: str) -> dict[str, bytes]:
    return {f"flink-dist-{version}.jar": b"dist", f"flink-table-planner-loader-{version}.jar": b"planner"}


def wheel(path: Path, version: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in jars(version).items():
            archive.writestr(f"pyflink/lib/{name}", content)
        archive.writestr("pyflink/opt/flink-python.jar", b"not wanted")
    return path


def source(path: Path, version: str, folder: str = "apache_flink_libraries/deps/lib") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in jars(version).items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        archive.addfile(tarfile.TarInfo(f"{folder}/../../../escaped.jar"), io.BytesIO(b""))
        link = tarfile.TarInfo(f"{folder}/link.jar")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return path


@pytest.fixture
def here(tmp_path: Path) -> Distributions:
    return Distributions(tmp_path / "distributions")


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_the_clusters_own_minor_version_plans(here: Distributions, tmp_path: Path) -> None:
    fetching.take(here, wheel(tmp_path / "a.whl", "1.20.3"), "1.20")
    fetching.take(here, source(tmp_path / "b.tar.gz", "1.20.10"), "1.20.10")
    assert [each.version for each in here.added()] == ["1.20.3", "1.20.10"]
    assert here.of("1.20.1", "old").version == "1.20.10", "the newest patch version"
    assert here.of("2.3.7", "new").version == distributions.installed().version
    with pytest.raises(
        NoDistribution, match=r"The cluster old runs Flink 1\.19\.2, .* sluiceway distributions add 1\.19"
    ):
        here.of("1.19.2", "old")


@pytest.mark.parametrize("name", ["a.whl", "a.tar.gz"])
def test_only_the_jars_are_unpacked_and_nothing_lands_elsewhere(here: Distributions, tmp_path: Path, name: str) -> None:
    package = (wheel if name.endswith(".whl") else source)(tmp_path / name, "1.18.1")
    added = fetching.take(here, package, "1.18")
    assert (added.fresh, added.known, added.distribution.version) == (True, False, "1.18.1")
    assert names(here.directory) == {"1.18.1"}
    assert names(here.directory / "1.18.1") == set(jars("1.18.1"))
    assert not fetching.take(here, package, "1.18").fresh, "the second time it is there"


def test_what_is_no_such_distribution_is_refused_and_leaves_nothing(here: Distributions, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no archive")
    empty = tmp_path / "empty.zip"
    zipfile.ZipFile(empty, "w").close()
    cases = {
        tmp_path / "none": "There is no file",
        tmp_path / "text": "text cannot be unpacked",
        empty: "it is no distribution of Flink",
        wheel(tmp_path / "other.whl", "1.19.1"): r"other\.whl is Flink 1\.19\.1, and not 1\.20",
    }
    for file, why in cases.items():
        with pytest.raises(fetching.NotAdded, match=why):
            fetching.take(here, file, "1.20")
    assert not here.directory.exists() or names(here.directory) == set()


def test_too_much_is_refused(here: Distributions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = wheel(tmp_path / "a.whl", "1.20.5")
    monkeypatch.setattr(fetching, "LARGEST", 8)
    with pytest.raises(fetching.NotAdded, match="The jars have more than"):
        fetching.take(here, package, "1.20")
    monkeypatch.setattr(fetching, "ROOM", 1 << 60)
    with pytest.raises(fetching.NotAdded, match="MB free, and"):
        fetching.take(here, package, "1.20")
    assert names(here.directory) == set()


def test_leftovers_of_a_process_that_was_killed_go_with_the_next(here: Distributions, tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    (here.directory / f".{ended.pid}-left").mkdir(parents=True)
    (here.directory / f".{1}-busy").mkdir()
    fetching.take(here, wheel(tmp_path / "a.whl", "1.20.5"), "1.20")
    assert names(here.directory) == {"1.20.5", ".1-busy"}


# The index. -----------------------------------------------------------------------------------------------------------


class Pip:
    """Stands for pip: notes how it was called, and brings a file or fails."""

    def __init__(self, content: bytes | None = None, says: str = "") -> None:
        self.content = content
        self.says = says
        self.wish = ""

    def __call__(self, command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        self.wish = Path(command[command.index("-r") + 1]).read_text()
        assert {"--require-hashes", "--no-deps", "--no-input"} <= set(command)
        if self.content is None:
            return subprocess.CompletedProcess(command, 1, "", self.says)
        into = Path(command[command.index("-d") + 1])
        into.mkdir()
        (into / "package.whl").write_bytes(self.content)
        return subprocess.CompletedProcess(command, 0, "", "")


def test_the_newest_patch_version_is_fetched_with_its_digest(
    here: Distributions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = wheel(tmp_path / "a.whl", "1.20.5").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(fetching, "KNOWN", {"1.20": ("1.20.5", digest)})
    monkeypatch.setattr(subprocess, "run", pip := Pip(content))
    added = fetching.fetch(here, "1.20", quiet=True)
    assert pip.wish == f"apache-flink-libraries==1.20.5 --hash=sha256:{digest}\n"
    assert (added.known, added.distribution.version) == (True, "1.20.5")
    assert names(here.directory) == {"1.20.5"}


def test_an_index_that_has_it_not_is_told_with_what_to_do(here: Distributions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", Pip(says="WARNING: x\nERROR: No matching distribution found\n"))
    with pytest.raises(fetching.NotAdded, match=r"1\.20\.5: ERROR: No matching distribution found\. .* --from"):
        fetching.fetch(here, "1.20", quiet=True)
    assert names(here.directory) == set()
    for wanted in ("1.20.3", "3.0", "x", ""):
        with pytest.raises(fetching.NotAdded, match="--from FILE"):
            fetching.fetch(here, wanted, quiet=True)


def test_an_interruption_leaves_nothing(here: Distributions, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetching.fetch(here, "1.20", quiet=True)
    assert names(here.directory) == set()


def test_the_commands_tell_what_is_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = wheel(tmp_path / "a.whl", "1.20.5")
    at = ["--data", str(tmp_path / "data")]
    assert run(["distributions", "add", "1.20", "--from", str(package), *at]) == 0
    shown = capsys.readouterr()
    assert "Flink 1.20.5 is here. It plans SQL for clusters of Flink 1.20." in shown.out
    assert "be sure where it comes from" in shown.err
    assert run(["distributions", "list", *at]) == 0
    assert "1.20.5" in (listed := capsys.readouterr().out)
    assert "1.19.3" in listed, "it can be added"
    assert run(["distributions", "remove", "1.20", *at]) == 0
    assert run(["distributions", "remove", "1.20", *at]) == 1
    assert "No Flink 1.20 was added" in capsys.readouterr().err
