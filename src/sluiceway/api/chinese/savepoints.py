"""What is said of savepoints: their formats, what they risk, and what needs them."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "Flink refuses to begin; the job runs on.": "Flink 拒绝开始，作业继续运行。",
    "Flink does not say how it restarts the job.": "Flink 没有说明如何重启该作业。",
    "The job fails, and is not restarted.": "作业会失败，且不会重启。",
    "Its last checkpoint, if any, is kept.": "如果有最近的 checkpoint，则会保留。",
    "The job restarts from nothing: it has no checkpoint.": "作业会从零重新开始：它没有 checkpoint。",
    "Its state is lost.": "其状态会丢失。",
    ", {now} s old": "（{now} 秒前）",
    "The job restarts from {path}{age}.": "作业会从 {path} 重启{age}。",
    "It has no directory for checkpoints, so a savepoint fails once one of its tasks has more than 5 MB of state,"
    " and the job with it.": (
        "作业没有 checkpoint 目录，因此一旦某个 task 的状态超过 5 MB，savepoint 就会失败，作业也随之失败。"
    ),
    "Start it anew: every job that is started from here has one.": "请重新启动：从本服务启动的作业都有该目录。",
    "Its savepoint may take {expected} s, and expires after {timeout} s.": (
        "其 savepoint 可能需要 {expected} 秒，而超时时间为 {timeout} 秒。"
    ),
    "Its last checkpoint failed, and a savepoint may do so, too: {last_failure}": (
        "其最近的 checkpoint 失败，savepoint 也可能失败：{last_failure}"
    ),
    "It was asked for.": "这是请求所要求的。",
    "A canonical savepoint would make the job fail: {because}.": "canonical 格式的 savepoint 会使作业失败：{because}。",
    "Ask for a native one.": "请使用 native 格式。",
    "Whether the job survives a canonical savepoint is not known: {because}.": (
        "无法得知作业能否经受 canonical 格式的 savepoint：{because}。"
    ),
    "might make the job fail": "可能使作业失败",
    "would make the job fail": "会使作业失败",
    "A canonical one {harm}: {because}.": "canonical 格式{harm}：{because}。",
    "the cluster has not said yet how the job keeps its state, and a canonical savepoint might make it fail": (
        "集群尚未说明作业如何保存状态，而 canonical 格式的 savepoint 可能使其失败"
    ),
    "its state backend is ForSt": "其状态后端为 ForSt",
    "its state is asynchronous ({async_state})": "其状态是异步的（{async_state}）",
    "Flink does not name its state backend": "Flink 没有说明其状态后端",
    "nothing is known of its state backend, {backend}": "对其状态后端 {backend} 一无所知",
    "it is unknown whether its state is asynchronous (State V2)": "无法得知其状态是否为异步（State V2）",
    "its state is synchronous, and {backend} writes both formats": "其状态是同步的，{backend} 支持两种格式",
    "{finished} of its tasks have finished, and {option} is false: Flink takes no savepoint of the job any more.": (
        "其 task 中已有 {finished} 个完成，且 {option} 为 false：Flink 不再为该作业创建 savepoint。"
    ),
    "Stop it without a savepoint, or start it anew without that option.": (
        "请不保留 savepoint 停止，或去掉该选项后重新启动。"
    ),
    "{when} Flink restarted the job at {at} from nothing: the state that it had is lost.": (
        "{when}Flink 于 {at} 从零重启了作业：之前的状态已丢失。"
    ),
    ", taken at {as_of}": "（{as_of} 时的状态）",
    "{when} Flink restarted the job at {at} from {restored}{taken}; it does anew what it did since.": (
        "{when}Flink 于 {at} 从 {restored}{taken}重启了作业；此后的工作会重做。"
    ),
    "{path} was written by Flink {flink_version}, and the cluster runs {theirs}": (
        "{path} 由 Flink {flink_version} 写出，而集群运行 {theirs}"
    ),
    "{written}, which cannot read it.": "{written}，无法读取。",
    "Give the job a queue of Flink {wrote} or later.": "请为作业指定 Flink {wrote} 或更高版本的队列。",
    "{written}: Flink does not promise that an older version reads what a newer one has written.": (
        "{written}：Flink 不保证旧版本能读取新版本写出的状态。"
    ),
    "{written}: Flink does not promise that state outlives a new major version.": (
        "{written}：Flink 不保证状态能跨主版本使用。"
    ),
    "That of SQL was seen to; that of programs depends on their serializers.": (
        "SQL 的状态已作处理；程序的状态取决于其序列化器。"
    ),
    "a checkpoint in the JobManager's memory": "JobManager 内存中的 checkpoint",
    "Flink does not say why.": "Flink 没有说明原因。",
    "A cancel without a savepoint loses {survey}: {of_checkpoints}.": (
        "不保留 savepoint 取消会丢失{survey}：{of_checkpoints}。"
    ),
    "everything that this run has done": "本次运行以来的全部工作",
    "everything that it has done since it began from {path}": "自 {path} 启动以来的全部工作",
    "all that it has done since its {what}{when}, {path}": "自其 {what}{when}（{path}）以来的全部工作",
    "no checkpoint of it is known": "没有已知的 checkpoint",
    "whether its checkpoints outlive a cancel is not known": "无法得知取消后其 checkpoint 是否保留",
    "its checkpoints outlive a cancel": "取消后其 checkpoint 会保留",
    "It is unknown whether this is the newest state of the job: {unknown}": "无法得知这是否为作业的最新状态：{unknown}",
    "; and {newer} more": "；另有 {newer} 个",
    "It is {by} older than the newest state of the job.": "它比作业的最新状态早 {by}。",
    "The work since then is repeated.": "此后的工作会重复。",
    "Flink owns {path} since job {job_id} was resumed from it in claim mode, and removes what that job no longer "
    "needs.": "作业 {job_id} 以 claim 模式从 {path} 恢复后，该状态归 Flink 所有，该作业不再需要的部分会被删除。",
    "Stop that job, and take the savepoint that it is stopped with.": "请停止该作业，并使用停止时的 savepoint。",
    "{path} does not belong to a job of this project.": "{path} 不属于该项目的作业。",
    "There is no job {job_id} in this project.": "该项目中没有作业 {job_id}。",
    "The job was started meanwhile; what it keeps is newer.": "作业在此期间被启动，其所保存的状态更新。",
    "The next resume of the job begins from it.": "下次恢复作业时从它开始。",
    "The next resume of the job begins from the same state as before.": "下次恢复作业时仍从原来的状态开始。",
    "The job is {status}: what it keeps from now on is newer.": "作业状态为 {status}：其今后保存的状态更新。",
    "The next resume of the job begins from {chosen}, as somebody has chosen.": (
        "下次恢复作业时从他人选择的 {chosen} 开始。"
    ),
    "The next resume of the job begins from its newest state; choose this one to go back to it.": (
        "下次恢复作业时从其最新状态开始；如需退回，请选择该状态。"
    ),
    "It is the newest known state of the job, and the next resume begins from it.": (
        "它是该作业已知的最新状态，下次恢复时从它开始。"
    ),
    "is savepoint {savepoint_id} of job {job_id}": "是作业 {job_id} 的 savepoint {savepoint_id}",
    "lies in a directory of job {job_id}": "位于作业 {job_id} 的目录中",
    "{path} {place}, and a state belongs to one job in the catalogue.": (
        "{path} {place}，而一个状态在目录中只属于一个作业。"
    ),
    "To start another job from it, choose it for that one (sluiceway savepoints choose, or DLI's import-savepoint"
    ").": "如需从它启动另一个作业，请为该作业选择它（sluiceway savepoints choose，或 DLI 的 import-savepoint）。",
    "job {job} was stopped with it": "作业 {job} 停止时保存了它",
    "the latest run of job {job} was started from it": "作业 {job} 的最近一次运行从它启动",
    "it is the newest savepoint of job {job}": "它是作业 {job} 最新的 savepoint",
    "Flink owns it since job {job} was resumed from it in claim mode, and that job's later states may use its "
    "files": "作业 {job} 以 claim 模式从它恢复后，它归 Flink 所有，该作业之后的状态可能使用其文件",
    "job {job} is to be resumed from it": "作业 {job} 将从它恢复",
    "it is protected since its registration for job {job}": "为作业 {job} 登记后，它受到保护",
    "Resume the job and stop it anew, or delete the job": "请恢复作业并重新停止，或删除作业",
    "Register it again without protection": "请不带保护重新登记",
    "There is no savepoint {savepoint_id} in this project.": "该项目中没有 savepoint {savepoint_id}。",
    "Savepoint {savepoint_id} was removed; there is nothing left to read.": (
        "savepoint {savepoint_id} 已删除，没有可以读取的内容。"
    ),
    "Savepoint {savepoint_id} cannot be read from here now: {error}": (
        "当前从这里无法读取 savepoint {savepoint_id}：{error}"
    ),
    "Flink owns it, and may have removed what it no longer needs:": "它归 Flink 所有，不再需要的部分可能已被删除：",
    "Savepoint {savepoint_id} is still needed: {needed_by}.": "仍需要 savepoint {savepoint_id}：{needed_by}。",
    "{ways_out}, or delete the savepoint by force.": "{ways_out}，或强制删除该 savepoint。",
    "Savepoint {savepoint_id} belongs to Flink: job {job_id} runs on its files.": (
        "savepoint {savepoint_id} 归 Flink 所有：作业 {job_id} 正在使用其文件。"
    ),
    "Stop that job first.": "请先停止该作业。",
    "Savepoint {savepoint_id} was not removed: {error}": "未删除 savepoint {savepoint_id}：{error}",
    "Savepoint {savepoint_id} may not be removed completely: {error}": (
        "savepoint {savepoint_id} 可能没有完全删除：{error}"
    ),
    "{path} is among the service's own directories; name another, or none.": (
        "{path} 位于服务自己的目录中，请指定其他目录，或不指定。"
    ),
    "Newer: {shown}{more}.": "更新的状态：{shown}{more}。",
    "a checkpoint": "checkpoint",
    "of {at}": "（{at}）",
    "Raise execution.checkpointing.timeout.": "请提高 execution.checkpointing.timeout。",
}
