"""Flink's `_metadata`: files that Flink 2.3 wrote, every kind of handle in every version, and bytes of any kind."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.flink import handles
from tests.support.flink.handles import every_handle, inline, key_groups, master_state, relative, subtask

from sluiceway.storage.metadata import BrokenMetadata, Format, Kind, Metadata, parse
from sluiceway.testing.fake_metadata import integer, metadata, operator, savepoint, text

DATA = Path(__file__).parents[1] / "data" / "metadata"
REAL = sorted(DATA.iterdir())
SMALL = [path for path in REAL if path.stat().st_size < 4000]
BUILT = {version: metadata(version, every_handle(version), master_states=[master_state()]) for version in range(3, 7)}


def read(name: str) -> Metadata:
    return parse((DATA / name).read_bytes())


# What Flink 2.3 wrote: COUNT by key with parallelism 2 of 8, unless the name says otherwise. --------------------------


@pytest.mark.parametrize(
    ("name", "kind", "form", "files", "state"),
    [
        ("hashmap-canonical", Kind.SAVEPOINT, Format.CANONICAL, 2, 8026),
        ("hashmap-native", Kind.SAVEPOINT, Format.NATIVE, 2, 7720),
        ("rocksdb-native", Kind.SAVEPOINT, Format.NATIVE, 15, 60771),
        ("rocksdb-incremental", Kind.CHECKPOINT, None, 13, 56522),
        ("merged-files", Kind.CHECKPOINT, None, 8, 56138),
        ("changelog-files", Kind.CHECKPOINT, None, 3, 32466),
        ("changelog-memory", Kind.CHECKPOINT, None, 0, 19018),
        ("unaligned", Kind.CHECKPOINT, None, 3, 16217),
        ("finished", Kind.SAVEPOINT, Format.CANONICAL, 2, 8026),
        ("coordinator", Kind.SAVEPOINT, Format.CANONICAL, 4, 2113),
        ("stateless", Kind.SAVEPOINT, Format.CANONICAL, 0, 0),
    ],
)
def test_a_real_one_tells_what_it_consists_of(
    name: str, kind: Kind, form: Format | None, files: int, state: int
) -> None:
    found = read(name)
    assert (found.version, found.kind, found.format, len(found.references)) == (6, kind, form, files)
    assert sum(each.bytes for each in found.operators) == state
    expected = (1, 128) if name == "stateless" else (2, 8)
    assert (found.operators[0].parallelism, found.operators[0].max_parallelism) == expected


def test_no_fixture_is_left_out() -> None:
    assert len(REAL) == 11
    assert len(SMALL) == 9


def test_operators_have_their_names_and_uids() -> None:
    found = {each.uid: (each.id, each.name) for each in read("changelog-files").operators}
    assert found == {
        "4_sink": ("3a16aff6d1991cf4b79bdba575de154c", "b[4]: Writer"),
        "1_source": ("d3f21cabc6fe0fdf76c8be915bdb22a2", "Source: s[1]"),
        "3_group-aggregate": ("4f0fea56069e128b6efb5cf69722457e", "GroupAggregate[3]"),
    }
    assert {each.uid for each in read("hashmap-native").operators} == {None}


def test_operators_with_state_are_told_from_those_without() -> None:
    assert {each.name for each in read("hashmap-canonical").operators if each.stateful} == {"GroupAggregate[3]"}
    assert not [each for each in read("stateless").operators if each.stateful]
    assert {each.name for each in read("coordinator").operators if each.stateful and not each.bytes} == set()
    assert {each.name for each in read("unaligned").operators if each.in_flight} != set()
    assert not [each for each in read("hashmap-canonical").operators if each.in_flight]
    empty = parse(metadata(operators=[operator(coordinator=inline(b""))]))
    assert [(each.stateful, each.bytes) for each in empty.operators] == [(True, 0)]


def test_operators_that_have_finished_are_told() -> None:
    finished = {each.name for each in read("finished").operators if each.finished}
    assert finished == {"GroupAggregate[41]", "Source: t[39]", "d[42]: Writer"}


def test_files_of_a_changelog_hold_more_than_the_changes_so_their_size_is_not_told() -> None:
    sizes = [reference.size for reference in read("changelog-files").references if "/dstl/" in reference.path]
    assert sizes == [None]


def test_merged_files_are_at_least_as_long_as_the_end_of_their_last_segment() -> None:
    assert not any(reference.exact for reference in read("merged-files").references)
    assert all(reference.exact for reference in read("rocksdb-incremental").references)


def test_the_properties_that_the_fake_writes_are_those_of_flink() -> None:
    assert (DATA / "stateless").read_bytes().endswith(savepoint())
    assert (DATA / "hashmap-native").read_bytes().endswith(savepoint("NATIVE"))


def test_properties_that_were_read_before_are_told_by_the_very_same_bytes_alone() -> None:
    for after in ("NONE", "SUSPEND", "TERMINATE", "NONE", "SUSPEND", "TERMINATE"):
        for form in ("CANONICAL", "NATIVE"):
            found = parse(metadata(properties=savepoint(form, after)))
            assert (found.format, found.drained) == (Format(form.lower()), after == "TERMINATE")
            assert found.of_stop is (after != "NONE")
    with pytest.raises(BrokenMetadata, match="1 bytes follow after the end"):
        parse(metadata() + b"\0")


# Every handle of every version. ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", BUILT)
def test_every_handle_of_every_version_is_read(version: int) -> None:
    found = parse(BUILT[version])
    names = [("Ünïcode 🦦\0", "a-uid"), ("Source: s[1]", None), ("done", None)] if version >= 5 else [(None, None)] * 3
    assert [(each.name, each.uid) for each in found.operators] == names
    assert [each.finished for each in found.operators] == [False, False, True]
    assert [each.bytes for each in found.operators] == [496 if version >= 6 else 396, 6, 0]
    assert (found.kind, found.format) == (Kind.SAVEPOINT, Format.CANONICAL)
    assert {(reference.path, reference.size, reference.exact) for reference in found.references} == {
        ("file:/flink/shared/a", 10, True),
        ("b", 20, True),
        ("file:/flink/old", 11, True),
        ("file:/flink/shared/d", 12, True),
        ("e", 13, True),
        ("file:/flink/f", None, True),
        ("g", 90, True),
        ("file:/flink/shared/c", 35, False),
    }
    assert {reference.path for reference in found.references if reference.relative} == {"b", "e", "g"}


def test_a_file_counts_once_in_each_operator_and_a_segment_each_time() -> None:
    streams = [relative("a", 10), relative("a", 10), handles.segment("b", 50, 7), handles.segment("b", 0, 7)]
    subtasks = [subtask(index, keyed=key_groups(stream, 12)) for index, stream in enumerate(streams)]
    found = parse(metadata(operators=[operator(subtasks=subtasks, parallelism=4)] * 2))
    assert [each.bytes for each in found.operators] == [24, 24]
    assert [(reference.path, reference.size) for reference in found.references] == [("a", 10), ("b", 57)]


def test_without_properties_only_keyed_state_of_a_canonical_savepoint_tells_the_format() -> None:
    def with_state(kind: int) -> Metadata:
        return parse(metadata(3, [operator(3, subtasks=[subtask(keyed=key_groups(relative(), kind))])]))

    assert (with_state(7).kind, with_state(7).format) == (Kind.SAVEPOINT, Format.CANONICAL)
    assert (with_state(12).kind, with_state(12).format) == (None, None)
    assert parse(metadata(6, properties=b"\xac\xed\0\5p")).format is None, "as the State Processor API writes it"


def test_a_type_or_format_of_a_later_flink_is_not_guessed_at() -> None:
    later = parse(metadata(properties=savepoint("COLUMNAR")))
    assert (later.kind, later.format) == (Kind.SAVEPOINT, None)
    odd = parse(metadata(properties=savepoint().replace(b".SavepointType", b".BranchingType")))
    assert (odd.kind, odd.format) == (None, None)


def nested(depth: int) -> bytes:
    handle = key_groups(inline(), 12)
    for _ in range(depth):
        handle = handles.changelog([handle])
    return metadata(operators=[operator(subtasks=[subtask(keyed=handle)])])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (metadata() + b"x", "1 bytes follow after the end"),
        (metadata()[:-1], "a text is cut off; 4 bytes were expected and 3 are left"),
        (metadata(checkpoint_id=-1), "at byte 8: the checkpoint id is -1"),
        (metadata(master_states=[b"\0" * 30]), "a master state does not begin like one"),
        (metadata(operators=[operator(parallelism=129)]), "parallelism 129 does not fit"),
        (metadata(operators=[operator(subtasks=[subtask(1)])]), "there is a subtask 1, and the parallelism is 1"),
        (metadata(operators=[operator(coordinator=inline(), finished=True)]), "has no coordinator's state"),
        (metadata(operators=[operator(coordinator=relative())]), "is in the metadata itself"),
        (metadata(operators=[operator(subtasks=[subtask(keyed=b"\x0f")])]), "kind 15 cannot hold keyed state"),
        (metadata(operators=[operator(subtasks=[subtask(keyed=b"\x12")])]), "18 is no kind of handle"),
        (metadata(operators=[operator(subtasks=[subtask(keyed=key_groups(relative("")))])]), "path of a file is empty"),
        (metadata(operators=[operator(subtasks=[subtask(keyed=key_groups(relative(size=-2)))])]), "a file is -2"),
        (metadata(operators=[integer(2**31 - 1)]), "the name of an operator"),
        (metadata()[:16] + integer(0) + integer(2**31 - 1), "2147483647 operators cannot follow in the 0 bytes"),
        (metadata()[:16] + integer(-1), "-1 master states cannot follow"),
        (metadata(operators=[operator()[:-4] + integer(2**30)]), "1073741824 subtasks cannot follow"),
        (
            metadata(operators=[b"\0\4" + "🦦".encode() + operator()[14:]]),
            "the name of an operator is not in Java's UTF-8",
        ),
        (metadata(properties=b"\xac\xed\0\5t" + text("x")), "the properties are no org.apache.flink"),
        (metadata(properties=b"\xac\xed\0\5u"), "a Java object of type 117 was not expected"),
        (metadata(properties=b"\xac\xed\0\5" + b"s" * 40), "Java objects are more than 16 deep"),
        (nested(20), "handles are more than 8 deep"),
    ],
)
def test_what_is_no_metadata_is_refused_with_the_byte_and_the_reason(content: bytes, why: str) -> None:
    with pytest.raises(BrokenMetadata, match=r"^at byte \d+: ") as broken:
        parse(content)
    assert why in str(broken.value)


# Bytes of any kind. ---------------------------------------------------------------------------------------------------


def attempt(content: bytes) -> bool:
    """Whether it is a metadata. Anything but `BrokenMetadata` fails the test."""
    try:
        parse(content)
    except BrokenMetadata as error:
        broken = error
    else:
        return True
    assert 0 <= broken.at <= len(content)
    assert len(str(broken)) < 400
    return False


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.name)
def test_a_real_one_that_is_cut_at_any_byte_is_broken(path: Path) -> None:
    whole = path.read_bytes()
    assert not any(attempt(whole[:end]) for end in range(len(whole)))


@pytest.mark.parametrize("change", [lambda byte: byte ^ 0xFF, lambda byte: byte ^ 0x80, lambda byte: byte + 1 & 0xFF])
@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.name)
def test_a_real_one_with_any_byte_changed_ends_in_an_answer(path: Path, change: Callable[[int], int]) -> None:
    whole = path.read_bytes()
    for at in range(len(whole)):
        attempt(whole[:at] + bytes([change(whole[at])]) + whole[at + 1 :])


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200), st.sampled_from(sorted(BUILT)))
def test_any_bytes_after_a_good_beginning_end_in_an_answer(content: bytes, version: int) -> None:
    attempt(metadata(version)[:20] + content)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_many_changes_to_a_file_of_every_handle_end_in_an_answer(data: st.DataObject) -> None:
    content = bytearray(BUILT[data.draw(st.sampled_from(sorted(BUILT)))])
    for at in data.draw(st.lists(st.integers(8, len(content) - 1), max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    attempt(bytes(content))


def many_files() -> bytes:
    """The least bytes for the most to remember: files with short names of their own."""
    shared = [handles.file(chr(0x100 + n)) for n in range(20_000)]
    return metadata(operators=[operator(subtasks=[subtask(keyed=handles.incremental(inline(), shared))])])


@pytest.mark.parametrize(
    ("content", "most"),
    [
        (many_files(), 30.0),
        (metadata(operators=[operator(name="", id_=bytes(16))] * 10_000), 30.0),
        (metadata(operators=[operator(coordinator=inline(bytes(10_000_000)))]), 0.01),
    ],
    ids=["files", "operators", "inline state"],
)
def test_memory_is_bounded_by_the_size_of_the_file_and_inline_state_takes_none(content: bytes, most: float) -> None:
    tracemalloc.start()
    try:
        attempt(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most * len(content) + 100_000
