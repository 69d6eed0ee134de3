"""Notes in the answers to create and update: how the service took fields, and which do nothing."""

import shlex
from collections.abc import Sequence
from typing import Any, Final

from sluiceway.api.dli.jobs import runtime_config
from sluiceway.api.errors.dli_error import bad
from sluiceway.api.errors.language import Language, Text
from sluiceway.control.variables import Variables
from sluiceway.engines.planning.options import idle_options

# Kept and shown, for clients that expect to read what they wrote.
IDLE: Final = (
    *("log_enabled", "smn_topic", "dirty_data_strategy", "udf_jar_url", "edge_group_ids", "flink_log_config"),
    *("flink_version", "execution_agency_urn", "operator_config", "static_estimator_config", "image"),
)
UNDEFINED: Final = Text(
    "The SQL uses {names}, not among the project's variables yet: it is refused at its start until they are created.",
    "SQL 使用了项目中尚未定义的变量：{names}。创建这些变量之前，作业无法启动。",
)
SHOWN: Final = 300  # characters of arguments

_IDLE: Final = Text("Kept, but without effect here: {fields}.", "以下字段仅保存，在此不起作用：{fields}。")
_IDLE_OPTIONS: Final = Text(
    "Without effect here, in runtime_config: {options}.", "runtime_config 中的以下参数在此不起作用：{options}。"
)
_QUOTED: Final = Text(
    "entrypoint_args is read as a shell reads it, without quotes and backslashes, as {count} arguments: {shown}.",
    "entrypoint_args 按 shell 规则解析为 {count} 个参数：{shown}。引号和反斜杠不会传递。",
)


def split_arguments(args: str) -> tuple[str, ...]:
    """The arguments in a text, where quotes and backslashes mean what they mean to a shell. Raises `DliError`."""
    try:
        return tuple(shlex.split(args))
    except ValueError:
        raise bad(
            "entrypoint_args",
            "a quote or a backslash in it is never closed; write \"it's\" for it's",
            "其中的引号未闭合，或以反斜杠结尾",
        ) from None


async def of_variables(variables: Variables, project: str, sql: str, language: Language) -> Sequence[str]:
    """Notes on variables that the SQL uses and the project has not: they may be made until the job starts."""
    found = (await variables.undefined(project, {0: sql})).get(0) if "{{" in sql else None
    return [] if found is None else [UNDEFINED.say(language, {"names": found.told})]


def of(body: Any, language: Language) -> Sequence[str]:
    """Notes on the fields that a request names."""
    notes = []
    args = getattr(body, "entrypoint_args", None) or ""
    if args.split() != (taken := list(split_arguments(args))):
        shown = shlex.join(taken)
        shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
        notes.append(_QUOTED.say(language, {"count": len(taken), "shown": shown}))
    if idle := [field for field in IDLE if getattr(body, field, None)]:
        notes.append(_IDLE.say(language, {"fields": ", ".join(idle)}))
    if options := idle_options(runtime_config.parse(getattr(body, "runtime_config", None))):
        notes.append(_IDLE_OPTIONS.say(language, {"options": ", ".join(options)}))
    return notes
