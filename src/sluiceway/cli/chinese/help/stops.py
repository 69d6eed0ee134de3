"""Texts of `sluiceway stop` and `sluiceway stops`."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "Stop jobs in one call, each with a savepoint of its own.": (
        "一次调用停止多个作业，为每个作业保留各自的 savepoint。"
    ),
    (
        "Exits with 0 when the stop of every job is accepted; what is accepted is stored, and no crash loses it. "
        "With --wait it exits with 0 when every job has stopped, with its savepoint. Ctrl-C ends the waiting, not "
        "the stop."
    ): (
        "每个作业的停止都被受理时退出码为 0；受理的内容已落盘，崩溃也不会丢失。指定 --wait 时，每个作业都已停止且有 "
        "savepoint 才为 0。Ctrl-C 只结束等待，不会结束停止操作。"
    ),
    "Exits with 3 when no job is meant.": "没有选中任何作业时退出码为 3。",
    (
        "Example: `sluiceway stop -l 'team=payments,tier!=edge' --wave tag:tier=sink --dry-run`, then without "
        "--dry-run."
    ): (
        "示例：`sluiceway stop -l 'team=payments,tier!=edge' --wave tag:tier=sink --dry-run`，然后去掉 --dry-run 再执"
        "行。"
    ),
    "Afterwards: `sluiceway resume STOP_ID` brings exactly these jobs back, the last wave first.": (
        "之后：`sluiceway resume STOP_ID` 将这些作业全部恢复，最后一个批次最先恢复。"
    ),
    "Keep a savepoint of each. Without one a job is canceled, and what it has read is lost.": (
        "为每个作业保留 savepoint。没有 savepoint 时作业被取消，已读取的内容会丢失。"
    ),
    "Send the last watermark first, so that windows fire: for a job's end.": (
        "先发送最后的 watermark，使窗口触发：用于作业不再继续的情况。"
    ),
    "Directory (path or URI) for the savepoints. Default: the service's storage.": (
        "存放 savepoint 的目录（路径或 URI）。默认：服务的存储。"
    ),
    "What to do with a job whose savepoint fails for good.": "作业的 savepoint 最终失败时如何处理。",
    (
        "What to do with a job whose tasks do not run: wait as long as the stop may take, cancel it keeping its last "
        "checkpoint, or leave it alone after a while. Default: the service's --if-not-running."
    ): (
        "作业的 task 未运行时如何处理：wait（等待，以停止的时限为止）、cancel（取消，保留其最近的 checkpoint）或 "
        "leave（过一段时间后不再处理）。默认：服务的 --if-not-running。"
    ),
    "Attempts for each savepoint. Default: the service's --stop-attempts.": (
        "每个 savepoint 的尝试次数。默认：服务的 --stop-attempts。"
    ),
    "How long before the first retry, such as 30s; each further one waits twice as long.": (
        "首次重试前等待多久，例如 30s；此后每次等待的时间加倍。"
    ),
    "Such as 10m; with --on-failure cancel_keeping_checkpoint, an older checkpoint keeps the job running.": (
        "例如 10m；与 --on-failure cancel_keeping_checkpoint 同时使用时，checkpoint 早于此时长的作业保持运行。"
    ),
    "Stops under way at once, over all clusters.": "所有集群上同时进行的停止数量。",
    (
        "A group that is stopped together: queue=Q, tag:KEY=VALUE, or ids and names with commas. The next begins "
        "when the last has settled; jobs in no group come last."
    ): (
        "一起停止的一批作业：queue=Q、tag:KEY=VALUE，或以逗号分隔的 ID 和名称。上一批全部有结果后，下一批才开始；不属"
        "于任何批次的作业最后停止。"
    ),
    "Pause what has not begun when so many jobs have not stopped: a number, or a share such as 10%.": (
        "未能停止的作业达到此数量时，暂停尚未开始的部分：一个数字，或一个比例，例如 10%。"
    ),
    (
        "Touch nothing; say for each job whether it would stop, what stands in the way, and what of its way back."
    ): "不做任何改动；只说明每个作业能否停止、有何阻碍，以及恢复时会怎样。",
    (
        "With --dry-run: how long the jobs are to stay stopped, such as 45m or 2h. Says whose state lives shorter."
    ): "与 --dry-run 同时使用：作业将停止多久，例如 45m 或 2h。会说明哪些作业的状态保留不到那时。",
    "Ask nothing. Without a terminal, --all, --no-savepoint and more than 20 jobs need it.": (
        "不要求确认。没有终端时，使用 --all、--no-savepoint 或超过 20 个作业时必须指定此选项。"
    ),
    "Look at stops, and steer them.": "查看和控制停止操作。",
    "Withdraw the stops that were not sent yet. Those jobs run on; sent stops go on.": (
        "撤回尚未发送的停止请求。这些作业继续运行；已发送的停止继续进行。"
    ),
    "List the latest stops, the newest first. One with retries is one line.": (
        "列出最近的停止操作，最新的在前。停止操作连同其重试占一行。"
    ),
    "Continue a stop that --abort-when has paused, whatever has failed so far.": (
        "继续被 --abort-when 暂停的停止操作，不论此前有哪些失败。"
    ),
    (
        "Stop exactly those jobs again that a stop, or its last retry, did not stop: in the same waves and manner."
    ): "再次停止某次停止操作或其最后一次重试未能停止的作业：批次和方式不变。",
    "Show the outcome of each job of a stop.": "显示停止操作中每个作业的结果。",
    "Follow a stop event by event until every job of it has settled.": "逐个事件跟踪停止操作，直到其每个作业都有结果。",
    "Exits with 0 when it could be shown; with --wait, when every job has stopped, with its savepoint.": (
        "能够显示时退出码为 0；指定 --wait 时，每个作业都已停止且有 savepoint 才为 0。"
    ),
    "The id that the stop was accepted under.": "受理停止操作时返回的 ID。",
    (
        "Exits with 0 when every job has stopped, with its savepoint. After a broken connection it goes on where "
        "that broke. Ctrl-C ends the watching, not the stop."
    ): ("每个作业都已停止且有 savepoint 时退出码为 0。连接中断后从中断处继续。Ctrl-C 只结束查看，不会结束停止操作。"),
    (
        "Exits with 0 when every one of them is accepted, or there is none; with --wait, when every one has stopped."
    ): "每个作业的停止都被受理，或没有需要停止的作业时，退出码为 0；指定 --wait 时，每个作业都已停止才为 0。",
}
