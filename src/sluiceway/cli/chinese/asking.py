"""What is said before something is done to jobs: which are meant, what is at stake, and whether to go on."""

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    # Questions.
    "{why} asks first, and there is no terminal to ask at. Nothing was done. Give --yes to do it without a question.": (
        "“{why}”需要先确认，但当前没有可供确认的终端。未执行任何操作。指定 --yes 可不经确认直接执行。"
    ),
    "{jobs} would be {done}, and there is no terminal to ask at. Nothing was done. Give --yes to do it without a "
    "question.": "{jobs}将被{done}，但当前没有可供确认的终端。未执行任何操作。指定 --yes 可不经确认直接执行。",
    "{jobs} would be {done}": "{jobs}将被{done}",
    "{jobs} would be {done}.": "{jobs}将被{done}。",
    "{head}:": "{head}：",
    "Type yes to go on: ": "输入 yes 继续：",
    "Type the number, {word}, to go on: ": "输入作业数量 {word} 继续：",
    "Nothing was done.": "未执行任何操作。",
    "Nothing was done: {word} was not typed. --yes asks nothing.": (
        "未执行任何操作：没有输入 {word}。指定 --yes 可跳过确认。"
    ),
    "{variable} is a number of jobs, and not {given!r}.": "{variable} 应为作业数量，不能是 {given!r}。",
    "Nothing was done: {count} jobs would be {done}, and a request names {most} at most. Choose fewer ({options}), or "
    "give --yes, which takes whatever matches when it arrives.": (
        "未执行任何操作：{count} 个作业将被{done}，而一次请求最多指定 {most} 个。请缩小选择范围（{options}），"
        "或指定 --yes，此时以请求到达时匹配的作业为准。"
    ),
    # What becomes of jobs, in those questions.
    "stopped": "停止",
    "canceled without a savepoint": "取消且不保留 savepoint",
    "resumed": "恢复",
    "started from nothing": "从零启动",
    "deleted": "删除",
    "removed": "移除",
    "stopped, and started on {cluster}": "停止，并在 {cluster} 上启动",
    "a move": "迁移",
    # What is at stake.
    "{jobs} ({names})": "{jobs}（{names}）",
    "{jobs}: {what}": "{jobs}：{what}",
    "{jobs}: {what} (and the like)": "{jobs}：{what}（及类似情况）",
    "starts again from its last checkpoint if its savepoint fails": (
        "如果 savepoint 失败，将从最近的 checkpoint 重新启动"
    ),
    "starts again from nothing if its savepoint fails": "如果 savepoint 失败，将从零重新启动",
    "ends if its savepoint fails": "如果 savepoint 失败，作业将结束",
    "may end or start again if its savepoint fails": "如果 savepoint 失败，作业可能结束或重新启动",
    "and more: --dry-run shows all of it": "还有更多：--dry-run 可显示全部",
    "{jobs}: may be running, and would lose their progress; sluiceway stop ID --wait keeps that first": (
        "{jobs}：可能正在运行，删除将丢失其进度；可先用 sluiceway stop ID --wait 保留"
    ),
    "{jobs}: stopped with state, which nothing could be resumed from": (
        "{jobs}：已停止并保留了状态，删除后将无法从该状态恢复"
    ),
    "{jobs} beside them: refused": "另有 {jobs}：被拒绝",
    "The cluster that they go to has {free} free slots, and they need {wanted} or more. Give it more TaskManagers, or "
    "move fewer at once: --max-parallel.": (
        "目标集群有 {free} 个空闲 slot，而这些作业至少需要 {wanted} 个。请增加 TaskManager，"
        "或用 --max-parallel 减少同时迁移的作业。"
    ),
    "Carry out exactly this within 12 hours with: sluiceway {command} --plan {plan}": (
        "如需在 12 小时内完全按此结果执行，请运行：sluiceway {command} --plan {plan}"
    ),
    # Which jobs.
    "Say which jobs: their ids or names.": "请指定作业：ID 或名称。",
    "Say which jobs, in one way: their ids or names, or what they have in common.": (
        "请用一种方式指定作业：ID 或名称，或它们的共同条件。"
    ),
    "Say which jobs, in one way: their ids or names, or what they have in common ({options}).": (
        "请用一种方式指定作业：ID 或名称，或它们的共同条件（{options}）。"
    ),
    "Say which jobs to stop, in one way: their ids or names, or what they have in common ({options}, or --all), or "
    "--wave, or --plan.": (
        "请用一种方式指定要停止的作业：ID 或名称，或它们的共同条件（{options} 或 --all），或 --wave，或 --plan。"
    ),
    "Say which jobs to move, in one way: their ids or names, or what they have in common ({options}, or --all), or "
    "--wave.": "请用一种方式指定要迁移的作业：ID 或名称，或它们的共同条件（{options} 或 --all），或 --wave。",
    "--all leaves nothing to choose; leave it out, or everything else.": (
        "--all 已包含全部作业，不能再指定选择条件。请去掉 --all 或其他条件。"
    ),
    "{option} {text} is not KEY=VALUE.": "{option} {text} 不是 KEY=VALUE 形式。",
    "{option} {key}{equals}{value} is not KEY=VALUE": "{option} {key}{equals}{value} 不是 KEY=VALUE 形式",
    "{option} {text} is one KEY=VALUE, and nothing else. Write -l 'KEY!=VALUE', -l 'KEY in (A,B)', or "
    "-l '{key}={value}' for exactly that.": (
        "{option} {text} 只能是一个 KEY=VALUE。请使用 -l 'KEY!=VALUE'、-l 'KEY in (A,B)'，"
        "如果确实是这个值，请使用 -l '{key}={value}'。"
    ),
    "--tag {key} is given {count} times; a job has one value for each tag.": (
        "--tag {key} 指定了 {count} 次，而作业的每个标签只有一个值。"
    ),
    "Nothing was done: these are {count} jobs, and a request names {most} at most.": (
        "未执行任何操作：共有 {count} 个作业，而一次请求最多指定 {most} 个。"
    ),
    "1 job is left out: what they read and write is not all known yet. Choose those by other means.": (
        "未包含 1 个作业：其读写的内容尚未全部获知。请用其他方式选择。"
    ),
    "{count} jobs are left out: what they read and write is not all known yet. Choose those by other means.": (
        "未包含 {count} 个作业：其读写的内容尚未全部获知。请用其他方式选择。"
    ),
    "There is no job in project {project} that {can}; nothing was done.": (
        "项目 {project} 中没有{can}的作业，未执行任何操作。"
    ),
    "None of the jobs that match {choice} {can} ({those}); nothing was done.": (
        "匹配 {choice} 的作业中没有{can}的（{those}），未执行任何操作。"
    ),
    "No job in project {project} matches {choice}; nothing was done.": (
        "项目 {project} 中没有匹配 {choice} 的作业，未执行任何操作。"
    ),
    "No job in project {project} matches {choice}.": "项目 {project} 中没有匹配 {choice} 的作业。",
    "{jobs}: {counts}": "{jobs}：{counts}",
    "{jobs}, the latest of them {counts}": "{jobs}，其中最新的为 {counts}",
    "can be stopped now": "当前可以停止",
    "can be resumed": "可以恢复",
    "can be started": "可以启动",
    "can be moved now": "当前可以迁移",
    "can be saved now": "当前可以创建 savepoint",
    "can be waited for": "可以等待",
    "there is": "符合条件",
}
