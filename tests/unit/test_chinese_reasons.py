"""Reasons in Chinese: every sentence that the service stores or raises has its Chinese, and none has it for nothing."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Final

import pytest

from sluiceway.api.chinese import said, sentences
from sluiceway.api.chinese.sentences import MODULES, texts

SOURCE: Final = Path(sentences.__file__).parents[2]
LAYERS: Final = ("domain", "control", "reconcile", "engines", "store", "storage", "assembly", "api/native")
# Whose sentences stay English, as nobody reads them among reasons, or as they are told in English so far.
ENGLISH: Final = {
    **dict.fromkeys(("api/native/dependencies.py", "control/watch.py"), "descriptions of the API, and of metrics"),
    **dict.fromkeys(("domain/catalogue.py", "domain/cluster_turn.py", "engines/session/vitals.py"), "a fault of ours"),
    **dict.fromkeys(("domain/observed.py", "reconcile/worker.py", "store/reserve.py"), "names of things"),
    **dict.fromkeys(("domain/failure_words.py", "engines/jobmanager/failures.py"), "Flink's words"),
    **dict.fromkeys(
        (f"engines/planning/{name}.py" for name in ("graphs", "options", "reading", "sql")), "faults in SQL"
    ),
    **dict.fromkeys(("engines/planning/sql_jvm.py", "engines/planning/sql_order.py"), "faults in SQL"),
    "engines/jobmanager/submit_errors.py": "Flink's words, and faults in SQL",
    **dict.fromkeys((f"storage/{name}.py" for name in ("java_objects", "metadata", "metadata_reader")), "of bytes"),
    "storage/state_handles.py": "of bytes",
    "store/accounts.py": "the audit's",
    "domain/access.py": "the audit's",
    "control/transfer.py": "DLI's API says it in Chinese itself",
}
WORDS: Final = {
    "Flink's, which are looked for": re.compile(
        r"Cannot map checkpoint|Failed to rollback|The state of operator .*left behind$|FileNotFound\|"
        r"|<Exception on|End of exception|Internal server error|Unable to load|ongoing leader election"
    ),
    "for the log": re.compile(
        r"The embedded Flink (cannot be started|was started)|denied calls are missing|no turn for a while"
        r"|the system refuses to confine|SQL jobs are submitted otherwise|the cluster names more than"
        r"|as the (service's )?user|try to write|the column is NOT NULL|it has just begun"
    ),
    "a name, or what is put together of names": re.compile(
        r"^variable {} {}$|^{} (at|from|to|of) {}$|^it has {}{}$|sluiceway-resources|^cluster {}$"
        r"|^There is no {}\.$|{} \(plan {} of {}\)"
    ),
    "a description of the API": re.compile(
        r"^Events of this form|may be repeated|^the name of a source or sink in Flink"
    ),
    "only for what follows it": re.compile(r"^drain, format, target|^it is a plan('s$| of a stop$)"),
    "with braces of its own": re.compile(r"{{{}}}|did you mean|(is|are) no variables?$"),
}
SENTENCE: Final = re.compile(r"[A-Za-z…]+[,;:]? [a-z]+ [a-z]+")
CUT: Final = re.compile(
    r"(?<=[^\s][.!?]) |(?<=[^\s][.!?])(?={})|(?<={}) (?=[A-Z][a-z])|(?<={})(?=[A-Z][a-z]+ )"
)  # between sentences, some of which fill a place


def modules() -> Iterator[tuple[str, ast.Module]]:
    paths = [path for layer in LAYERS for path in (SOURCE / layer).rglob("*.py") if "migrations" not in path.parts]
    for path in sorted([*paths, SOURCE / "api" / "proxies.py"]):
        yield path.relative_to(SOURCE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def plain(text: str) -> str:
    """The text of a sentence without the names of its places."""
    return "".join(f"{before}{{}}" if name is not None else before for before, name, *_ in Formatter().parse(text))


class Texts(ast.NodeVisitor):
    """Every text of a module, with {} for what is filled in; those that are put together, as they may become."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # which is a docstring
            self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Without what decorates it, as the titles of the API."""
        for each in [*node.args.defaults, *node.body]:
            self.visit(each)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the library's name

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.visit(node.value)  # and no key, nor what is annotated

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self.found.update(forms(node))
        self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self.found.update(forms(node))
        for one in node.values:
            if isinstance(one, ast.FormattedValue):
                self.visit(one.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        self.found.update(forms(node))


def forms(node: ast.expr) -> list[str]:
    """The texts that an expression may have."""
    match node:
        case ast.Constant(value=str() as text):
            return [re.sub(r"{\w+(:\w+)?}|\\1", "{}", text)]  # of a template, or of a pattern
        case ast.JoinedStr(values=parts):
            return ["".join(forms(part)[0] if isinstance(part, ast.Constant) else "{}" for part in parts)]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [before + after for before in forms(left) for after in forms(right)]
        case ast.IfExp(body=body, orelse=other):
            return [*forms(body), *forms(other)]
        case _:
            return ["{}"]


@cache
def spoken() -> dict[str, set[str]]:
    """The sentences of each module."""
    found = dict[str, set[str]]()
    for name, tree in modules():
        visitor = Texts()
        visitor.visit(tree)
        found[name] = {piece.strip() for text in visitor.found for piece in CUT.split(text)}
    return found


def test_every_sentence_has_its_chinese() -> None:
    known = {piece for text in texts() for piece in (plain(text), *CUT.split(plain(text)))}
    missing = {
        (module, piece)
        for module, pieces in spoken().items()
        for piece in pieces - known
        if SENTENCE.search(piece.replace("{}", "x"))
    }
    untold = {(module, piece) for module, piece in missing if module not in ENGLISH}
    excused = {(module, piece) for module, piece in untold if any(words.search(piece) for words in WORDS.values())}
    assert sorted(untold - excused) == [], "say it in Chinese"
    assert ENGLISH.keys() - {module for module, _ in missing} == set(), "this excuse is needed no longer"


def test_every_chinese_text_is_of_a_sentence_in_the_source() -> None:
    pieces = set[str]().union(*spoken().values())
    unused = [
        text for text in texts() if plain(text) not in pieces and not {*CUT.split(plain(text))} - {"{}"} <= pieces
    ]
    assert unused == []


def test_a_sentence_stands_in_one_place_and_both_languages_have_its_places() -> None:
    assert sum(len(module.TEXTS) for module in MODULES) == len(texts()) == len({plain(text) for text in texts()})
    for english, chinese in texts().items():
        there, here = ({name for _, name, *_ in Formatter().parse(text) if name} for text in (english, chinese))
        assert there - here <= {sentences.PLURAL, "few"}, english  # "is no variable", or "are no variables"
        assert here <= there, english


def test_the_chinese_is_simplified_with_its_own_punctuation() -> None:
    for text in texts().values():
        letters = [letter for letter in text if "\u4e00" <= letter <= "\u9fff"]
        "".join(letters).encode("gb2312")  # which has no traditional characters
        assert not re.search(r"[\u4e00-\u9fff][,;:!?()]", text), text
        assert not re.search(r"[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]", text), text


REASONS: Final = {
    # One sentence within another, and Flink's words as they are.
    "Flink reports a savepoint at /sp/7, but it is broken: there is no _metadata": (
        "Flink 报告 savepoint 位于 /sp/7，但它已损坏：没有 _metadata"
    ),
    "Cluster prod does not answer: no connection to the cluster: Cannot connect to host 10.0.0.1:8081": (
        "集群 prod 没有响应：无法连接到集群：Cannot connect to host 10.0.0.1:8081"
    ),
    "The job failed while it was to be stopped; there is no savepoint. Flink says of the stop: java.io.IOException:"
    " full disk. It is so.": (
        "作业在停止过程中失败；没有 savepoint。对于该停止，Flink 的说明为：java.io.IOException: full disk. It is so."
    ),
    # Several sentences, of which one fills a place together with what follows it.
    "No result in time: its application cluster refuses connections: it has ended, perhaps with the job, or is being"
    " restarted. No savepoint was found in /sp. If you know that it is gone for good, stop the job again without a"
    " savepoint, which settles this. It is still watched. Its savepoint, if any, will lie under /sp.": (
        "未能及时得到结果：其 Application 集群拒绝连接：它已结束（作业可能也随之结束），或正在重启。在 /sp 中没有找到"
        " savepoint。如果确定它不会再恢复，请不保留 savepoint 再次停止该作业，即可了结。服务会继续跟踪。"
        "如果有 savepoint，将位于 /sp。"
    ),
    "It does not run steadily since 2026-11-28 13:00:00Z: at least 1 restart in 10 minutes. Cause: OutOfMemoryError:"
    " Java heap space. Raise --embedded-heap.": (
        "作业自 2026-11-28 13:00:00Z 起未能稳定运行：10 分钟内至少重启 1 次。原因：OutOfMemoryError: Java heap space. "
        "请提高 --embedded-heap。"
    ),
    "Savepoint failed: expired. After attempt 1 was sent, Flink restarted the job at 12:00 from /cp/1, taken at 11:59;"
    " it does anew what it did since.": (
        "savepoint 失败：expired. 第 1 次尝试发出之后，Flink 于 12:00 从 /cp/1（11:59 时的状态）重启了作业；"
        "此后的工作会重做。"
    ),
    # Places side by side, with and without what is added.
    "It starts from /sp/7, a savepoint, 3 d 4 h old.": "从 /sp/7 启动（savepoint）（3 d 4 h 前保存）。",
    "It starts from /sp/7.": "从 /sp/7 启动。",
    # A part of a sentence, with a capital or without its end.
    "It is stopped already, with /sp/7.": "作业已停止，savepoint 为 /sp/7。",
    "Storage does not answer; 4 earlier questions wait for it.": "存储没有响应；已有 4 个请求在等待。",
    "3 of 10 jobs did not stop; the limit is 2.": "10 个作业中有 3 个未能停止；上限为 2。",
    # A name is never taken for a word of ours, also where it is one.
    "Withdrawn by somebody.": "由 somebody 撤回。",
    "Cluster unknown cannot be reached now.": "当前无法访问集群 unknown。",
    "It waits for slots: it lacks some, and the cluster has unknown free.": (
        "作业在等待 slot：缺少若干个，集群空闲未知个。"
    ),
}


@pytest.mark.parametrize("english", REASONS)
def test_a_reason_is_told_sentence_by_sentence(english: str) -> None:
    assert said(english) == REASONS[english]


@pytest.mark.parametrize(
    "text", ["", " ", "x", "java.lang.IllegalStateException: The job is broken", "the file is missing", "作业已停止。"]
)
def test_what_is_none_of_ours_stays_as_it_is(text: str) -> None:
    assert said(text) == text


@pytest.mark.parametrize(
    "text", ["Cause: " * 300, "The job is x. " * 200, "{} {0} %s " * 50, ". " * 1000, "It is. It is " * 150]
)
def test_any_words_of_flink_are_read_in_bounded_work(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = list[str]()
    candidates = sentences._candidates

    def counted(text: str) -> Iterator[sentences.Sentence]:
        tries.append(text)
        return candidates(text)

    monkeypatch.setattr(sentences, "_candidates", counted)
    said.__wrapped__(text)
    assert len(tries) <= sentences.TRIES
