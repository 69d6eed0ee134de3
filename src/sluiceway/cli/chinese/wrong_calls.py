"""What Cyclopts says of a wrong call, which is its English: its sentences, and the same in Chinese."""

import re
from typing import Final

# In their order. What stands in quotes has been typed, and may be anything; a sentence that is not here stays English.
_SENTENCES: Final = tuple(
    (re.compile(pattern, re.DOTALL), chinese)
    for pattern, chinese in (
        (r'^Invalid value "(.*)" for (\S+)\. Choose from: ([^.]*)\.', r"\2 的值“\1”无效，可选值：\3。"),
        (r'^Invalid value "(.*)" for (\S+)\. ', r"\2 的值“\1”无效。"),
        (r'^Invalid value for (\S+): unable to convert "(.*)" into int\.', r"\1 的值“\2”无效，应为整数。"),
        (r'^Invalid value for (\S+): unable to convert "(.*)" into (\S+)\.', r"\1 的值“\2”无效，应为 \3 类型。"),
        (r"^Invalid value for (\S+): ", r"\1 的值无效："),
        (r'^Unknown option: "?([^"]+?)"?\.(?= |$)', r"未知选项：\1。"),
        (r'^Unknown command "(.*?)"\.', r"未知命令“\1”。"),
        (r'^Command "(.*?)" parameter (\S+) requires an argument\.', r"命令 \1 缺少参数 \2 的值。"),
        (r"^Parameter (\S+) requires an argument\.", r"缺少参数 \1 的值。"),
        (r"^Parameter (\S+) specified multiple times\.", r"参数 \1 重复指定。"),
        (r"^Unused Tokens: \[(.*)\]\.", r"多余的参数：\1。"),
        (r" Did you mean ([^?]*)\?", r"是否应为 \1？"),
        (r" Available commands: ([^。]*), \.\.\.$", r"可用命令：\1 等。"),
        (r" Available commands: ([^。]*)\.$", r"可用命令：\1。"),
        (r"Must be (>=|<=|>|<) (\S+)\.$", r"应 \1 \2。"),
    )
)


def said(text: str) -> str:
    """A message of Cyclopts in Chinese, as far as its sentences are known here."""
    for pattern, chinese in _SENTENCES:
        text = pattern.sub(chinese, text, count=1)
    return text
