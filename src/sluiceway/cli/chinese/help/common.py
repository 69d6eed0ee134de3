"""Texts that several commands have."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "Stop Apache Flink jobs in bulk, keep a verified savepoint of each, and bring them back.": (
        "批量停止 Apache Flink 作业，为每个作业保留一份经过校验的 savepoint，并将其恢复。"
    ),
    "Display this message and exit.": "显示此帮助并退出。",
    "Display application version.": "显示版本。",
    "Example:": "示例：",
    (
        "table; wide, with all columns; name, one a line as other commands take it, also of what was made "
        "or changed; json; yaml; or jsonl, one JSON document a line for each row."
    ): (
        "table；wide，显示所有列；name，每行一个，可供其他命令使用，创建或更改的对象也是如此；json；yaml；"
        "或 jsonl，每行数据对应一行 JSON 文档。"
    ),
    "The same as -o json: one JSON document on standard output, and nothing else there.": (
        "与 -o json 相同：标准输出中只有一个 JSON 文档，没有其他内容。"
    ),
    "Show moments in UTC, and not in the zone of this machine. Documents always have UTC.": (
        "以 UTC 而不是本机时区显示时间。JSON 等文档中始终为 UTC。"
    ),
    "The service's data directory. Default: as sluiceway.toml says, else sluiceway-data.": (
        "服务的数据目录。默认：sluiceway.toml 中的设置，否则为 sluiceway-data。"
    ),
    "Show these columns, with commas between them, in this order.": "按此顺序显示这些列，以逗号分隔。",
    "The context to work in (`sluiceway contexts`). Default: SLUICEWAY_CONTEXT, else the current one.": (
        "要使用的上下文（`sluiceway contexts`）。默认：SLUICEWAY_CONTEXT，否则为当前上下文。"
    ),
    (
        "Address of the service. Default: that of --context, SLUICEWAY_SERVER, that of the context, or "
        "http://127.0.0.1:8640."
    ): ("服务的地址。默认：依次取 --context 的地址、SLUICEWAY_SERVER、上下文的地址，或 http://127.0.0.1:8640。"),
    (
        "The project that the jobs are in: 1 to 64 letters and digits. Default: that of --context, "
        "SLUICEWAY_PROJECT, that of the context, or `default`."
    ): (
        "作业所在的项目：1 到 64 个字母或数字。默认：依次取 --context 的项目、SLUICEWAY_PROJECT、上下文的项目，或 "
        "`default`。"
    ),
    "Ask nothing.": "不要求确认。",
    (
        "A group that moves together: queue=Q, tag:KEY=VALUE, or ids and names with commas. The next begins when the "
        "last has arrived; jobs in no group come last."
    ): (
        "一起迁移的一批作业：queue=Q、tag:KEY=VALUE，或以逗号分隔的 ID 和名称。上一批到达后，下一批才开始；不属于任何"
        "批次的作业最后迁移。"
    ),
    "Jobs that are down or on their way at once: the next stops when one is proven where it goes.": (
        "同时处于停止状态或迁移途中的作业数：有一个作业在目标集群上得到证实后，下一个才停止。"
    ),
    "Starts a minute, evenly, so that catching up does not overload the jobs' sources.": (
        "每分钟启动的作业数，均匀启动，以免追赶数据时作业的数据源过载。"
    ),
    "Pause what has not begun when so many jobs have not arrived: a number, or a share such as 10%.": (
        "未能到达的作业达到此数量时，暂停尚未开始的部分：一个数字，或一个比例，例如 10%。"
    ),
    "Flink's format of the savepoints; auto takes for each job one that does it no harm.": (
        "Flink savepoint 的格式；auto 为每个作业选用对其无害的格式。"
    ),
    (
        "What to do with a job whose tasks do not run: wait, cancel it keeping its last checkpoint, or leave it "
        "where it is. Default: the service's --if-not-running."
    ): (
        "作业的 task 未运行时如何处理：wait（等待）、cancel（取消，保留其最近的 checkpoint）或 leave（留在原处）。默"
        "认：服务的 --if-not-running。"
    ),
    "How long until a stop without a result is reported as overdue. The service keeps watching it.": (
        "停止操作多久没有结果就报告为逾期。服务会继续跟踪。"
    ),
    (
        "Park a job that keeps failing where it goes: cancel it, with its state intact. --no-park lets it try on."
    ): "搁置在目标集群上反复失败的作业：取消运行，状态保持原样。--no-park 则让其继续尝试。",
    "How long a job may fail before it is parked. Default: 3m.": "作业持续失败多久后搁置。默认：3m。",
    "Restarts at which a job is parked before that time is up. Default: no bound.": (
        "未到该时间但重启达到此次数时，也搁置作业。默认：不限。"
    ),
    (
        "Leave behind state that no operator of the job takes where it goes; without it such a job does not start."
    ): "舍弃在目标集群上没有算子接收的状态；不指定时，这样的作业不会启动。",
    "Start also where operators would take state that others have made, as of another aggregate.": (
        "即使算子会接收由其他算子产生的状态（例如另一个聚合的状态），也启动作业。"
    ),
    "Watch until it has settled for every job.": "持续查看，直到每个作业都有最终结果。",
    "How long to wait at most, such as 90s or 1h30m. What is accepted goes on all the same.": (
        "最长等待时间，例如 90s 或 1h30m。到时后，已受理的操作仍会继续。"
    ),
    (
        "Names the request: sent again, also by another call, it gets the first answer. Default: one of its own."
    ): "请求的名称（幂等键）：再次发送同一请求时，即使由另一次调用发送，也得到首次的结果。默认：自动生成。",
    "Ids or exact names of jobs.": "作业的 ID 或完整名称。",
    "Jobs on this cluster; may be repeated, for one of several.": "该集群上的作业；可重复指定，符合其一即可。",
    "Jobs on clusters with these labels, such as env=prod or 'env in (prod,test),!old'.": (
        "带有这些标签的集群上的作业，例如 env=prod 或 'env in (prod,test),!old'。"
    ),
    "Jobs whose whole name fits this pattern: * for any characters, ? for one.": (
        "整个名称与此模式匹配的作业：* 匹配任意多个字符，? 匹配一个字符。"
    ),
    "Jobs with these tags, as kubectl has it: 'tier in (source,sink),team!=x,!paused'.": (
        "带有这些标签的作业，写法与 kubectl 相同：'tier in (source,sink),team!=x,!paused'。"
    ),
    "Jobs with this tag, as KEY=VALUE; may be repeated, for all of several.": (
        "带有该标签的作业，写作 KEY=VALUE；可重复指定，须全部符合。"
    ),
    (
        "Jobs in this status, as lists show it: running (all that live), starting, restarting, stopped, failed …; "
        "may be repeated, for one of several."
    ): (
        "处于该状态的作业，与列表中的显示一致：running（包括所有运行中的作业）、starting、restarting、stopped、"
        "failed 等；可重复指定，符合其一即可。"
    ),
    (
        "Jobs that live and fare like this: running, starting, restarting, no_slots or unknown; may be repeated."
    ): "运行中且健康状况如此的作业：running、starting、restarting、no_slots 或 unknown；可重复指定。",
    (
        "Jobs that read or write this: a source's or sink's name in Flink, as whole words or as a pattern with * and ?."
    ): "读取或写入此对象的作业：Flink 中 source 或 sink 的名称，写作完整的单词，或含有 * 和 ? 的模式。",
    "Jobs that read this, as --match.": "读取此对象的作业，写法同 --match。",
    "Jobs that write this, as --match.": "写入此对象的作业，写法同 --match。",
    "Touch nothing; say for each job which state it would start from, and the pitfalls.": (
        "不做任何改动；只说明每个作业将从哪个状态启动，以及有哪些隐患。"
    ),
    "Resume also from savepoints of a stop with --drain: windows that it cut are written twice.": (
        "也从带 --drain 停止时的 savepoint 恢复：被截断的窗口会写出两次。"
    ),
    "Resume also jobs that have finished on their own: rows are written again.": (
        "也恢复已自行结束的作业：数据会再次写出。"
    ),
    (
        "Leave behind, for this start, state that no operator of the job takes; without it such a job is refused."
    ): "本次启动时舍弃没有算子接收的状态；不指定时，这样的作业会被拒绝。",
    "Resume also where operators would take state that others have made, as of another aggregate.": (
        "即使算子会接收由其他算子产生的状态（例如另一个聚合的状态），也恢复作业。"
    ),
    "Ask nothing, however many jobs there are. Without a terminal, more than 20 need it.": (
        "不论有多少作业，都不要求确认。没有终端时，超过 20 个作业必须指定此选项。"
    ),
    "Every job of the project.": "项目中的所有作业。",
    "Why, for later readers.": "原因，供日后查阅。",
    "How many to look at; 1000 at most.": "查看多少个；最多 1000 个。",
    "How long to wait at most, such as 90s or 1h30m.": "最长等待时间，例如 90s 或 1h30m。",
    "Carry out exactly what a dry run has shown, by its id; nothing is done if anything has changed.": (
        "严格执行某次试运行显示的计划，用其 ID 指定；如有任何变化，则不执行任何操作。"
    ),
    "Exits with 0 when it goes on, and with 1 when it was not paused.": "操作得以继续时退出码为 0；原本未暂停时为 1。",
}
