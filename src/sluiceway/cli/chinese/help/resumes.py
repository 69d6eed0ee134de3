"""Texts of `sluiceway resume` and `sluiceway resumes`."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    (
        "Bring back exactly the jobs that a stop has stopped, each from its own savepoint, the last wave first."
    ): "将某次停止操作所停止的作业全部恢复，每个作业都从自己的 savepoint 启动，最后一个批次最先恢复。",
    (
        "Exits with 0 when the start of every job is accepted; with --wait, when every job is back: all of its tasks "
        "have run, and it has completed a checkpoint since, where it takes any. A job that keeps failing instead is "
        "parked: canceled, with its state intact and the cause shown. The others go on. Ctrl-C ends the waiting, not "
        "the resume."
    ): (
        "每个作业的启动都被受理时退出码为 0；指定 --wait 时，每个作业都已恢复才为 0：所有 task 都已运行，有 "
        "checkpoint 的作业此后完成了一个 checkpoint。反复失败的作业会被搁置：取消运行，状态保持原样，并显示原因。其余"
        "作业继续恢复。Ctrl-C 只结束等待，不会结束恢复。"
    ),
    "Example: `sluiceway resume 7 --dry-run`, then `sluiceway resume --plan PLAN_ID --wait`": (
        "示例：`sluiceway resume 7 --dry-run`，然后 `sluiceway resume --plan PLAN_ID --wait`"
    ),
    "Many jobs:": "大量作业：",
    "Single jobs:": "个别作业：",
    "Whatever is stopped of some:": "恢复某一部分作业中所有已停止的作业：",
    "Those that did not come back, once the cause is fixed:": "排除原因后，恢复尚未恢复的作业：",
    (
        "The id that the stop was accepted under; `sluiceway stops list` shows the latest. With --failed also that "
        "of a resume."
    ): (
        "受理停止操作时返回的 ID；`sluiceway stops list` 会列出最近的停止操作。与 --failed 同时使用时，也可以是恢复操"
        "作的 ID。"
    ),
    "Ids or exact names of jobs, each to start from its newest savepoint or checkpoint.": (
        "作业的 ID 或完整名称，每个作业都从其最新的 savepoint 或 checkpoint 启动。"
    ),
    (
        "Only jobs that are parked or have failed on the last way back, each from its newest state, and otherwise as "
        "before."
    ): "只恢复上次恢复时被搁置或失败的作业，每个都从其最新的状态启动，其他与上次相同。",
    "Jobs on their way back at once, over all clusters: the next begins when one is proven.": (
        "所有集群上同时处于恢复途中的作业数：有一个得到证实后，下一个才开始。"
    ),
    "Starts a minute, evenly, over all clusters, so that catching up does not overload the jobs' sources.": (
        "所有集群上每分钟启动的作业数，均匀启动，以免追赶数据时作业的数据源过载。"
    ),
    "Pause what has not begun when so many jobs have not come back: a number, or a share such as 10%.": (
        "未能恢复的作业达到此数量时，暂停尚未开始的部分：一个数字，或一个比例，例如 10%。"
    ),
    "Park a job that keeps failing: cancel it, with its state intact. --no-park lets it try on.": (
        "搁置反复失败的作业：取消运行，状态保持原样。--no-park 则让其继续尝试。"
    ),
    "Wait until each job is back, or will not come.": "等待，直到每个作业都已恢复，或不会再恢复。",
    "How long to wait at most, such as 90s or 1h30m. The resume goes on all the same.": (
        "最长等待时间，例如 90s 或 1h30m。到时后恢复操作仍会继续。"
    ),
    "Look at resumes, and steer them.": "查看和控制恢复操作。",
    "Withdraw the starts that were not sent yet. Those jobs stay stopped; sent starts go on.": (
        "撤回尚未发送的启动请求。这些作业保持停止；已发送的启动继续进行。"
    ),
    "List the latest resumes, the newest first. One with retries is one line.": (
        "列出最近的恢复操作，最新的在前。恢复操作连同其重试占一行。"
    ),
    "Continue a resume that --abort-when has paused, whatever has failed so far.": (
        "继续被 --abort-when 暂停的恢复操作，不论此前有哪些失败。"
    ),
    "Show the progress of each job of a resume.": "显示恢复操作中每个作业的进度。",
    "Follow a resume event by event until every job of it is back, or will not come.": (
        "逐个事件跟踪恢复操作，直到其每个作业都已恢复，或不会再恢复。"
    ),
    (
        "Exits with 0 when it could be shown; with --wait, when every job is back: proven by a first checkpoint."
    ): "能够显示时退出码为 0；指定 --wait 时，每个作业都已恢复（由首个 checkpoint 证实）才为 0。",
    "The id that the resume was accepted under.": "受理恢复操作时返回的 ID。",
    "Watch until every job is back, or will not come.": "持续查看，直到每个作业都已恢复，或不会再恢复。",
    (
        "Exits with 0 when every job is back. A broken connection is taken up again. Ctrl-C ends the watching, not "
        "the resume."
    ): "每个作业都已恢复时退出码为 0。连接中断后会重新连接。Ctrl-C 只结束查看，不会结束恢复。",
}
