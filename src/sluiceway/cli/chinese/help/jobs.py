"""Texts of `sluiceway jobs`."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "Make, start, list, show and delete jobs.": "创建、启动、列出、显示和删除作业。",
    "Create a Flink job of SQL, or of a jar.": "用 SQL 或 jar 包创建 Flink 作业。",
    "Delete jobs. One that runs is canceled first, without a savepoint.": (
        "删除作业。运行中的作业会先被取消，不保留 savepoint。"
    ),
    "Show what has changed in a job since the state of its next resume was made.": (
        "显示自下次恢复所用的状态生成以来，作业有哪些改动。"
    ),
    "Show the health of jobs: whether all of their tasks run, and the cause where they do not.": (
        "显示作业的健康状况：task 是否全部运行，以及未运行的原因。"
    ),
    "List jobs, the newest first.": "列出作业，最新的在前。",
    "Show why a job has failed, and the logs of the processes that run it.": (
        "显示作业失败的原因，以及运行作业的进程的日志。"
    ),
    (
        "Say what a job is made of that somebody else has started, so that the service starts it from then on."
    ): "指明他人启动的作业由什么程序构成，此后由本服务启动该作业。",
    "Start jobs.": "启动作业。",
    "Show everything about a job.": "显示作业的全部信息。",
    "Give jobs tags, or take some away, whatever status they are in. Other tags stay.": (
        "为作业添加标签，或移除其部分标签，不论作业处于何种状态。其他标签保持不变。"
    ),
    "Change a job. It takes effect at the next start; what runs stays as it is.": (
        "修改作业。下次启动时生效；运行中的内容保持不变。"
    ),
    (
        "The SQL may hold several statements: tables, SET, and INSERTs, which become one job. A jar on this machine "
        "is uploaded; what a running job was started with stays as it is."
    ): (
        "SQL 可包含多条语句：表、SET，以及合为一个作业的多条 INSERT。本机上的 jar 包会被上传；运行中的作业启动时所用"
        "的内容保持不变。"
    ),
    "Of a jar:": "Jar 作业：",
    "Letters, digits, `_` and `-`; no other job of the project has it.": (
        "字母、数字、`_` 和 `-`；不能与项目中的其他作业重名。"
    ),
    "Arguments of the main method of a jar, behind `--`.": "jar 包 main 方法的参数，写在 `--` 之后。",
    "A file with the SQL of the job; `-` reads it from standard input.": (
        "包含作业 SQL 的文件；`-` 表示从标准输入读取。"
    ),
    "A jar on this machine, which is uploaded; or s3://…, or cluster://NAME for one that its cluster has.": (
        "本机上的 jar 包，会被上传；或 s3://…；或 cluster://NAME，即集群上已有的 jar 包。"
    ),
    "The main class of the jar. Default: the one that the jar names itself.": (
        "jar 包的主类。默认：jar 包自身指定的主类。"
    ),
    "The cluster that is to run it. Default: the service's first one.": "运行该作业的集群。默认：服务的第一个集群。",
    "Parallel instances of each operator.": "每个算子的并行实例数。",
    "The time between two checkpoints, such as 10s. Without it there are none.": (
        "两次 checkpoint 之间的间隔，例如 10s。不指定时没有 checkpoint。"
    ),
    "Start the job again by itself when it fails.": "作业失败时自动重新启动。",
    (
        "How long unused state is kept, by the wall clock, also while the job is stopped: 90s, 45m, 2h, 1d, or 0 for "
        "ever. A number alone counts seconds. Default: an hour."
    ): (
        "未使用的状态保留多久，按实际时间计算，作业停止期间也计入：90s、45m、2h、1d，或 0 表示永久保留。只写数字时单"
        "位为秒。默认：一小时。"
    ),
    "An option of Flink as KEY=VALUE; may be repeated.": "Flink 配置项，写作 KEY=VALUE；可重复指定。",
    "A tag as KEY=VALUE; may be repeated.": "标签，写作 KEY=VALUE；可重复指定。",
    "A description.": "描述。",
    (
        "Only compile the SQL, as its cluster would run it, and look at the options. Nothing is created. Exits with "
        "1 where something is wrong, or where nobody can tell now."
    ): "只按集群实际运行的方式编译 SQL，并检查各选项，不创建任何内容。有错误，或当前无法判断时，退出码为 1。",
    "Start it at once.": "立即启动。",
    (
        "Exits with 0 when every start is accepted; with --wait, when every job runs: all of its tasks, and with a "
        "first checkpoint where it takes any. With 1, and the cause, when one fails or keeps restarting."
    ): (
        "每个启动都被受理时退出码为 0；指定 --wait 时，每个作业都已运行才为 0：所有 task 都在运行，有 checkpoint 的作"
        "业已完成首个 checkpoint。有作业失败或反复重启时为 1，并显示原因。"
    ),
    (
        "What it chooses by a common trait are jobs that do not run, and that have not finished; with --resume those "
        "that are stopped. --status says otherwise."
    ): ("按共同特征选择时，选中未运行且未自行结束的作业；指定 --resume 时，选中已停止的作业。可用 --status 另行指定。"),
    "Start each from its newest savepoint or checkpoint; with --dry-run only say which that is.": (
        "每个作业都从其最新的 savepoint 或 checkpoint 启动；与 --dry-run 同时使用时，只说明是哪一个。"
    ),
    "Wait until each job runs, or has failed to.": "等待，直到每个作业都已运行或启动失败。",
    "How long to wait at most, such as 90s or 1h30m. The start goes on all the same.": (
        "最长等待时间，例如 90s 或 1h30m。到时后启动操作仍会继续。"
    ),
    "Exits with 3 when none matches.": "没有匹配的作业时退出码为 3。",
    "How many to list.": "列出多少个。",
    "How many to skip first.": "跳过最前面的多少个。",
    "List them all.": "列出全部。",
    "Show the list again and again, until Ctrl-C; through a pipe its changed rows, each in a line.": (
        "反复显示列表，直到按下 Ctrl-C；通过管道输出时显示有变化的数据，每个占一行。"
    ),
    "Its id or exact name.": "作业的 ID 或完整名称。",
    "Exits with 1 when a shown job keeps restarting, or lacks slots.": (
        "所显示的作业中有反复重启或缺少 slot 的作业时，退出码为 1。"
    ),
    "Only jobs that restart, or lack slots.": "只显示反复重启或缺少 slot 的作业。",
    "Only jobs that were deleted, and that Flink has yet to end.": "只显示已删除但 Flink 尚未结束的作业。",
    "How many to show.": "显示多少个。",
    (
        "Of a job that runs, since that run was started. Exits with 0 when nothing has changed, with 1 when "
        "something has, and with 2 when nobody knows what the job was."
    ): ("对于运行中的作业，自本次运行启动时算起。没有改动时退出码为 0，有改动时为 1，无从得知作业原来的内容时为 2。"),
    (
        "Flink tells nobody from which jar, class and arguments a job was started, so whoever knows them says so. "
        "While the job runs it is not touched. Afterwards it is stopped and resumed as any other."
    ): (
        "Flink 不会告知作业由哪个 jar 包、主类和参数启动，因此须由知情的人指明。作业运行期间不会受到影响。此后可以像"
        "其他作业一样停止和恢复。"
    ),
    "Arguments of its main method, behind `--`.": "其 main 方法的参数，写在 `--` 之后。",
    (
        "The name of a jar that its cluster has; of several with one name the newest counts. An id is one upload. "
        "`sluiceway clusters jars NAME` lists them."
    ): (
        "集群上已有的 jar 包的名称；有多个同名的 jar 包时，以最新的为准。ID 对应某一次上传。`sluiceway clusters jars "
        "NAME` 会列出这些 jar 包。"
    ),
    "The main class. Default: the one that the jar names itself.": "主类。默认：jar 包自身指定的主类。",
    "Parallel instances of each operator. Default: as many as Flink shows of the job.": (
        "每个算子的并行实例数。默认：Flink 显示的作业并行度。"
    ),
    "The time between two checkpoints, such as 10s. Default: what the program or the cluster says.": (
        "两次 checkpoint 之间的间隔，例如 10s。默认：由程序或集群决定。"
    ),
    "Let the job end when it fails, unless its program says otherwise.": "作业失败时任其结束，除非其程序另有设置。",
    "An option of Flink as KEY=VALUE, as somebody gave it with -D; may be repeated.": (
        "Flink 配置项，写作 KEY=VALUE，即启动时用 -D 指定的内容；可重复指定。"
    ),
    "Exits with 0 when it is done for every job, and with 3 when no job is meant.": (
        "对每个作业都已完成时退出码为 0；没有选中任何作业时为 3。"
    ),
    "A tag as KEY=VALUE, which takes the place of another value; may be repeated.": (
        "标签，写作 KEY=VALUE，替换原有的值；可重复指定。"
    ),
    "The key of a tag to take away; may be repeated.": "要移除的标签的键；可重复指定。",
    (
        "Without options: the failures of its latest run with their stack traces, as far as Flink remembers them, "
        "the latest last."
    ): "不指定选项时：显示最近一次运行中的失败及其堆栈，以 Flink 仍有记录的为限，最近的在末尾。",
    (
        "A log belongs to a process, and not to a job: it holds what every job prints there. So it is shown where no "
        "job of another project runs on the cluster, which is an application cluster, and else to an admin of every "
        "project alone."
    ): (
        "日志属于进程，而不属于作业：其中有该进程内所有作业的输出。因此，只有集群上没有其他项目的作业运行（即 "
        "application 集群）时才显示日志；否则只向在所有项目中具有 admin 角色的用户显示。"
    ),
    "Example: `sluiceway jobs logs orders`, or `sluiceway jobs logs orders --taskmanagers --lines 200`": (
        "示例：`sluiceway jobs logs orders`，或 `sluiceway jobs logs orders --taskmanagers --lines 200`"
    ),
    "The end of the JobManager's log.": "JobManager 日志的末尾。",
    "The end of the log of each TaskManager of its cluster, of 20 at most.": (
        "所在集群每个 TaskManager 日志的末尾，最多 20 个。"
    ),
    "The end of the log of one, by its id.": "某个 TaskManager 日志的末尾，用其 ID 指定。",
    "How many lines of each log; 10,000 at most.": "每份日志显示多少行；最多 10,000 行。",
    (
        "While a job runs, only --restart can be changed: stop it first, and resume it afterwards from its "
        "savepoint. Whether its state still fits is what `sluiceway resume --job JOB --dry-run` tells."
    ): (
        "作业运行期间只能修改 --restart：请先停止作业，修改后再从其 savepoint 恢复。其状态是否仍然匹配，可用 "
        "`sluiceway resume --job JOB --dry-run` 查看。"
    ),
    "Arguments of the main method of a jar, behind `--`, in place of all that it has.": (
        "jar 包 main 方法的参数，写在 `--` 之后，替换原有的全部参数。"
    ),
    "Another name.": "新的名称。",
    "The cluster of its next start. `sluiceway move` takes a running job there.": (
        "下次启动时所在的集群。运行中的作业可用 `sluiceway move` 迁移过去。"
    ),
    "Seconds between two checkpoints.": "两次 checkpoint 之间的秒数。",
    "Take no checkpoints.": "不做 checkpoint。",
    "Start the job again by itself when it fails, or --no-restart; also while it runs.": (
        "作业失败时自动重新启动，--no-restart 则不启动；作业运行期间也可修改。"
    ),
    "How long unused state is kept: 90s, 45m, 2h, 1d, or 0 for ever. Of SQL only.": (
        "未使用的状态保留多久：90s、45m、2h、1d，或 0 表示永久保留。仅适用于 SQL。"
    ),
    "An option of Flink as KEY=VALUE, in place of its value; may be repeated. Other options stay.": (
        "Flink 配置项，写作 KEY=VALUE，替换其原有的值；可重复指定。其他配置项保持不变。"
    ),
    "An option of Flink to take away, by its key; may be repeated.": "要移除的 Flink 配置项，用其键指定；可重复指定。",
    "On a terminal it says which may be running, and asks first. Elsewhere it needs --yes.": (
        "在终端上，会先说明哪些作业可能正在运行，并要求确认。在其他环境中须指定 --yes。"
    ),
}
