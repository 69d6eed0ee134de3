"""Texts of `sluiceway events`, `sluiceway variables` and `sluiceway wait`."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "Show who did what, why and when: the newest events, the last one last.": (
        "显示谁在何时做了什么、为什么：最新的事件，最后发生的在末尾。"
    ),
    "As they come:": "持续跟踪：",
    "Go on after the event with this number: the first ones that follow, and not the newest.": (
        "从该编号的事件之后开始：显示紧随其后的事件，而不是最新的事件。"
    ),
    (
        "Only events of this last length of time, such as 45s, 30m or 1h30m; or from this moment on, such as "
        "2026-11-28T14:00:00Z."
    ): ("只显示最近这段时间内的事件，例如 45s、30m 或 1h30m；或从这一时刻起的事件，例如 2026-11-28T14:00:00Z。"),
    "Only events of this job: its id or exact name.": "只显示该作业的事件：其 ID 或完整名称。",
    "Only what this caller has done: exactly this name.": "只显示该调用方所做的操作：名称须完全一致。",
    "How many at most; 1000 at most.": "最多显示多少条；上限为 1000 条。",
    "Go on with further ones as they come, one a line, until Ctrl-C.": "持续显示新的事件，每行一条，直到按下 Ctrl-C。",
    "Name texts that SQL uses as {{name}}.": "为文本命名，供 SQL 以 {{name}} 引用。",
    "Delete a variable. Running jobs go on; a job that uses it cannot be started again.": (
        "删除变量。运行中的作业继续运行；使用该变量的作业不能再次启动。"
    ),
    "List the variables of the project. The values of sensitive ones are not shown.": (
        "列出项目中的变量。敏感变量的值不会显示。"
    ),
    "Create a variable, or set its value. Jobs take it with their next start.": (
        "创建变量，或设置其值。作业下次启动时使用。"
    ),
    "Up to 128 letters, digits and underscores; SQL uses it as {{name}}.": (
        "最多 128 个字母、数字或下划线；SQL 以 {{name}} 引用。"
    ),
    "The text. Without it, it is read from standard input, which keeps it out of the shell's history.": (
        "变量的文本。不指定时从标准输入读取，以免留在 shell 的历史记录中。"
    ),
    "Seal the value, and never show it.": "加密保存其值，从不显示。",
    (
        "Wait until all of these are as needed: jobs `running` (all tasks), `proven` (with a first checkpoint where "
        "they take any) or `stopped`; orders `settled`; clusters `answering`."
    ): (
        "等待，直到全部符合要求：作业 `running`（所有 task 都在运行）、`proven`（有 checkpoint 的作业已完成首个 "
        "checkpoint）或 `stopped`；操作 `settled`；集群 `answering`。"
    ),
    (
        "Exits with 0 when all are, with 1 when one of them will not be unless somebody does something, and with 6 "
        "when the time is up. Ctrl-C ends the waiting and nothing else."
    ): ("全部符合时退出码为 0；其中有对象若无人处理就不会符合时为 1；等待超时为 6。Ctrl-C 只结束等待，不影响其他。"),
    "Then:": "随后：",
    "Ids or exact names of jobs; or stop/7, resume/9, move/4, cluster/NAME.": (
        "作业的 ID 或完整名称；或 stop/7、resume/9、move/4、cluster/NAME。"
    ),
    "What to wait for.": "要等待的状态。",
    "How long to wait at most, such as 90s or 1h30m. Default: for ever.": (
        "最长等待时间，例如 90s 或 1h30m。默认：一直等待。"
    ),
}
