"""What the commands say that make, start, change and show jobs."""

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    # Making and starting them.
    "Say what the job is made of: --sql FILE, or --jar FILE.": "请指定作业的内容：--sql FILE 或 --jar FILE。",
    "--sql makes a SQL job; --jar, --class and arguments behind -- are of a Jar job.": (
        "--sql 用于 SQL 作业；--jar、--class 以及 -- 之后的参数用于 Jar 作业。"
    ),
    "--sql {source} cannot be read: {why}": "无法读取 --sql {source}：{why}",
    "--sql {source} is not text in UTF-8": "--sql {source} 不是 UTF-8 文本",
    "--retention is of SQL: a program says itself how long its state is kept.": (
        "--retention 仅用于 SQL 作业：Jar 程序自行决定状态保留多久。"
    ),
    "--jar {given} cannot be read: {why}": "无法读取 --jar {given}：{why}",
    "--jar {given} is no file on this machine.": "--jar {given} 不是本机上的文件。",
    "--jar {given} is no jar: its name has to end with .jar.": "--jar {given} 不是 jar 包：名称必须以 .jar 结尾。",
    "--jar {given} has more than {most}, which is the most of a jar.": "--jar {given} 超过了 jar 包的大小上限 {most}。",
    "uploading {given} ({size})": "正在上传 {given}（{size}）",
    "Nothing is wrong with it. Nothing was created.": "未发现问题。未创建任何作业。",
    "Job {job_id} ({name}) is created.": "已创建作业 {job_id}（{name}）。",
    "Job {job_id} ({name}) is created. Start it with: sluiceway jobs run {job_id}": (
        "已创建作业 {job_id}（{name}）。启动作业：sluiceway jobs run {job_id}"
    ),
    "Job {job_id} ({name}) is created, and its start has failed: {failed}. Start it with: sluiceway jobs run "
    "{job_id}": "已创建作业 {job_id}（{name}），但启动失败：{failed}。启动作业：sluiceway jobs run {job_id}",
    "Its start is accepted. Look at it with: sluiceway jobs show {job_id}": (
        "启动请求已受理。查看作业：sluiceway jobs show {job_id}"
    ),
    "Give --resume, or leave out --dry-run and the options that allow something.": (
        "请指定 --resume，或去掉 --dry-run 和表示允许的选项。"
    ),
    "The start of {jobs} is accepted.": "{jobs}的启动请求已受理。",
    "The start goes on. Look again with: sluiceway jobs health": "启动仍在进行。再次查看：sluiceway jobs health",
    "The time is up. Starts under way go on; look with: sluiceway jobs health": (
        "等待时间已到。进行中的启动会继续；查看：sluiceway jobs health"
    ),
    "waiting for its first checkpoint": "正在等待首个 checkpoint",
    "waiting whether it lasts": "正在确认运行是否稳定",
    "waiting until all of its tasks run": "正在等待所有 task 运行",
    # Answers to requests for many.
    "job {job}: {what}": "作业 {job}：{what}",
    "Job {job}: {what}": "作业 {job}：{what}",
    "job {job} is refused: {why}": "作业 {job} 被拒绝：{why}",
    "Deleted: {jobs}.": "已删除：{jobs}。",
    "Name jobs, or say --ailing or --leaving, not both.": "请指定作业，或使用 --ailing 或 --leaving，不能同时使用。",
    "{count} of {total} jobs; --all lists them all": "显示 {count} 个，共 {total} 个作业；--all 可列出全部",
    "Say which tags: --set KEY=VALUE, --remove KEY, or both.": "请指定标签：--set KEY=VALUE、--remove KEY，或两者。",
    "Changed the tags of {jobs}.": "已修改 {jobs}的标签。",
    # Changing them.
    "Nothing to change was named. See sluiceway jobs update --help.": (
        "未指定要修改的内容。请查看 sluiceway jobs update --help。"
    ),
    "--unset {key}: the job has no such option.": "--unset {key}：作业没有该选项。",
    "--no-checkpoints leaves no --checkpoint-interval.": "--no-checkpoints 不能与 --checkpoint-interval 同时使用。",
    "Job {job_id} is a Jar job, and has no SQL.": "作业 {job_id} 是 Jar 作业，没有 SQL。",
    "Job {job_id} is a SQL job, and has no jar.": "作业 {job_id} 是 SQL 作业，没有 jar 包。",
    "Job {job_id} is changed.": "已修改作业 {job_id}。",
    "Job {job_id} is changed. Start it with: sluiceway jobs run {job_id}": (
        "已修改作业 {job_id}。启动作业：sluiceway jobs run {job_id}"
    ),
    "Job {job_id} is changed. See whether its state fits what it is now: sluiceway resume --job {job_id} --dry-run": (
        "已修改作业 {job_id}。检查其状态是否适用于修改后的作业：sluiceway resume --job {job_id} --dry-run"
    ),
    "{failed}\nNothing was changed. Stop it first: sluiceway stop {job_id} --wait, and after the update: sluiceway "
    "resume --job {job_id}": (
        "{failed}\n未修改任何内容。请先停止作业：sluiceway stop {job_id} --wait，"
        "修改之后再恢复：sluiceway resume --job {job_id}"
    ),
    "Job {job_id} is made of {jar_of_cluster} from now on. When it is stopped, start it from its state: sluiceway jobs "
    "run {job_id} --resume": (
        "作业 {job_id} 今后由 {jar_of_cluster} 启动。作业停止后，从其状态启动：sluiceway jobs run {job_id} --resume"
    ),
    "Flink does not show how parallel it was; where that was not 1, give --parallelism": (
        "Flink 未显示作业的并行度；如果不是 1，请指定 --parallelism"
    ),
    # One of them in detail.
    "every {interval}s": "每 {interval}s 一次",
    "somebody else has started it, as {flink_name}": "由他人启动，在 Flink 中的名称为 {flink_name}",
    "the default one": "默认队列",
    "none yet": "尚无",
    "when it fails": "失败时自动重启",
    "never by itself": "不自动重启",
    "kept for ever": "永久保留",
    "kept for {value} {unit}": "保留 {value} {unit}",
    "kept for {length} (table.exec.state.ttl)": "保留 {length}（table.exec.state.ttl）",
    "It has no SQL yet.": "作业还没有 SQL。",
    # What has changed, and logs.
    "run {run_id}": "运行 {run_id}",
    "SQL of {whose}": "{whose} 的 SQL",
    "SQL now": "当前的 SQL",
    "Nothing has changed since its state was made ({whose}).": "自其状态生成（{whose}）以来没有任何变化。",
    "job {job_id} has no state that it could be resumed from, so there is nothing to compare": (
        "作业 {job_id} 没有可用于恢复的状态，因此没有可比较的内容"
    ),
    "nobody knows what job {job_id} was when its state was made ({path})": (
        "无法得知作业 {job_id} 在其状态（{path}）生成时的内容"
    ),
    "Say one of --jobmanager, --taskmanagers and --taskmanager.": (
        "--jobmanager、--taskmanagers 和 --taskmanager 只能指定一个。"
    ),
    "{most} of {all} TaskManagers; name another one with --taskmanager": (
        "显示 {most} 个，共 {all} 个 TaskManager；用 --taskmanager 可指定其他的"
    ),
    "at some time": "时间未知",
    "Flink knows of no failure of its latest run.": "Flink 没有该作业最近一次运行的失败记录。",
    "--jobmanager and --taskmanagers show the logs of the processes that run it.": (
        "--jobmanager 和 --taskmanagers 可显示运行该作业的进程的日志。"
    ),
    "(the end of it)": "（末尾部分）",
    # Variables that their SQL uses.
    "{name} is created; jobs have it from their next start.": "已创建 {name}；作业下次启动时生效。",
    "{name} is changed; jobs have it from their next start.": "已修改 {name}；作业下次启动时生效。",
    "{name} is deleted.": "已删除 {name}。",
    "{name} is not sensitive, and its value was shown. Delete it, then set it as a sensitive one.": (
        "{name} 不是敏感变量，其值已经显示过。请先删除，再设置为敏感变量。"
    ),
    # Those of others, which were stopped.
    "\nSomebody else has started these. Start them again, each with its own class, jar and arguments:": (
        "\n以下作业由他人启动。请用各自的主类、jar 包和参数重新启动："
    ),
    "  and {more} more: sluiceway stops show {id} --json": "  还有 {more} 个：sluiceway stops show {id} --json",
    "Or have the service start them from a jar that their cluster still has:": (
        "或由服务使用其集群上仍保留的 jar 包启动："
    ),
    "  {cluster} has {jars}": "  {cluster} 有 {jars}",
    "  sluiceway jobs program {job} --jar-of-cluster {jar} --class MAIN_CLASS -- ARGUMENTS": (
        "  sluiceway jobs program {job} --jar-of-cluster {jar} --class 主类 -- 参数"
    ),
}
