"""Why requests, and jobs of them, are refused."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "There is no stop {batch_id} in this project.": "该项目中没有停止操作 {batch_id}。",
    "You have no right to stop jobs on {barred}, where jobs of this stop are.": (
        "您没有停止 {barred} 上作业的权限，而该停止操作包含其上的作业。"
    ),
    "Others have started it, and its program is not known here: stop it, and start it there with the command "
    "that the stop shows; or give the job its jar and class first.": (
        "该作业由他人启动，此处不知道其程序：请停止它，并在目标集群用停止操作所显示的命令启动；或先为作业指定 "
        "jar 包和主类。"
    ),
    "it is a move": "它是一次迁移",
    "There is no move {move_id} in this project.": "该项目中没有迁移操作 {move_id}。",
    "You have no right to start jobs on {cluster}, where the jobs of this move go.": (
        "您没有在 {cluster} 上启动作业的权限，而该迁移的作业要到其上运行。"
    ),
    "It does not run: give it the queue {cluster}, and resume it.": (
        "作业没有运行：请将其队列改为 {cluster}，然后恢复。"
    ),
    "It is on cluster {cluster} already.": "作业已在集群 {cluster} 上。",
    "The Idempotency-Key {key} was given to another request before; use a new one.": (
        "幂等键 {key} 已用于之前的另一个请求，请使用新的幂等键。"
    ),
    "job {job_id} was {was}, and is {now}": "作业 {job_id} 原为 {was}，现为 {now}",
    "Plan {plan} no longer holds, and nothing was done: {told}{more}.": (
        "计划 {plan} 已不再适用，未执行任何操作：{told}{more}。"
    ),
    "Make the dry run again, and run that.": "请重新试运行，并执行新的计划。",
    "You follow {most} stops already, and more are not allowed.": "您已在跟踪 {most} 个停止操作，不能再增加。",
    "Close a stream first.": "请先关闭一个事件流。",
    "No cluster is registered as {queue}.": "没有注册名为 {queue} 的集群。",
    "the job is {status}": "作业状态为 {status}",
    "the job has never been run": "作业从未运行过",
    "its cluster cannot be reached now": "当前无法访问其集群",
    "its cluster does not answer": "其集群没有响应",
    "its cluster does not know the latest run": "其集群不认识最近一次运行",
    "There is no resume {order} in this project.": "该项目中没有恢复操作 {order}。",
    "Stop {stop_id} was not resumed yet, so there is nothing to retry.": (
        "停止操作 {stop_id} 尚未恢复，没有可重试的内容。"
    ),
    "You have no right to start jobs on {barred}, where jobs of this resume are.": (
        "您没有在 {barred} 上启动作业的权限，而该恢复操作包含其上的作业。"
    ),
    "There is no plan {plan_id} in this project, or no longer: plans last {lasts} hours.": (
        "该项目中没有计划 {plan_id}，或已过期：计划保留 {lasts} 小时。"
    ),
    "Make the dry run again.": "请重新试运行。",
    "Plan {plan_id} is one of a {kind}, and not of a {kind2}.": "计划 {plan_id} 属于 {kind}，而不是 {kind2}。",
    "There is no {kind} {batch_id} in this project.": "该项目中没有 {kind} {batch_id}。",
    "Other jobs run on cluster {cluster}, too, and print into the same logs: only an admin of every project sees "
    "them.": "集群 {cluster} 上还运行着其他作业，并写入相同的日志：只有所有项目的管理员才能查看。",
    "The job has never run.": "作业从未运行过。",
    "Cluster {name} has no TaskManager {process}.": "集群 {name} 没有 TaskManager {process}。",
    "Flink has no log file of {process}: it may write to its standard output alone.": (
        "Flink 没有 {process} 的日志文件：它可能只写到标准输出。"
    ),
    "A resource has at most {limit} bytes.": "一个资源最多 {limit} 字节。",
    "The service cannot store the upload on its disk: {why}.": "服务无法将上传内容保存到磁盘：{why}。",
    "Nothing of it is kept.": "没有保留任何内容。",
    "A group's name has up to 64 letters, digits, dots, hyphens and underscores.": (
        "分组名称最多 64 个字母、数字、点、连字符和下划线。"
    ),
    "A resource's name has 1 to 128 characters, without slashes and control characters.": (
        "资源名称为 1 到 128 个字符，不能有斜杠和控制字符。"
    ),
    "{name} is not a jar: its name must end with .jar.": "{name} 不是 jar 包：名称必须以 .jar 结尾。",
    "There is no resource {group}{name} in this project.": "该项目中没有资源 {group}{name}。",
    "There is no resource {name} in this project.": "该项目中没有资源 {name}。",
    "{word} is no {what} to choose by; there are {there}": "{word} 不是可选的 {what}；可选值为 {there}",
    "a selector has at most {longest} characters, and this one has {text}": (
        "选择器最多 {longest} 个字符，而它有 {text} 个"
    ),
    "there are more than {most} requirements": "条件超过 {most} 个",
    "a comma goes between two requirements": "两个条件之间应有逗号",
    "=, !=, in (…), notin (…) or a comma goes after a key": "键之后应为 =、!=、in (…)、notin (…) 或逗号",
    "( goes before the values, as in: tier in (source,sink)": "值之前应有左括号，例如 tier in (source,sink)",
    "there are more than {most_values} values": "值超过 {most_values} 个",
    "a comma or ) goes after a value": "值之后应为逗号或右括号",
    "{what} goes here; where it is no plain word, put it in double quotes": (
        "此处应为{what}；如果不是普通单词，请用双引号括起"
    ),
    "< and > stand in double quotes, or not at all": "< 和 > 只能出现在双引号中",
    "the quotes have no end": "引号没有结束",
    "at character {at}, {rest}": "第 {at} 个字符处，{rest}",
    "at its end": "末尾处",
    "{text} is no selector: {where}: {why}": "{text} 不是选择器：{where}：{why}",
    "The SQL uses {told}, which {few} of the project.": "SQL 使用了 {told}，该项目中没有这样的变量。",
    "Create it (`sluiceway variables set`), or correct it.": "请创建该变量（`sluiceway variables set`），或修改 SQL。",
    "With its variables the SQL has some {size} characters; at most {most_characters} are read.": (
        "代入变量后，SQL 约有 {size} 个字符；最多读取 {most_characters} 个。"
    ),
    "The SQL uses {names} variables; at most {most_used} are filled in.": (
        "SQL 使用了 {names} 个变量；最多代入 {most_used} 个。"
    ),
    "Set it again.": "请重新设置。",
    "There is no such job in this project.": "该项目中没有此作业。",
    "You have no right to start or stop jobs on its queue, {note}.": "您没有在其队列 {note} 上启动或停止作业的权限。",
    "Its status ({status}) does not allow it.": "作业状态（{status}）不允许。",
    "Neither a savepoint nor a checkpoint of it is known; run it without resuming.": (
        "没有已知的 savepoint 或 checkpoint；请不带恢复运行。"
    ),
    "Its queue {note} is not registered with this service.": "其队列 {note} 没有在本服务中注册。",
    "Its jar is missing.": "其 jar 包不存在。",
    "Something that its program depends on is missing.": "其程序的依赖不存在。",
    "This stop has no savepoint of it: {note}": "该停止操作没有该作业的 savepoint：{note}",
    "Try again when it can be.": "请在可以读取时重试。",
    "Others have started and stopped it since; run it with its newest savepoint instead.": (
        "此后该作业又被他人启动并停止过；请使用其最新的 savepoint 运行。"
    ),
    "Nobody has said what it is made of.": "尚未指定其程序。",
    "If somebody else has started it, say so with: sluiceway jobs program; or start it as they did, from its "
    "savepoint.": "如果由他人启动，请用 sluiceway jobs program 指定；或按他人的方式从其 savepoint 启动。",
    "Say which jobs to move: job_ids, or select, queue, name, tags, status, all, or waves.": (
        "请指定要迁移的作业：job_ids，或 select、queue、name、tags、status、all，或 waves。"
    ),
    "It could not be started: {words}{again}": "无法启动：{words}{again}",
    "window_seconds tells a dry run how long the jobs are to stay stopped: it needs dry_run.": (
        "window_seconds 用于告知试运行作业将停止多久，需要与 dry_run 一起使用。"
    ),
    "A plan already says which jobs to stop and how; give nothing but a reason beside it.": (
        "计划已包含要停止的作业和方式，除 reason 外不能再指定其他内容。"
    ),
    "Give either job_ids, or what the jobs have in common, not both.": "job_ids 和作业的共同条件只能指定其一。",
    "`all` leaves nothing to choose; leave out {chosen}, or `all`.": "`all` 表示全部，请去掉 {chosen}，或去掉 `all`。",
    "`select` says all about which jobs; put {others} into it.": (
        "`select` 已包含全部选择条件，请将 {others} 放入其中。"
    ),
    "Say which jobs to stop: job_ids, or select, queue, name, tags, status, all, or waves.": (
        "请指定要停止的作业：job_ids，或 select、queue、name、tags、status、all，或 waves。"
    ),
    "A wave is given either by job_ids, or by queue and tags.": "每一批可用 job_ids 指定，或用 queue 和 tags 指定。",
    "max_checkpoint_age_seconds goes with cancel_keeping_checkpoint, which needs it.": (
        "max_checkpoint_age_seconds 必须与 cancel_keeping_checkpoint 同时使用。"
    ),
    "Without a savepoint there is no {what}.": "不保留 savepoint 时不能指定 {what}。",
    "abort_when takes either failures or share.": "abort_when 只能指定 failures 或 share 之一。",
    "target is a directory as an absolute path or a URI, for example file:///mnt/flink/tonight.": (
        "target 应为绝对路径或 URI 形式的目录，例如 file:///mnt/flink/tonight。"
    ),
    "The selection is empty, and would mean every job; say what the jobs have in common.": (
        "选择条件为空，表示所有作业；请指定作业的共同条件。"
    ),
    "Say which jobs in one way: by job_ids, or by what they have in common in `select`.": (
        "请用一种方式指定作业：job_ids，或在 `select` 中指定共同条件。"
    ),
    "Only an admin may have savepoints written outside of the storage root.": (
        "只有管理员才能将 savepoint 写到存储根目录之外。"
    ),
    "Leave out target.": "请去掉 target。",
    "`failed` is about an earlier resume; leave it out, or name that.": (
        "`failed` 针对之前的恢复操作；请去掉，或指定该操作。"
    ),
    "A plan already says which jobs to bring back and how; give nothing beside it.": (
        "计划已包含恢复作业的方式，不能再指定其他内容。"
    ),
    "Without parking there is no park_after_seconds and no park_restarts.": (
        "不搁置时不能指定 park_after_seconds 和 park_restarts。"
    ),
    "keep_seconds is for how long it is protected; it goes with protect.": (
        "keep_seconds 是保护时长，必须与 protect 同时使用。"
    ),
    "{name}: it is not a whole number in digits": "{name}：不是由数字组成的整数",
    "The job is {status}, so nothing can be chosen for it.": "作业状态为 {status}，因此不能为其选择。",
    "Stop it first, or do not choose.": "请先停止作业，或不选择。",
    "it is missing; send a JSON object": "缺少请求体，请发送 JSON 对象",
    "The body is longer than {most} bytes, and no more is taken here.": "请求体超过 {most} 字节，此处不再接收。",
    "Send less in one request.": "请减少单次请求的内容。",
    "Deleting jobs, savepoints and resources still works, and makes room.": (
        "仍可删除作业、savepoint 和资源，以释放空间。"
    ),
    "The service cannot store anything now: {value}.": "服务当前无法保存数据：{value}。",
    "Do not count on the request as done; send it again later.": "不能认为请求已执行，请稍后重新发送。",
    "The body is not as expected: {str}": "请求体不符合要求：{str}",
    "Only who is admin in every project may change the clusters of the service.": (
        "只有所有项目的管理员才能修改服务的集群。"
    ),
    "A resource has at most {max_resource} bytes, and a signed request {max_body}.": (
        "资源最多 {max_resource} 字节，签名的请求最多 {max_body} 字节。"
    ),
    "Send larger ones with a token in X-Auth-Token in place of a signature.": (
        "更大的资源请在 X-Auth-Token 中携带 Token 发送，而不使用签名。"
    ),
    "a key": "键",
    "a value": "值",
    "access key {access} of {user} {why}": "{user} 的访问密钥 {access} {why}",
    "there is no such access key": "没有这样的访问密钥",
    "does not work: the user is disabled": "不可用：该用户已停用",
    "was revoked": "已吊销",
    "no such token, or it has ended": "没有这样的 Token，或已过期",
    "no user has this subject": "没有用户使用该 subject",
    "a token of another project": "其他项目的 Token",
    "no grant in this project": "在该项目中没有授权",
    "the token has just ended": "该 Token 刚刚过期",
    "wrong name or password, or no grant in this project": "用户名或密码错误，或在该项目中没有授权",
    "Further calls of other kinds were denied.": "还有其他种类的调用被拒绝。",
    "since has no time zone; write for example 2026-11-28T14:00:00Z.": (
        "since 没有时区，请填写例如 2026-11-28T14:00:00Z。"
    ),
}
