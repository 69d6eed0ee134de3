"""What Cyclopts says of a wrong call, which is its English: its sentences, and the same in Chinese."""

import re
from typing import Final

# In their order. What stands in quotes has been typed, and may be anything; a sentence that is not here stays English.
_SENTENCES: Final = (
    (
        re.compile(r'^Invalid value "(.*)" for (\S+)\. Choose from: ([^.]*)\.', re.DOTALL),
        r"\2 的值“\1”无效，可选值：\3。",
    ),
    (re.compile(r'^Invalid value "(.*)" for (\S+)\. ', re.DOTALL), r"\2 的值“\1”无效。"),
    (
        re.compile(r'^Invalid value for (\S+): unable to convert "(.*)" into int\.', re.DOTALL),
        r"\1 的值“\2”无效，应为整数。",
    ),
    (
        re.compile(r'^Invalid value for (\S+): unable to convert "(.*)" into (\S+)\.', re.DOTALL),
        r"\1 的值“\2”无效，应为 \3 类型。",
    ),
    (re.compile(r"^Invalid value for (\S+): ", re.DOTALL), r"\1 的值无效："),
    (re.compile(r'^Unknown option: "?([^"]+?)"?\.(?= |$)', re.DOTALL), r"未知选项：\1。"),
    (re.compile(r'^Unknown command "(.*?)"\.', re.DOTALL), r"未知命令“\1”。"),
    (re.compile(r'^Command "(.*?)" parameter (\S+) requires an argument\.', re.DOTALL), r"命令 \1 缺少参数 \2 的值。"),
    (re.compile(r"^Parameter (\S+) requires an argument\.", re.DOTALL), r"缺少参数 \1 的值。"),
    (re.compile(r"^Parameter (\S+) specified multiple times\.", re.DOTALL), r"参数 \1 重复指定。"),
    (re.compile(r"^Unused Tokens: \[(.*)\]\.", re.DOTALL), r"多余的参数：\1。"),
    (re.compile(r" Did you mean ([^?]{0,200})\?", re.DOTALL), r"是否应为 \1？"),
    (re.compile(r" Available commands: ([^。]{0,500}), \.\.\.$", re.DOTALL), r"可用命令：\1 等。"),
    (re.compile(r" Available commands: ([^。]{0,500})\.$", re.DOTALL), r"可用命令：\1。"),
    (
        re.compile(r"It is a length of time, for example 45s, 30m, 1h30m or 2d\.$"),
        "应为时长，例如 45s、30m、1h30m 或 2d。",
    ),
    (re.compile(r"Must be (>=|<=|>|<) (\S+)\.$", re.DOTALL), r"应 \1 \2。"),
)


def said(text: str) -> str:
    """A message of Cyclopts in Chinese, as far as its sentences are known here."""
    for pattern, chinese in _SENTENCES:
        text = pattern.sub(chinese, text, count=1)
    return text
