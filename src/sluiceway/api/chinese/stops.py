"""Why stops, savepoints, starts and moves are as they are, and how jobs fare."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "other savepoints of its cluster go first": "同一集群的其他 savepoint 优先进行",
    "The job is to be stopped.": "作业即将被停止。",
    "The job was {state} before it was begun.": "作业在开始之前的状态为 {state}。",
    "Nothing was begun.": "没有开始任何操作。",
    "Nothing was sent.": "没有发送任何请求。",
    "the cluster has not finished it": "集群尚未完成该操作",
    "it is still being written": "仍在写入",
    "it is over ({why}), and Flink has yet to bring the job back": "该操作已结束（{why}），而 Flink 尚未恢复作业",
    "After it was asked for,": "发出请求之后，",
    "the cluster has not confirmed the request": "集群尚未确认该请求",
    "The cluster forgot it.": "集群已不记得该操作。",
    "The job is {state}, and Flink no longer says why.": "作业状态为 {state}，Flink 已不再说明原因。",
    "The job is {state}.": "作业状态为 {state}。",
    "The cluster no longer knows the job.": "集群已不再识别该作业。",
    "Its application cluster has gone, perhaps with the job.": "其 Application 集群已消失，作业可能也随之结束。",
    "Flink reports it; it could not be verified: {why}": "Flink 报告了该 savepoint，但无法校验：{why}",
    "Whether it is complete could not be read ({why}); look in {target}.": (
        "无法读取并确认其是否完整（{why}），请查看 {target}。"
    ),
    "It is not whole: {path} ({why}).": "它不完整：{path}（{why}）。",
    "Nothing was found in {target}.": "在 {target} 中什么也没有找到。",
    "Only {path} was found there.": "其中只找到 {path}。",
    "Flink reports it at {claim}.": "Flink 报告其位于 {claim}。",
    "not all of its tasks run.": "其 task 没有全部运行。",
    "It has yet to begin: {why}.": "尚未开始：{why}。",
    "It could not be begun in time: {why}.": "未能及时开始：{why}。",
    "No result in time: {why}.": "未能及时得到结果：{why}。",
    "It is still watched, and will lie under {target}.": "服务会继续跟踪，其结果将位于 {target}。",
    "Flink had reported it at {claim}.": "Flink 曾报告其位于 {claim}。",
    "The savepoint was given up by a later request without one.": (
        "后来的一个不保留 savepoint 的请求放弃了该 savepoint。"
    ),
    "Its savepoint, which is not its last state, lies at {savepoint_path}.": (
        "其 savepoint 位于 {savepoint_path}，但不是最后的状态。"
    ),
    "The job was seen running again after its stop ended as {phase}.": (
        "停止操作以 {phase} 结束之后，又发现作业在运行。"
    ),
    "Nothing was sent, and the job was left as it is.": "没有发送任何请求，作业保持原样。",
    "Fix the cause and stop it again, or stop it without a savepoint.": (
        "请排除原因后再次停止，或不保留 savepoint 停止。"
    ),
    "A stop from the command line (--if-not-running cancel) or by Sluiceway's own API (if_not_running) can "
    "cancel it and keep its last checkpoint.": (
        "通过命令行（--if-not-running cancel）或 Sluiceway 自己的 API（if_not_running）停止时，可以取消作业并保留"
        "其最近的 checkpoint。"
    ),
    "the cluster has not finished the attempt": "集群尚未完成该次尝试",
    "the attempt has failed ({why}), and Flink has yet to show its effect": (
        "该次尝试已失败（{why}），而 Flink 尚未显示其后果"
    ),
    "Its tasks were not all running in time.": "其 task 未能及时全部运行。",
    "Waiting until all of its tasks run.": "正在等待其所有 task 运行。",
    "Its tasks were not all running.": "其 task 没有全部运行。",
    "It was to be canceled if it did not run.": "按要求，作业未运行时将被取消。",
    "the job runs on although its cancel was confirmed": "取消已得到确认，但作业仍在运行",
    "The cluster forgot the attempt; the job runs on.": "集群已不记得该次尝试，作业继续运行。",
    "Nothing was sent; the job runs on.": "没有发送任何请求，作业继续运行。",
    "the job has yet to end": "作业尚未结束",
    "the savepoint is still being written": "savepoint 仍在写入",
    "a savepoint that somebody else triggered, {path}, has overtaken this stop, which cannot end any more": (
        "由他人触发的 savepoint {path} 先于本次停止完成，使停止操作无法结束"
    ),
    "A savepoint that somebody else triggered, {path}, overtook this stop; it was kept, the job canceled.": (
        "由他人触发的 savepoint {path} 先于本次停止完成；已保留该 savepoint 并取消作业。"
    ),
    "it has no complete checkpoint": "它没有完整的 checkpoint",
    "its checkpoints do not outlive a cancel": "取消后其 checkpoint 不会保留",
    "its last checkpoint is {now} s old": "其最近的 checkpoint 已有 {now} 秒",
    "The job runs on: {against}.": "作业继续运行：{against}。",
    "After attempt {attempt} was sent,": "第 {attempt} 次尝试发出之后，",
    "Nothing was sent yet; it will be when that is possible.": "尚未发送任何请求，条件允许时会发送。",
    "Its savepoint, if any, will lie under {target}.": "如果有 savepoint，将位于 {target}。",
    "Flink has reported its savepoint at {claim}.": "Flink 已报告其 savepoint 位于 {claim}。",
    "It is still watched.": "服务会继续跟踪。",
    "Its application cluster has gone with it.": "其 Application 集群已随之消失。",
    "its application cluster refuses connections: it has ended, perhaps with the job, or is being restarted.": (
        "其 Application 集群拒绝连接：它已结束（作业可能也随之结束），或正在重启。"
    ),
    "Flink reports the savepoint; it could not be verified: {why}": "Flink 报告了该 savepoint，但无法校验：{why}",
    "Flink reports a savepoint at {path}, but it is broken: {why}": (
        "Flink 报告 savepoint 位于 {path}，但它已损坏：{why}"
    ),
    "Flink reports a savepoint at {path}, but nothing was found there.": (
        "Flink 报告 savepoint 位于 {path}，但在该处什么也没有找到。"
    ),
    "Its savepoint was found on storage.": "已在存储中找到其 savepoint。",
    "If you know that it is gone for good, stop the job again without a savepoint, which settles this.": (
        "如果确定它不会再恢复，请不保留 savepoint 再次停止该作业，即可了结。"
    ),
    "Flink had reported its savepoint.": "Flink 曾报告其 savepoint。",
    "Flink had reported its savepoint; it could not be verified: {why}": "Flink 曾报告其 savepoint，但无法校验：{why}",
    "Flink had reported its savepoint at {path}, but it is broken: {why}": (
        "Flink 曾报告其 savepoint 位于 {path}，但它已损坏：{why}"
    ),
    "Flink had reported its savepoint at {claim}, but nothing was found there.": (
        "Flink 曾报告其 savepoint 位于 {claim}，但在该处什么也没有找到。"
    ),
    "Its savepoint was complete before the cancel came.": "取消到达之前，其 savepoint 已经完成。",
    "The cancel had been confirmed.": "取消曾得到确认。",
    "Its application cluster has gone, and nobody has seen how the job ended: the cancel did not reach it.": (
        "其 Application 集群已消失，且没有人看到作业如何结束：取消请求没有到达。"
    ),
    "No savepoint was under way.": "当时没有进行中的 savepoint。",
    "What was to be kept, {left}, may not be its last state.": "原本要保留的 {left} 可能不是其最后的状态。",
    "Flink no longer has the result; the savepoint was found on storage.": (
        "Flink 已没有该结果；已在存储中找到 savepoint。"
    ),
    "Flink says of the stop: {refusal}": "对于该停止，Flink 的说明为：{refusal}",
    "A complete savepoint lies at {path}, but it may not be its last state.": (
        "{path} 处有一个完整的 savepoint，但可能不是其最后的状态。"
    ),
    "The job ended as {state}.": "作业以 {state} 结束。",
    "The job was already {state} when it was to be canceled.": "将要取消时，作业状态已为 {state}。",
    "It was canceled; its last checkpoint is kept.": "作业已取消，并保留了其最近的 checkpoint。",
    "The job moved on after {path}, which was to be kept.": "原本要保留 {path}，但作业在此之后又有进展。",
    "It was canceled, but {left} is not there or not whole.": "作业已取消，但 {left} 不存在或不完整。",
    "It was canceled, and has newer checkpoints than {left}, which could not be read: {why}": (
        "作业已取消，且有比 {left} 更新的 checkpoint，但无法读取：{why}"
    ),
    "It was canceled; {left} was not verified: {why}": "作业已取消；未能校验 {left}：{why}",
    "The job finished by itself before it could be stopped; there is no savepoint.": (
        "作业在停止之前已自行完成；没有 savepoint。"
    ),
    "The job failed while it was to be stopped; there is no savepoint.": "作业在停止过程中失败；没有 savepoint。",
    "The job was canceled by somebody else while it was to be stopped; there is no savepoint.": (
        "作业在停止过程中被他人取消；没有 savepoint。"
    ),
    "Whether its savepoint is complete could not be read ({why}); look in {target}.": (
        "无法读取并确认其 savepoint 是否完整（{why}），请查看 {target}。"
    ),
    "A complete savepoint lies at {path}, but the job may have run on after it.": (
        "{path} 处有一个完整的 savepoint，但作业在此之后可能继续运行过。"
    ),
    "Its savepoint is not complete: {path} ({why}).": "其 savepoint 不完整：{path}（{why}）。",
    "No savepoint was found in {target}.": "在 {target} 中没有找到 savepoint。",
    "A copy of it that was lost runs again as {flink_job_id}.": (
        "之前丢失的一个副本又在运行，其 Flink 作业 ID 为 {flink_job_id}。"
    ),
    "Cancel one of the two in Flink.": "请在 Flink 中取消两者之一。",
    "the job keeps a changelog of its state, and resumes no other way.": (
        "作业使用 changelog 状态后端，只能以这种方式恢复。"
    ),
    "Flink owns {restore} from now on: {why}": "{restore} 从现在起归 Flink 所有：{why}",
    "Its application cluster refuses connections: it has ended, perhaps with the job, or is being restarted.": (
        "其 Application 集群拒绝连接：它已结束（作业可能也随之结束），或正在重启。"
    ),
    "If you know that it is gone for good, stop the job without a savepoint.": (
        "如果确定它不会再恢复，请不保留 savepoint 停止该作业。"
    ),
    "Its application cluster has gone.": "其 Application 集群已消失。",
    "The cluster no longer knows this job.": "集群已不再识别该作业。",
    "Stopped before the cluster had it.": "在集群接收之前已停止。",
    "Its last savepoint failed: {reason}": "其最近一次 savepoint 失败：{reason}",
    "The embedded Flink that ran this job has ended, and the job with it.": (
        "运行该作业的内嵌 Flink 已结束，作业也随之结束。"
    ),
    "Run it again; when resumed, it starts from its latest checkpoint or savepoint.": (
        "请重新运行；选择恢复时，将从最近的 checkpoint 或 savepoint 启动。"
    ),
    "the look at the cluster does not show the job": "对集群的查看没有显示该作业",
    "the cluster does not tell yet whether the job ran on after what is to be kept": (
        "集群尚未表明作业在要保留的状态之后是否继续运行过"
    ),
    "the cluster shows the state {named}, which is not known": "集群显示未知的状态 {named}",
    "the cluster may still tell of the job as it was before its first checkpoint": (
        "集群返回的可能仍是作业首个 checkpoint 之前的情况"
    ),
    "the cluster may still tell of the job as it was before it was canceled": "集群返回的可能仍是作业取消之前的情况",
    "The job did not end with this stop's savepoint.": "作业不是以本次停止的 savepoint 结束的。",
    "the cluster does not know the attempt, and its list leaves out the job": (
        "集群不认识该次尝试，其列表中也没有该作业"
    ),
    "the cluster does not know the attempt, and has restarted the job": "集群不认识该次尝试，并且重启了作业",
    "The job ended as {state} after its savepoint was complete: {told}": (
        "作业在其 savepoint 完成之后以 {state} 结束：{told}"
    ),
    "a savepoint of the job is under way, and ends first": "该作业有一个 savepoint 正在进行，需先结束",
    "It does not run steadily{since}: at least {times} in 10 minutes.": (
        "作业{since}未能稳定运行：10 分钟内至少 {times}。"
    ),
    "It waits for slots{since}: it lacks {wanted}, and the cluster has {free} free.": (
        "作业{since}在等待 slot：缺少 {wanted!s} 个，集群空闲 {free!s} 个。"
    ),
    "{running} of its {tasks} tasks run{since}.": "其 {tasks} 个 task 中，{since}有 {running} 个在运行。",
    "Its job never ran steadily, so a resume takes what it was started from, {restore}.": (
        "该作业从未稳定运行，因此恢复时使用其启动时的状态 {restore}。"
    ),
    "It has yet to show that it lasts.": "尚需证明能持续运行。",
    "It waits for its first checkpoint.": "正在等待首个 checkpoint。",
    "It takes no checkpoints; all of its tasks have run for a time.": (
        "作业不做 checkpoint；其所有 task 已运行一段时间。"
    ),
    "did not come back": "未能恢复",
    "{restarts} restart{s} in {lasts} s": "{lasts} 秒内重启 {restarts} 次",
    "The state that it started from is intact: {restore}.": "其启动所用的状态完好：{restore}。",
    "Parked: it did not come back; at least {times}.": "已搁置：未能恢复；至少 {times}。",
    "Its start was withdrawn by {who}.": "其启动由 {who} 撤回。",
    "The move was aborted before it was started there.": "迁移在目标集群启动之前已中止。",
    "Others have started or stopped it since.": "此后该作业又被他人启动或停止过。",
    "did not stop": "未能停止",
    "{failures} of {total} jobs {what}; the limit is {abort_failures}.": (
        "{total} 个作业中有 {failures} 个{what}；上限为 {abort_failures}。"
    ),
    "Withdrawn by {who}.": "由 {who} 撤回。",
    "As plan {id} of {who} shows.": "按 {who!s} 的计划 {id}。",
    "not in it": "不在其中",
    "Where it would, nothing is sent.": "如果会导致失败，则不发送任何请求。",
    "a stop of it is stored": "会存储其停止操作",
    "its stop that is under way gets a new deadline": "其进行中的停止操作会得到新的期限",
    "it does not run, and is marked as stopped": "作业没有运行，标记为已停止",
    "An earlier stop of this job is still under way; its deadline starts again.": (
        "该作业之前的停止操作仍在进行，其期限重新计算。"
    ),
    "It takes the place of a stop with a savepoint that had sent nothing.": (
        "它取代了一个尚未发送任何请求的带 savepoint 的停止操作。"
    ),
    "It was started anew since the dry run showed it.": "试运行之后作业被重新启动过。",
    "It is already being canceled without a savepoint.": "作业正在被取消，且不保留 savepoint。",
    "It is stopped already, without a savepoint.": "作业已停止，且没有 savepoint。",
    "It is stopped already": "作业已停止",
    "It was started anew, under its Flink job id, from the savepoint that it was stopped with.": (
        "它以相同的 Flink 作业 ID，从停止时的 savepoint 重新启动。"
    ),
    "did not move": "未能迁移",
    "Aborted by {who}.": "由 {who} 中止。",
    "It was not started: {refusal}.": "没有启动：{refusal}。",
    "It could not be started, and was then asked to stop": "它未能启动，之后被要求停止",
    "It had failed, and was then asked to stop": "它已失败，之后被要求停止",
    "It had finished, and was then asked to stop": "它已完成，之后被要求停止",
    "It brings back what stop {source} has stopped.": "它恢复停止操作 {source} 所停止的作业。",
    "It starts from {restore}.": "从 {restore} 启动。",
    "It runs on cluster {queue} from now on.": "从现在起在集群 {queue} 上运行。",
    "Move {move}: its jobs are started on cluster {cluster} once they have stopped.": (
        "迁移操作 {move}：其作业停止之后在集群 {cluster} 上启动。"
    ),
    "What failed is tried again under the id {order}.": "失败的部分以 ID {order} 重试。",
    "{detail} ({times} more times since)": "{detail}（此后又有 {times} 次）",
    "It was imported.": "已导入。",
    "Its tags were changed.": "其标签已修改。",
    "a request": "某个请求",
    "since {since}": "自 {since} 起",
    "Cause: {cause}": "原因：{cause}",
    "{restarts} restart{s}": "重启 {restarts} 次",
    "Savepoint failed: {reason}": "savepoint 失败：{reason}",
    "Waiting: {why}.": "等待中：{why}。",
    "Hanging: {told}.": "停止操作无法结束：{told}。",
    "Flink says: {text}": "Flink 的说明：{text}",
    "some": "若干",
    "unknown": "未知",
    "somebody": "某人",
    "Format: {asked}.": "格式：{asked}。",
    "It is stopped already, with {kept}.": "作业已停止，savepoint 为 {kept}。",
    "submitting failed: {error}": "提交失败：{error}",
    "Raise --embedded-slots.": "请提高 --embedded-slots。",
    "Raise --embedded-heap.": "请提高 --embedded-heap。",
    "Raise --embedded-managed.": "请提高 --embedded-managed。",
    "It is stopped already.": "作业已停止。",
    "found in": "发现于",
    "back, by its {known_by}, in": "按其 {known_by!s} 识别，重新出现在",
    "{name}: {how} cluster {cluster} as {flink_job_id}{anew}.": (
        "{name}：{how}集群 {cluster}，Flink 作业 ID 为 {flink_job_id}{anew}。"
    ),
    ", started anew": "，已重新启动",
    "submitting was broken off": "提交被中断",
    "name": "名称",
    "Flink job id": "Flink 作业 ID",
}
