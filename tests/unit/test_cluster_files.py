"""Files of clusters: what may stand in them, what a broken one leaves, and how entries come and go."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sluiceway.control.cluster_files import LARGEST_YAML, BadFile, read
from sluiceway.control.discovery import MOST_FILES, Discovery
from sluiceway.domain.clusters import Kind

NOW = datetime(2026, 11, 28, tzinfo=UTC)
YAML = """
- name: orders
  addresses: [http://a:8081, http://b:8081/]
  labels: {env: prod}
- name: bank
  addresses: [https://flink.bank/jm]
  kind: application
  projects: [payments]
  max_savepoints: 3
  draining: true
  headers: {X-Token: t0ken}
  user: ann
  password_file: bank.password
"""


def write(path: Path, text: str) -> Path:
    """As whoever writes such files does it: beside it, then renamed."""
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    return draft.rename(path)


def names(at: Discovery) -> list[str]:
    return [listed.cluster.name for listed in at.listed]


def test_a_list_of_clusters_as_yaml(tmp_path: Path) -> None:
    (tmp_path / "bank.password").write_text("s3cr3t\n")
    orders, bank = read(write(tmp_path / "all.yaml", YAML))
    assert orders.cluster.addresses == ("http://a:8081", "http://b:8081")
    assert (orders.cluster.labels, orders.cluster.kind, bool(orders.credentials)) == (
        {"env": "prod"},
        Kind.SESSION,
        False,
    )
    assert (bank.cluster.kind, bank.cluster.projects, bank.cluster.max_savepoints) == (
        Kind.APPLICATION,
        frozenset({"payments"}),
        3,
    )
    assert (bank.cluster.draining, bank.cluster.guards.user, bank.cluster.guards.headers) == (True, "ann", ("X-Token",))
    assert bank.credentials.password == "s3cr3t"


def test_the_same_as_json(tmp_path: Path) -> None:
    [one] = read(write(tmp_path / "all.json", '[{"name": "a", "addresses": ["http://a:8081"]}]'))
    assert one.cluster.name == "a"
    assert read(write(tmp_path / "none.yaml", "")) == []


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.json", "[{", "not a list of clusters"),
        ("a.json", '{"name": "a"}', "not a list of clusters"),
        ("a.json", "\xff", "not a list of clusters"),
        ("a.yaml", "- [", "not YAML"),
        ("a.yaml", "name: a", "not a list of clusters"),
        ("a.yaml", "- !!python/object/apply:os.system [id]", "not YAML"),
        ("a.yaml", "- &x {name: a, addresses: [http://a]}\n- *x", "aliases"),
        ("a.yaml", "- {name: a}", "entry 1 (a)"),
        ("a.yaml", "- {name: a, addresses: [http://a], adress: b}", "unknown field `adress`"),
        ("a.yaml", "- {name: a, addresses: [ftp://a]}", "begins with http"),
        ("a.yaml", "- {name: a, addresses: [http://ann:pw@a]}", "no place in it"),
        ("a.yaml", "- {name: embedded, addresses: [http://a]}", "runs itself"),
        ("a.yaml", "- {name: a, addresses: [http://a]}\n- {name: a, addresses: [http://b]}", "a more than once"),
        ("a.yaml", "- {name: a, addresses: [https://a], ca_file: none.pem}", "none.pem cannot be read"),
        (
            "a.yaml",
            "- {name: a, addresses: [http://a], user: x, password_file: a.yaml, headers: {Host: b}}",
            "not yours",
        ),
        ("a.yaml", "#" * (LARGEST_YAML + 1), "longer than"),
    ],
)
def test_a_file_is_taken_whole_or_not_at_all(tmp_path: Path, name: str, text: str, why: str) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadFile) as refused:
        read(path)
    assert why in str(refused.value)


async def test_entries_come_and_go_and_a_broken_file_keeps_what_it_held(tmp_path: Path) -> None:
    path = write(tmp_path / "all.yaml", "- {name: a, addresses: [http://a]}")
    at = Discovery([str(path)], lambda: NOW)
    assert await at.look()
    assert names(at) == ["a"]
    assert not await at.look(), "nothing has changed"

    write(path, "- {name: a, addresses: [http://a]}\n- {name: b, addresses: [http://b]}")
    assert await at.look()
    assert names(at) == ["a", "b"]

    write(path, "- {name: b")
    assert await at.look()
    assert names(at) == ["a", "b"]
    [file] = at.files.values()
    assert ("not YAML" in file.trouble, file.since) == (True, NOW)
    assert not await at.look(), "it is told once"

    path.unlink()
    await at.look()
    assert names(at) == ["a", "b"], "a disk that is not mounted takes no cluster away"

    write(path, "- {name: b, addresses: [http://c]}")
    assert await at.look()
    assert names(at) == ["b"]
    assert [file.trouble for file in at.files.values()] == [""]


async def test_patterns_find_files_that_come_and_go(tmp_path: Path) -> None:
    at = Discovery([str(tmp_path / "*.yaml"), str(tmp_path / "**" / "*.json")], lambda: NOW)
    assert not await at.look()
    write(tmp_path / "one.yaml", "- {name: a, addresses: [http://a]}")
    (tmp_path / "below").mkdir()
    write(tmp_path / "below" / "two.json", '[{"name": "b", "addresses": ["http://b"]}]')
    assert await at.look()
    assert names(at) == ["a", "b"]
    (tmp_path / "one.yaml").unlink()
    assert await at.look()
    assert names(at) == ["b"]


async def test_what_opens_a_cluster_has_another_key_with_each_reading(tmp_path: Path) -> None:
    text = "- {name: a, addresses: [http://a], headers: {X-Token: %s}}"
    path = write(tmp_path / "all.yaml", text % "one")
    at = Discovery([str(path)], lambda: NOW)
    await at.look()
    first = at.credentials()["a"]
    write(path, text % "two")
    os.utime(path, (1, 1))
    await at.look()
    second = at.credentials()["a"]
    assert first[0] != second[0]
    assert second[1].headers == {"X-Token": "two"}


async def test_so_many_files_and_no_more(tmp_path: Path) -> None:
    for number in range(MOST_FILES + 1):
        (tmp_path / f"{number:03}.json").write_text("[]")
    at = Discovery([str(tmp_path / "*.json")], lambda: NOW)
    await at.look()
    assert len(at.files) == MOST_FILES
