"""What every command may say: of its call, of the connection, of tables and of waiting."""

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    # The call.
    "interrupted": "已中断",
    "See --help.": "请查看 --help。",
    "{path} cannot be read: {error}": "无法读取 {path}：{error}",
    "{path}: settings stand at the top of the file, not under [{name}].": (
        "{path}：配置项应写在文件顶层，不能写在 [{name}] 下。"
    ),
    "It is a length of time, for example 45s, 30m, 1h30m or 2d.": "应为时长，例如 45s、30m、1h30m 或 2d。",
    "It is a length of time above 0, for example 45s, 30m, 1h30m or 2d.": (
        "应为大于 0 的时长，例如 45s、30m、1h30m 或 2d。"
    ),
    "It is a length of time in whole seconds, for example 45s, 30m, 1h30m or 2d.": (
        "应为整数秒的时长，例如 45s、30m、1h30m 或 2d。"
    ),
    "{option} {text} is no length of time; write for example 90s, 45m, 1h30m or 1d.": (
        "{option} {text} 不是时长，请填写例如 90s、45m、1h30m 或 1d。"
    ),
    "--timeout is how long to wait at most: it needs --wait.": "--timeout 是最长等待时间，需要与 --wait 一起使用。",
    "--json is -o json, and not -o {output}; give one of them.": (
        "--json 等同于 -o json，不能与 -o {output} 同时使用，请只指定一个。"
    ),
    "--columns is for tables: leave out --json, or the -o beside it.": (
        "--columns 仅用于表格，请去掉 --json 或同时指定的 -o。"
    ),
    "--columns: there is no column {name!r}; there are {there}.": (
        "--columns：没有名为 {name!r} 的列，可用的列有 {there}。"
    ),
    "It is 0 or more.": "应大于等于 0。",
    "It is {most} at most.": "最大为 {most}。",
    " and ": " 和 ",
    "none": "无",
    "nothing": "无",
    # The connection.
    "--server {server} is not the URL of a service: {error}": "--server {server} 不是服务的 URL：{error}",
    "no service answers at {server} ({why}). Start one with `sluiceway serve`, or give its address with --server or "
    "SLUICEWAY_SERVER.": (
        "{server} 上没有服务响应（{why}）。请用 `sluiceway serve` 启动服务，"
        "或用 --server 或 SLUICEWAY_SERVER 指定服务地址。"
    ),
    "{server} does not answer like Sluiceway (HTTP {status}, not JSON). Give the address of the service with "
    "--server.": "{server} 的响应不是 Sluiceway 的响应（HTTP {status}，不是 JSON）。请用 --server 指定服务地址。",
    "A signed request has at most {most} bytes, and {name} has {size}: sign in with a token, in SLUICEWAY_TOKEN, for "
    "larger ones.": (
        "签名的请求最多 {most} 字节，而 {name} 有 {size} 字节。更大的文件请在 SLUICEWAY_TOKEN 中设置 Token 后上传。"
    ),
    "the answer was lost; asking again under the same key": "未收到响应，使用同一个幂等键再次请求",
    "The answer of the service was not understood: {why}. Is it another version?": (
        "无法理解服务的响应：{why}。服务是否为其他版本？"
    ),
    "There is no job named {name} in project {project}; nothing was done.": (
        "项目 {project} 中不存在名为 {name} 的作业，未执行任何操作。"
    ),
    # Tables, and counts in sentences.
    "1 job": "1 个作业",
    "{count} jobs": "{count} 个作业",
    "job {few}": "作业 {few}",
    "jobs {few}": "作业 {few}",
    "jobs {few} and {more} more": "作业 {few} 以及另外 {more} 个作业",
    " ({note})": "（{note}）",
    "No room for: {columns}. -o wide shows all.": "宽度不足，未显示的列：{columns}。使用 -o wide 可显示全部列。",
    "Cluster {cluster} has not answered since {since}": "集群 {cluster} 自 {since} 起无响应",
    "Cluster {cluster} has not answered for {length}": "集群 {cluster} 已有 {length} 无响应",
    "{what}: {reason}.": "{what}：{reason}。",
    "{what}.": "{what}。",
    "{silence} What is shown of its {jobs} is as old.": "{silence}其上 {jobs}的信息停留在那时。",
    "--watch shows rows, and -o name none; leave one of them out.": (
        "--watch 显示表格的行，而 -o name 不显示，请去掉其中一个。"
    ),
    "… and more; --limit or a choice shows fewer": "……还有更多；使用 --limit 或选择条件可减少显示",
    "{what} {key} is no longer in the list": "{what} {key} 已不在列表中",
    # Waiting.
    "{count} of {all} done after {length}": "已完成 {count}/{all}，用时 {length}",
    "{title}: {done}": "{title}：{done}",
    "{title}: {done}; {told}": "{title}：{done}；{told}",
    "… and {more} more": "……还有 {more} 个",
    "The service does not answer; reconnecting for up to {seconds:.0f} s …": (
        "服务无响应，正在重新连接，最多持续 {seconds:.0f} 秒……"
    ),
    "The service answers again.": "服务已恢复响应。",
    "Starting": "正在启动",
    # The overview.
    "Sluiceway at {server}, project {project}": "Sluiceway：{server}，项目 {project}",
    "clusters": "集群",
    "jobs": "作业",
    "under way": "进行中",
    "needs a hand": "需要处理",
    "see": "帮助",
    "{count} registered.": "已注册 {count} 个。",
    "stop {id} ({state}, {jobs_settled} of {jobs_total})": "停止操作 {id}（{state}，{jobs_settled}/{jobs_total}）",
    "resume {id} ({state}, {counts})": "恢复操作 {id}（{state}，{counts}）",
    "move {id} ({state}, {counts})": "迁移操作 {id}（{state}，{counts}）",
    "job {job} {name} ({state})": "作业 {job} {name}（{state}）",
    "; and more": "；还有更多",
    # Events.
    "It is the number of an event, or 0.": "应为事件的编号，或 0。",
    "These are the newest {limit} events; --limit shows more, up to 1000, --after NUMBER goes on after one.": (
        "以上为最新的 {limit} 个事件；--limit 可显示更多，最多 1000 个，--after NUMBER 从某个事件之后继续。"
    ),
    "--since {since} is neither a length of time nor a moment; write for example 30m or 1h30m, or "
    "2026-11-28T14:00:00Z.": ("--since {since} 既不是时长也不是时刻，请填写例如 30m、1h30m 或 2026-11-28T14:00:00Z。"),
}
