"""Texts of `sluiceway completion`, `database`, `demo`, `distributions` and `man`."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "Print a script that has a shell complete commands, options, and the names that the service knows.": (
        "输出脚本，使 shell 能补全命令、选项以及服务所知的名称。"
    ),
    (
        "It completes jobs, orders, clusters and tags, too: the Tab key asks the service that the command would talk "
        "to, for at most 1.5 seconds. Without an answer it completes the rest."
    ): ("也能补全作业、操作、集群和标签：按下 Tab 键时会查询命令所要连接的服务，最多 1.5 秒。没有响应时补全其余内容。"),
    "bash:": "bash：",
    "zsh:": "zsh：",
    "fish:": "fish：",
    (
        "For the shell at hand alone: `source <(sluiceway completion bash)`, or `sluiceway completion fish | source`"
    ): "只用于当前 shell：`source <(sluiceway completion bash)`，或 `sluiceway completion fish | source`",
    "The shell.": "shell 的名称。",
    "Back up the service's database, and restore it.": "备份服务的数据库，以及恢复备份。",
    "Copy the database to a new file that only you can read. The service may run meanwhile.": (
        "将数据库复制到只有您能读取的新文件。其间服务可以运行。"
    ),
    (
        "Put a copy in place of the database. Stop the service first; the database before it is kept beside it."
    ): "用备份替换数据库。请先停止服务；原数据库会保留在其旁边。",
    "The copy. It must not be there yet.": "备份文件。该文件不能已经存在。",
    (
        "Ids of jobs, stops and savepoints go on after the highest ones that were ever issued, so that none means "
        "two things."
    ): "作业、停止操作和 savepoint 的 ID 从曾经分配过的最大值之后继续，因此同一个 ID 不会有两种含义。",
    "A copy that `sluiceway database backup` has made, of this release or an earlier one.": (
        "由 `sluiceway database backup` 生成的备份，来自当前版本或更早的版本。"
    ),
    "See it work: real Flink jobs stopped in one call, each with a verified savepoint, and brought back.": (
        "实际演示：一次调用停止真实的 Flink 作业，每个都有经过校验的 savepoint，然后全部恢复。"
    ),
    (
        "Starts a service of its own with a Flink beside it, in a temporary directory, and removes it all in the "
        "end. Exits with 0 when every job was stopped with a verified savepoint and carried on from it."
    ): (
        "在临时目录中启动独立的服务和附带的 Flink，结束时全部移除。每个作业都带着经过校验的 savepoint 停止，并从该 "
        "savepoint 继续运行时，退出码为 0。"
    ),
    "How many jobs; 100 at most.": "作业数量；最多 100 个。",
    "Leave the service up for a look around, until Ctrl-C.": "保留服务以供查看，直到按下 Ctrl-C。",
    "Versions of Flink that plan SQL, each for clusters of its own version.": (
        "用于解析 SQL 的 Flink 版本，各自对应同版本的集群。"
    ),
    (
        "Add a version of Flink, so that SQL can be planned for clusters that run it. A running service sees it at "
        "once."
    ): "添加一个 Flink 版本，以便为运行该版本的集群解析 SQL。运行中的服务立即可用。",
    "List the versions of Flink that plan SQL here, and those that can be added.": (
        "列出此处用于解析 SQL 的 Flink 版本，以及可以添加的版本。"
    ),
    "Remove a version that was added. Jobs run on; their SQL cannot be planned any more.": (
        "移除添加的版本。作业继续运行；但其 SQL 不能再解析。"
    ),
    "It is fetched with pip, from the package index that pip is set up for, and checked: 230 to 330 MB.": (
        "使用 pip 从其所设置的软件包索引获取并校验：230 到 330 MB。"
    ),
    "As clusters say it, with or without the patch version: 1.20, or 1.20.5.": (
        "与集群所用的写法一致，可带或不带补丁版本号：1.20 或 1.20.5。"
    ),
    (
        "The package, where there is no index: a wheel or source package of apache-flink-libraries, or Flink's own "
        "archive."
    ): "没有软件包索引时使用的文件：apache-flink-libraries 的 wheel 包或源码包，或 Flink 官方的压缩包。",
    "With or without the patch version.": "可带或不带补丁版本号。",
    "Write the manual pages, for man(1).": "生成 man(1) 手册页。",
    "One is of `sluiceway` itself, and one of each of its commands, with all that stand below it.": (
        "一页介绍 `sluiceway` 本身，其他每个命令各占一页，包含其下的所有子命令。"
    ),
    "Then: `man sluiceway`, and `man sluiceway-jobs`": "随后：`man sluiceway`，以及 `man sluiceway-jobs`",
    "Where manual pages lie, as in MANPATH. They go into its man1.": (
        "手册页所在的目录，即 MANPATH 中的目录。文件写入其中的 zh_CN/man1（英文手册页写入 man1）。"
    ),
}
