"""Texts of `sluiceway move` and `sluiceway moves`."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "Move jobs to another cluster: stop each with a savepoint, and start it from that there.": (
        "将作业迁移到另一个集群：停止每个作业并保留 savepoint，在目标集群上从该 savepoint 启动。"
    ),
    (
        "A job is started there once its stop is proven, and is that cluster's from then on. One that does not stop "
        "runs on where it is. Both clusters have to see the service's storage."
    ): (
        "作业的停止得到证实后，才在目标集群上启动，此后即归该集群。未能停止的作业在原处继续运行。两个集群都必须能访问"
        "服务的存储。"
    ),
    "On a terminal it shows what is at stake, and asks first. Elsewhere it needs --yes.": (
        "在终端上，会先显示影响，并要求确认。在其他环境中须指定 --yes。"
    ),
    (
        "Exits with 0 when the move of every job is accepted; what is accepted is stored, and no crash loses it. "
        "With --wait it exits with 0 when every job has arrived: all of its tasks have run, and it has completed a "
        "checkpoint since. Ctrl-C ends the waiting, not the move. With 3 when no job is meant."
    ): (
        "每个作业的迁移都被受理时退出码为 0；受理的内容已落盘，崩溃也不会丢失。指定 --wait 时，每个作业都已到达才为 "
        "0：所有 task 都已运行，且此后完成了一个 checkpoint。Ctrl-C 只结束等待，不会结束迁移。没有选中任何作业时为 "
        "3。"
    ),
    (
        "Example: `sluiceway move --from old --to new --dry-run`, then `sluiceway move --from old --to new "
        "--max-parallel 10 --abort-when 3 --wait`"
    ): (
        "示例：`sluiceway move --from old --to new --dry-run`，然后 `sluiceway move --from old --to new "
        "--max-parallel 10 --abort-when 3 --wait`"
    ),
    "A few first:": "先迁移几个作业：",
    "What did not arrive: `sluiceway moves back MOVE_ID` starts it where it was, from the same savepoint.": (
        "未能到达的作业：`sluiceway moves back MOVE_ID` 会在原处从同一个 savepoint 启动它们。"
    ),
    "The cluster that they are started on.": "要在其上启动这些作业的集群。",
    "Jobs on this cluster; the same as --cluster.": "该集群上的作业；与 --cluster 相同。",
    "Touch nothing; say for each job whether it would stop, and whether it could start there.": (
        "不做任何改动；只说明每个作业能否停止，以及能否在目标集群上启动。"
    ),
    "Look at moves, steer them, and take them back.": "查看、控制和退回迁移操作。",
    "Let nothing more of a move begin. Jobs whose stops were not sent run on; what was sent goes on.": (
        "不再开始迁移操作的其余部分。停止请求尚未发送的作业继续运行；已发送的继续进行。"
    ),
    "Start the jobs that a move has stopped, and that are not on their way, where they were.": (
        "在原处启动迁移操作已停止、且不在迁移途中的作业。"
    ),
    "List the latest moves, the newest first.": "列出最近的迁移操作，最新的在前。",
    "Continue a move that --abort-when has paused, and try again to start what was refused.": (
        "继续被 --abort-when 暂停的迁移操作，并重新尝试启动被拒绝的作业。"
    ),
    "Show what has become of each job of a move.": "显示迁移操作中每个作业的结果。",
    "Follow a move event by event until every job of it has arrived, or will not.": (
        "逐个事件跟踪迁移操作，直到其每个作业都已到达，或不会再到达。"
    ),
    "Exits with 0 when it could be shown; with --wait, when every job has arrived.": (
        "能够显示时退出码为 0；指定 --wait 时，每个作业都已到达才为 0。"
    ),
    "The id that the move was accepted under.": "受理迁移操作时返回的 ID。",
    "Watch until every job has arrived, or will not.": "持续查看，直到每个作业都已到达，或不会再到达。",
    (
        "Exits with 0 when every job has arrived. A broken connection is taken up again. Ctrl-C ends the watching, "
        "not the move."
    ): "每个作业都已到达时退出码为 0。连接中断后会重新连接。Ctrl-C 只结束查看，不会结束迁移。",
    (
        "A job that has stopped and was not started there stays stopped: `sluiceway moves back` starts it where it was."
    ): "已停止而未在目标集群上启动的作业保持停止：`sluiceway moves back` 会在原处启动它们。",
    "Exits with 0 when something goes on, and with 1 when it was not paused and nothing was refused.": (
        "有内容得以继续时退出码为 0；原本未暂停，也没有内容被拒绝时为 1。"
    ),
    (
        "Each starts from the savepoint that it was stopped with. Nothing more of the move begins, and what runs "
        "where it was to go stays there: `sluiceway move` with the clusters the other way round brings that back."
    ): (
        "每个作业都从停止时的 savepoint 启动。该迁移操作不再开始其余部分，已在目标集群上运行的作业留在那里：对调两个"
        "集群后执行 `sluiceway move`，即可将其迁回。"
    ),
    (
        "Exits with 0 when the start of every one of them is accepted, or there is none; with --wait, when every one "
        "is back."
    ): "每个作业的启动都被受理，或没有需要启动的作业时，退出码为 0；指定 --wait 时，每个作业都已恢复才为 0。",
    "Wait until each of them is back, or will not come.": "等待，直到其中每个作业都已恢复，或不会再恢复。",
}
