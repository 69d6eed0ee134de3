"""What is said of stops, resumes and moves, and while one of them is waited for."""

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    # All of them.
    "stop": "停止操作",
    "resume": "恢复操作",
    "move": "迁移操作",
    "{name} {order}": "{name} {order}",
    "{name} {order} of {at}": "{name} {order}，{at}",
    " by {who}": "，由 {who} 发起",
    ", without savepoints": "，不保留 savepoint",
    ", of stop {stop_id}": "，对应停止操作 {stop_id}",
    " to {cluster}": "，迁移到 {cluster}",
    ": {reason}": "：{reason}",
    "{jobs}, {state}: {counts}": "{jobs}，{state}：{counts}",
    "none left": "没有剩余作业",
    "Plan {plan}, made by {planned_by}; carried out by {who}.": "计划 {plan} 由 {planned_by} 制定，由 {who} 执行。",
    "Withdrawn: {withdrawn}. See: sluiceway {orders} show {order}": (
        "已撤回：{withdrawn}。查看：sluiceway {orders} show {order}"
    ),
    "{name} {order} goes on. Watch it with: sluiceway {orders} watch {order}": (
        "{name} {order} 继续进行。跟踪进度：sluiceway {orders} watch {order}"
    ),
    "{name} {order} was not paused; it is {was}.": "{name} {order} 没有暂停，其状态为 {was}。",
    "Look again with: sluiceway {orders} show {order} --wait": "再次查看：sluiceway {orders} show {order} --wait",
    "The {name} goes on. Look again with: sluiceway {orders} watch {order}": (
        "{name}仍在进行。再次查看：sluiceway {orders} watch {order}"
    ),
    "The {name} goes on. {again}": "{name}仍在进行。{again}",
    "The service has not answered in time; the {name} goes on. {again}": "服务未及时响应；{name}仍在进行。{again}",
    # Stops.
    "Stop {id} is accepted for {jobs}. Look at it with: sluiceway stops show {id}": (
        "停止操作 {id} 已受理，包含 {jobs}。查看：sluiceway stops show {id}"
    ),
    "Stop {id} is accepted for {jobs}. Look at it with: sluiceway stops show {id}; undo it with: sluiceway resume "
    "{id}": "停止操作 {id} 已受理，包含 {jobs}。查看：sluiceway stops show {id}；撤销：sluiceway resume {id}",
    "Of stop {of}, no job has failed.": "停止操作 {of} 中没有失败的作业。",
    "So are {more} more.": "另有 {more} 个作业同样如此。",
    "The stop is paused: {state_reason} Continue it, or give up the rest, with: sluiceway stops proceed {id}, or: "
    "sluiceway stops abort {id}": (
        "停止操作已暂停：{state_reason} 继续执行：sluiceway stops proceed {id}，放弃其余部分："
        "sluiceway stops abort {id}"
    ),
    "The time is up; the stop goes on. {again}": "等待时间已到；停止操作仍在进行。{again}",
    "{jobs} went over to a later stop; see `sluiceway stops list`": (
        "{jobs}已转到后来的停止操作；请查看 `sluiceway stops list`"
    ),
    "{jobs} stopped with a savepoint that the service could not read and verify": (
        "{jobs}已停止，但服务无法读取和校验其 savepoint"
    ),
    "--on-failure cancel_keeping_checkpoint and --max-checkpoint-age go together: how old the checkpoint may be that a "
    "job is canceled for.": (
        "--on-failure cancel_keeping_checkpoint 必须与 --max-checkpoint-age 同时使用：后者是取消作业时"
        "所保留的 checkpoint 的最长时间。"
    ),
    "--no-savepoint leaves nothing to drain, write, try again or fall back from.": (
        "--no-savepoint 不创建 savepoint，不能与排空、格式、目录、重试或失败处理的选项同时使用。"
    ),
    "--window tells a dry run how long the jobs will stay stopped: it needs --dry-run.": (
        "--window 用于告知试运行作业将停止多久，需要与 --dry-run 一起使用。"
    ),
    "A plan already says which jobs to stop and how; give nothing but --reason beside it.": (
        "计划已包含要停止的作业和方式，除 --reason 外不能再指定其他内容。"
    ),
    "--wave is empty; write queue=Q, tag:KEY=VALUE, or ids and names with commas.": (
        "--wave 为空，请填写 queue=Q、tag:KEY=VALUE，或用逗号分隔的 ID 和名称。"
    ),
    "--abort-when {text} is neither a number above 0 nor a share such as 10%.": (
        "--abort-when {text} 既不是大于 0 的整数，也不是 10% 这样的比例。"
    ),
    # Resumes.
    "Resume {id} is accepted for {jobs}. Look at it with: sluiceway resumes show {id}": (
        "恢复操作 {id} 已受理，包含 {jobs}。查看：sluiceway resumes show {id}"
    ),
    "There is no job to bring back.": "没有需要恢复的作业。",
    "The resume is paused: {state_reason} Continue it, or give up the rest, with: sluiceway resumes proceed {id}, or: "
    "sluiceway resumes abort {id}": (
        "恢复操作已暂停：{state_reason} 继续执行：sluiceway resumes proceed {id}，"
        "放弃其余部分：sluiceway resumes abort {id}"
    ),
    "It goes on. {again}": "操作仍在进行。{again}",
    "{jobs} did not come back. Fix the causes, then: sluiceway resume {id} --failed --wait": (
        "{jobs}未能恢复。请排除原因后执行：sluiceway resume {id} --failed --wait"
    ),
    "Say what to resume, in one way: the id of a stop, or --job with ids or names, or what the jobs have in common "
    "({options}), or --plan.": (
        "请用一种方式指定要恢复的作业：停止操作的 ID，或 --job 加 ID 或名称，或作业的共同条件（{options}），或 --plan。"
    ),
    "--failed is about a stop or a resume: give its id.": "--failed 针对某次停止或恢复操作，请指定其 ID。",
    "A plan has its own terms, or leave out --dry-run and the options that allow something.": (
        "计划已包含自己的条件，请去掉 --dry-run 和表示允许的选项。"
    ),
    "A plan already says how to bring the jobs back; give nothing beside it.": (
        "计划已包含恢复作业的方式，不能再指定其他内容。"
    ),
    "--no-park leaves no --park-after and no --park-restarts.": (
        "--no-park 不能与 --park-after 或 --park-restarts 同时使用。"
    ),
    # Moves.
    "--from and --cluster say the same: on which clusters the jobs are. Give one of them.": (
        "--from 和 --cluster 含义相同，都是作业所在的集群，请只指定一个。"
    ),
    "Move {id} to {to} is accepted for {jobs}. Look at it with: sluiceway moves show {id}": (
        "迁移到 {to} 的操作 {id} 已受理，包含 {jobs}。查看：sluiceway moves show {id}"
    ),
    "There is no job to move.": "没有需要迁移的作业。",
    "Move {move_id} goes on.": "迁移操作 {move_id} 继续进行。",
    "The start of {jobs} is tried again.": "正在重新尝试启动 {jobs}。",
    "Watch it with: sluiceway moves show {move_id} --wait": "跟踪进度：sluiceway moves show {move_id} --wait",
    "Move {move_id} was not paused, and no start was refused; it is {was}.": (
        "迁移操作 {move_id} 没有暂停，也没有被拒绝的启动，其状态为 {was}。"
    ),
    "The move is paused: {state_reason} Continue it, or give up the rest, with: sluiceway moves proceed {id}, or: "
    "sluiceway moves abort {id}": (
        "迁移操作已暂停：{state_reason} 继续执行：sluiceway moves proceed {id}，放弃其余部分："
        "sluiceway moves abort {id}"
    ),
    "The time is up; the move goes on. {again}": "等待时间已到；迁移操作仍在进行。{again}",
    "{jobs} stopped and did not start on {to}. Start them where they were with: sluiceway moves back {id} --wait\nor "
    "there, once the cause is fixed, with: {again}": (
        "{jobs}已停止，但未能在 {to} 上启动。在原集群启动：sluiceway moves back {id} --wait\n"
        "或在排除原因后在目标集群启动：{again}"
    ),
    "Move {id} to {cluster}: stopped by stop {stop_id}.": "迁移到 {cluster} 的操作 {id}：由停止操作 {stop_id} 停止。",
    "Move {id} to {cluster}: stopped by stop {stop_id}, and started by resume {resume_id}.": (
        "迁移到 {cluster} 的操作 {id}：由停止操作 {stop_id} 停止，由恢复操作 {resume_id} 启动。"
    ),
    # Waiting for anything.
    "Waiting for {for_}": "正在等待 {for_}",
    "This will not be {wanted} by itself: {lost}": "以下对象不会自行变为 {wanted}：{lost}",
    "The time is up; {count} of {all} are not {wanted}.": "等待时间已到；{all} 个中有 {count} 个不是 {wanted}。",
    "{kind}/{name} is none of {known}, or a job.": "{kind}/{name} 不是 {known} 中的一种，也不是作业。",
    "{kind}/{name} is waited for with --for={condition}.": "等待 {kind}/{name} 请使用 --for={condition}。",
    "--for={wanted} is for jobs.": "--for={wanted} 仅用于作业。",
    "--for={wanted} is for stop/7, or cluster/prod.": "--for={wanted} 仅用于 stop/7 或 cluster/prod 这样的对象。",
    "{kind}/{name} has no number of a {kind}, as in {kind}/7.": (
        "{kind}/{name} 中没有 {kind} 的编号，应为 {kind}/7 这样的形式。"
    ),
    "nobody has asked it yet": "尚未查询过该集群",
}
