"""What `--help` and the manual pages say in simplified Chinese, by what they say in English.

A key is a paragraph in one line, or of "Example: `code`" and its like what stands before the code. Code in backticks,
options and placeholders stay as they are; Chinese text has full-width punctuation, and a blank between it and Latin
letters. The words, which are those of README.zh-CN.md and of the service's errors:

========================  ==================
access key, grant         访问密钥、授权
adopt                     纳管
cluster, queue            集群、队列
context                   上下文
dry run, plan             试运行、计划
job, operator, state      作业、算子、状态
label, tag                标签
parked                    搁置
proven                    证实
register a savepoint      登记
settled                   有结果
stop, resume, move        停止操作、恢复操作、迁移操作；一般地说：操作
wave                      批次
checkpoint, savepoint     原样保留，jar（jar 包）、sink、slot、source、task、Token、watermark 也一样
========================  ==================
"""

import re
from typing import Final

from sluiceway.cli.chinese.help import (
    access,
    clusters,
    common,
    contexts,
    jobs,
    moves,
    others,
    resumes,
    savepoints,
    serve,
    stops,
    upkeep,
    words,
)

MODULES: Final = (
    *(access, clusters, common, contexts, jobs, moves, others, resumes, savepoints, serve, stops, upkeep, words),
)
TEXTS: Final[dict[str, str]] = {english: chinese for module in MODULES for english, chinese in module.TEXTS.items()}
BRIEF: Final = 40  # characters, each twice as wide as a Latin one
_EXAMPLE: Final = re.compile(r"([^`]*:) (`[^`]++`)")


def said(paragraph: str) -> str:
    """A paragraph in Chinese, where there is one."""
    if example := _EXAMPLE.fullmatch(paragraph):
        return said(example[1]) + example[2]
    return TEXTS.get(paragraph, paragraph)


def brief(text: str) -> str:
    """What stands beside a value that the Tab key offers. Cyclopts has cut long texts short, with … at their ends."""
    if len(text) > 1 and text.endswith("…"):
        text = next((english for english in TEXTS if english.startswith(text[:-1])), text)
    found = said(text)
    return f"{found[: BRIEF - 1]}…" if found != text and len(found) > BRIEF else found
