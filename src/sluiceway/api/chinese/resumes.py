"""What is said of the way back of jobs, and whether their state fits them."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "sluiceway savepoints choose, or DLI's import-savepoint": "sluiceway savepoints choose，或 DLI 的 import-savepoint",
    "The storage cannot be read now: {unreadable}.": "当前无法读取存储：{unreadable}。",
    "{path} was drained: windows were cut and written as they were, and each of them is written a second time.": (
        "{path} 经过 drain：窗口被提前触发并写出，恢复后每个窗口会再次写出。"
    ),
    "Start the job without resuming, or ask for it by name (--drained).": (
        "请不带恢复启动作业，或明确要求（--drained）。"
    ),
    "It has finished by itself.": "作业已自行完成。",
    "It would go on from a state before its end and write rows again.": (
        "恢复会从其结束之前的状态继续，并重复写出数据。"
    ),
    "Ask for it by name (--finished), or start it without resuming.": "请明确要求（--finished），或不带恢复启动。",
    "No state of it is whole: {told}.": "它没有完整的状态：{told}。",
    "Repair its files, or choose another savepoint ({choose}).": "请修复其文件，或选择其他 savepoint（{choose}）。",
    "Choose another one ({choose}), or start the job without resuming.": (
        "请选择其他 savepoint（{choose}），或不带恢复启动作业。"
    ),
    "The files of {path} were removed at {removed_at}.": "{path} 的文件已于 {removed_at} 删除。",
    "Bring its files back, or choose another one ({choose}).": "请恢复其文件，或选择其他 savepoint（{choose}）。",
    "{path} is not whole: {fault}.": "{path} 不完整：{fault}。",
    "Nobody knows whether {path} is whole: {fault}.": "无法得知 {path} 是否完整：{fault}。",
    "it cannot be read from here": "从这里无法读取",
    "{path} is newer and not whole: {why}.": "{path} 更新，但不完整：{why}。",
    "The work since {state} is repeated.": "自 {state} 以来的工作会重复。",
    "Its latest run has left no state that is whole; its work since {state} is repeated.": (
        "其最近一次运行没有留下完整的状态；自 {state} 以来的工作会重复。"
    ),
    "Its checkpoint_path, {elsewhere}, does not lie in the service's storage: a newer checkpoint there is not "
    "seen.": "其 checkpoint_path（{elsewhere}）不在服务的存储中：无法看到该处更新的 checkpoint。",
    "Copy it to a place in the storage, and choose it there ({choose}).": "请将其复制到存储中，并选择它（{choose}）。",
    "Flink owns {path} for job {job_id}, which runs on its files and removes them.": (
        "{path} 归 Flink 的作业 {job_id} 所有，该作业使用并会删除其文件。"
    ),
    "Stop that job.": "请停止该作业。",
    "Flink owns {path} since job {job_id} was resumed from it in claim mode, and may have removed what that run "
    "no longer needed.": (
        "作业 {job_id} 以 claim 模式从 {path} 恢复后，该状态归 Flink 所有，该次运行不再需要的部分可能已被删除。"
    ),
    "It was planned under the time zone {zone_then}, and its options now say {zone} (table.local-time-zone): "
    "times without a zone move by {shift}.": (
        "作业是在时区 {zone_then} 下编译的，而其选项现为 {zone}（table.local-time-zone）：不带时区的时间会偏移 "
        "{shift}。"
    ),
    "Its SQL has STATE_TTL hints; what they name has a retention of its own.": (
        "其 SQL 中有 STATE_TTL 提示，所指的状态有各自的保留时间。"
    ),
    "All state{whose} is past its retention of {retention}: it was kept {age} ago, and counts begin anew.": (
        "所有状态{whose}都超过了保留时间 {retention}：它是 {age} 前保存的，计数将重新开始。"
    ),
    "Raise the job's {by} above {age} before it is resumed, and nothing is lost.": (
        "请在恢复之前将作业的 {by} 提高到 {age} 以上，即可避免丢失。"
    ),
    "A drained savepoint is no way back: windows that it cuts are written twice when the job is resumed.": (
        "经过 drain 的 savepoint 不能用于恢复：恢复作业时，被提前触发的窗口会写出两次。"
    ),
    "It has no checkpoint to fall back on should its savepoint be lost.": (
        "如果其 savepoint 丢失，没有可以退回的 checkpoint。"
    ),
    "its present state backend": "其当前的状态后端",
    "Its savepoint would be native: only {backend} can restore it, so keep the state backend as it is.": (
        "其 savepoint 将为 native 格式：只有 {backend} 能恢复，请不要更改状态后端。"
    ),
    "It keeps state for {retention}, and is to stay stopped for {window}: untouched state is gone by then, and "
    "counts begin anew.": "作业的状态保留 {retention}，而将停止 {window}：届时未被访问的状态会过期，计数重新开始。",
    "Raise its {by} before it is resumed.": "请在恢复之前提高其 {by}。",
    "It starts from {path}{kind}{age}.": "从 {path} 启动{kind}{age}。",
    "and {shown} more": "以及另外 {shown} 个",
    "it was kept": "其保存之时",
    "nobody knows the job that has made it": "无法得知生成该状态的作业",
    "The job would run in batch mode, in which Flink ignores state without a word: it would begin anew.": (
        "作业将以批模式运行，而 Flink 在该模式下会直接忽略状态：作业会从头开始。"
    ),
    "The job needs {slots} slots, and the cluster has {slots2} free.": (
        "作业需要 {slots} 个 slot，而集群空闲 {slots2} 个。"
    ),
    "The state was written by the state backend {was}, in its own format, and would be read by {is}": (
        "状态由状态后端 {was} 以其自有格式写出，而将要读取它的是 {is}"
    ),
    "{text}, which cannot: take a canonical savepoint, or keep the state backend.": (
        "{text}，它无法读取：请创建 canonical 格式的 savepoint，或保持原来的状态后端。"
    ),
    "{text}: whether it can is seen when it starts.": "{text}：能否读取要到启动时才知道。",
    "The state of {name} ({bytes} bytes) would be left behind: the job has no such operator any more.": (
        "{name} 的状态（{bytes} 字节）会被丢弃：作业已没有该算子。"
    ),
    "{name} is given a maximum parallelism of {max_parallelism}, and its state was made with {most}, which "
    "cannot change: set pipeline.max-parallelism to {most}, or leave it out.": (
        "{name} 的最大并行度设为 {max_parallelism}，而其状态是以 {most} 生成的，不能更改：请将 "
        "pipeline.max-parallelism 设为 {most}，或去掉该设置。"
    ),
    "{name} would run {parallelism} in parallel, and its state can be spread over {most} at most: set "
    "parallelism to {most} or less.": (
        "{name} 将以并行度 {parallelism} 运行，而其状态最多只能分布到 {most} 个：请将并行度设为 {most} 或更小。"
    ),
    "it is another one than before, and keeps state in a way of its own": "它与之前的算子不同，且以自己的方式保存状态",
    "{name} takes the place of {name2} and has no use for its state ({lost}, of {bytes} bytes): Flink would "
    "start it, and it would begin anew without a word.": (
        "{name} 取代了 {name2}，不使用其状态（{lost}，共 {bytes} 字节）：Flink 会直接启动，而该算子会从头开始。"
    ),
    "{name} would take state for its own that was made from other input: from {was}, and not {is}.": (
        "{name} 会把由其他输入生成的状态当作自己的：来自 {was}，而不是 {is}。"
    ),
    "{name} would go on from what another one has left, as the types are the same: it was {before}, and is {now}.": (
        "由于类型相同，{name} 会从另一个算子留下的状态继续：原为 {before}，现为 {now}。"
    ),
    "its type has changed, and whether Flink can turn the one into the other is not known": (
        "其类型已改变，而 Flink 能否转换尚不清楚"
    ),
    "The keys of {name} are of other types than those of its state: Flink cannot read it.": (
        "{name} 的键类型与其状态的键类型不同：Flink 无法读取。"
    ),
    "The state of {name} is of another type than the one that was saved: Flink cannot read it.": (
        "{name} 的状态类型与所保存的类型不同：Flink 无法读取。"
    ),
    "Only the start shows whether the state of {name} fits: {why}.": "{name} 的状态是否匹配要到启动时才知道：{why}。",
    "{name} begins without state.": "{name} 从无状态开始。",
    "Parts of the job had ended when its state was saved, and it has been changed since.": (
        "保存状态时作业的部分算子已结束，此后作业又有修改。"
    ),
    "The state is an unaligned checkpoint, with records that were on their way, and the job has been changed "
    "since: whether they fit is seen when it starts.": (
        "该状态是非对齐的 checkpoint，其中有传输中的数据，此后作业又有修改：是否匹配要到启动时才知道。"
    ),
    "A savepoint has none.": "savepoint 中没有这种数据。",
    "an operator without a name ({id})": "未命名的算子（{id}）",
    "Change the job back, or leave that state behind for this start (--allow-non-restored-state).": (
        "请改回作业，或在本次启动时丢弃该状态（--allow-non-restored-state）。"
    ),
    "Change the job back, or have it go on from that state all the same (--other-meaning).": (
        "请改回作业，或仍从该状态继续（--other-meaning）。"
    ),
    "Change the job as this says, change it back, or start it without resuming.": (
        "请按上述说明修改作业、改回作业，或不带恢复启动。"
    ),
    "State that no operator takes is left behind, and Flink does not say which.": (
        "没有算子接收的状态会被丢弃，而 Flink 没有说明是哪些。"
    ),
    "It leaves behind the state of {shown}{more}.": "会丢弃 {shown}{more} 的状态。",
    "It may leave state behind; nobody could know beforehand.": "可能会丢弃状态；事先无法得知。",
    "It lives in Flink, and may yet run; stop it first.": "作业仍在 Flink 中，可能还会运行，请先停止。",
    "It has finished since it was brought back; its rows are written.": "作业恢复之后已经完成，其数据已写出。",
    "It has already been started from this savepoint.": "作业已从该 savepoint 启动过。",
    "It was changed at the same moment.": "作业同时被他人修改。",
    "What a program's job consists of is known when it runs: whether the state fits is seen when it starts.": (
        "程序的作业包含哪些算子要到运行时才知道：状态是否匹配要到启动时才知道。"
    ),
    "Whether the state fits is seen when it starts: {why}.": "状态是否匹配要到启动时才知道：{why}。",
    "The job would be refused: {error}": "作业会被拒绝：{error}",
    "What the job would run as is not known: {error}": "无法得知作业将如何运行：{error}",
    "The state cannot be read from here: {error}.": "从这里无法读取该状态：{error}。",
    "nobody knows the SQL that has made it": "无法得知生成该状态的 SQL",
    "another version of Flink has made it than {ours}, which would run it": (
        "该状态由另一个 Flink 版本生成，而作业将由 {ours} 运行"
    ),
    "the SQL that has made it has {other} in it, which may have had another value then": (
        "生成该状态的 SQL 中有 {other}，其当时的值可能不同"
    ),
    "the SQL that has made it cannot be planned any more ({str})": "生成该状态的 SQL 已无法编译（{str}）",
    "Whether the state fits was not found out in time; a dry run waits for it.": (
        "未能及时得知状态是否匹配；试运行会等待结果。"
    ),
    "The option {option} has no effect here.": "选项 {option} 在此不起作用。",
    "It has no SQL; a program is looked at when it starts.": "它没有 SQL；程序在启动时才检查。",
    "The SQL could not be compiled now: {error}": "当前无法编译该 SQL：{error}",
    "CREATE TABLE … AS is planned only when the job starts.": "CREATE TABLE … AS 在作业启动时才编译。",
    "it was not read within {patience} s": "未能在 {patience} 秒内读取",
    "{unchecked} of its files cannot be looked at from here": "其中 {unchecked} 个文件从这里无法查看",
    ", {age} old": "（{age} 前保存）",
    "{hours} hours": "{hours} 小时",
    ", a {kind}": "（{kind}）",
    "its savepoint": "其 savepoint",
    "the cluster's own": "集群的默认状态后端",
    "CREATE TABLE … AS makes its table while it is planned, so what it would run as is seen when it starts.": (
        "CREATE TABLE … AS 在编译时会创建表，因此作业将如何运行要到启动时才知道。"
    ),
    "It changes what may lie in a catalog outside, and planning would do so: what it runs as is seen when it "
    "starts.": "它会更改外部 catalog 中的内容，而编译就会执行这些更改：作业将如何运行要到启动时才知道。",
    "The planner's answer could not be read: {error}": "无法读取编译器的响应：{error}",
    "Planning took longer than {seconds} s and was ended.": "编译超过 {seconds} 秒，已被终止。",
    "Split the SQL into smaller jobs, or simplify its joins, views and statements.": (
        "请将 SQL 拆分为更小的作业，或简化其 join、视图和语句。"
    ),
    "Planning this SQL ended the planner twice, the second time with nothing else in it.": (
        "编译该 SQL 使编译器两次终止，第二次时其中没有其他内容。"
    ),
    "Most likely it ran out of memory: split the SQL into smaller jobs.": (
        "很可能是内存不足：请将 SQL 拆分为更小的作业。"
    ),
    "Too many plans of the same caller are waiting already.": "同一调用者等待编译的请求过多。",
    "Try again when they have been made.": "请在其完成之后重试。",
    "As many planners for other versions of Flink as run at once are busy, and none of them plans for Flink "
    "{version}.": "可同时运行的其他 Flink 版本的编译器都在忙，且没有用于 Flink {version} 的编译器。",
    "It is tried again.": "会再次尝试。",
}
