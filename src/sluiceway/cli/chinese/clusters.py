"""What is said of clusters, and of savepoints."""

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    # Registering clusters, and changing them.
    "Cluster {name} is registered. See what works there: sluiceway clusters test {name}": (
        "集群 {name} 已注册。检查其可用情况：sluiceway clusters test {name}"
    ),
    "Cluster {name} is no longer registered.": "集群 {name} 已取消注册。",
    "Nothing to change was named. See sluiceway clusters edit --help.": (
        "未指定要修改的内容。请查看 sluiceway clusters edit --help。"
    ),
    "{name} is a registered cluster, and is opened as it is registered.": (
        "{name} 是已注册的集群，按注册的方式访问，不能再指定访问选项。"
    ),
    "--label {text} is not KEY=VALUE; write for example env=prod.": (
        "--label {text} 不是 KEY=VALUE 形式，请填写例如 env=prod。"
    ),
    "Password of {user} at {name}": "{user} 在 {name} 的密码",
    "the cluster": "该集群",
    "{path}: a line is not `Name: value`.": "{path}：有一行不是 `Name: value` 形式。",
    "{path} cannot be read: {why}.": "无法读取 {path}：{why}。",
    "it is not text": "不是文本",
    "{path} is longer than {longest} characters.": "{path} 超过 {longest} 个字符。",
    "{path} is not taken since {since}, and what it held stays: {trouble}": (
        "自 {since} 起未采用 {path}，其之前的内容继续有效：{trouble}"
    ),
    # Draining them.
    "No job is started on {name} any more.": "不再在 {name} 上启动作业。",
    "Jobs may be started on {name} again.": "可以再次在 {name} 上启动作业。",
    "Without --to nothing is moved: leave out how to move it, and --wait.": (
        "没有 --to 就不会迁移作业，请去掉迁移方式的选项和 --wait。"
    ),
    "--undo lets jobs be started there again, and moves none.": "--undo 用于恢复启动作业，不迁移作业。",
    "{jobs} may run there. In each project that has some, move them:\n  sluiceway move --from {name} --to ANOTHER "
    "--wait\nor stop them, each with a savepoint: sluiceway stop --queue {name} --wait": (
        "可能有 {jobs}在其上运行。请在每个相关的项目中迁移这些作业：\n"
        "  sluiceway move --from {name} --to 另一个集群 --wait\n"
        "或停止这些作业，每个都保留 savepoint：sluiceway stop --queue {name} --wait"
    ),
    # How they are, and what works there.
    "application (found)": "application（由 JobManager 得知）",
    "application (its JobManager says: session)": "application（JobManager 称是 session）",
    "the service's setting": "按服务的设置",
    "headers {names}": "请求头 {names}",
    "the password of {user}": "{user} 的密码",
    "a certificate authority of its own": "自有的证书颁发机构",
    "a certificate of ours": "本服务的证书",
    "web.submit.enable is off: no Jar job can be started there": "web.submit.enable 已关闭：不能在其上启动 Jar 作业",
    "the addresses are of several clusters; register each under its own name": (
        "这些地址属于多个集群，请分别用不同的名称注册"
    ),
    "it goes with its jobs, which can be stopped, and not started there": (
        "该集群随其作业结束；作业可以停止，但不能在其上启动"
    ),
    "{free_slots} of {slots} free, on {taskmanagers} TaskManagers": (
        "空闲 {free_slots}/{slots}，位于 {taskmanagers} 个 TaskManager"
    ),
    # Savepoints.
    "1 savepoint accepted.": "已受理 1 个 savepoint。",
    "{accepted} savepoints accepted.": "已受理 {accepted} 个 savepoint。",
    "Savepoint {savepoint_id} is whole: {path}": "savepoint {savepoint_id} 完整：{path}",
    "savepoint {savepoint_id} would be removed for good": "savepoint {savepoint_id} 将被永久删除",
    "{path} of job {job_id}, of {at}, {size}": "{path}，作业 {job_id}，{at}，{size}",
    "Removed: {path}": "已删除：{path}",
    "{path} is neither on a file system of this machine nor in S3; give a path or a URI.": (
        "{path} 既不在本机的文件系统上，也不在 S3 中，请填写路径或 URI。"
    ),
    "{path}: {more_wrong} more of its files are missing or have another size": (
        "{path}：另有 {more_wrong} 个文件缺失或大小不符"
    ),
    "{unchecked} of its files are on another storage and cannot be looked for from here": (
        "有 {unchecked} 个文件在其他存储上，无法从这里查找"
    ),
    "savepoint or checkpoint": "savepoint 或 checkpoint",
    "{path}: {what} {checkpoint_id}, format version {version}, {size} ({count} bytes), {files}": (
        "{path}：{what} {checkpoint_id}，格式版本 {version}，{size}（{count} 字节），{files}"
    ),
    "1 file of state": "1 个状态文件",
    "{count} files of state": "{count} 个状态文件",
    # Those of others.
    "{state} would be registered for job {job_id}: {path}": "{state} 将登记到作业 {job_id}：{path}",
    "{state} is registered for job {job_id}: {path}": "{state} 已登记到作业 {job_id}：{path}",
    "{state} is registered already for job {job_id}: {path}": "{state} 之前已登记到作业 {job_id}：{path}",
    "--keep-for is how long it is protected; leave out --no-protect.": "--keep-for 是保护时长，请去掉 --no-protect。",
    "Look first with: sluiceway resume --job {job_id} --dry-run": (
        "请先查看：sluiceway resume --job {job_id} --dry-run"
    ),
    "for good": "永久",
    "until {at}": "至 {at}",
    "no, retention may remove it": "否，可能按保留策略删除",
    "never: what lies there is only read": "永不删除：该位置只读",
    "the next resume leaves out 1 newer state of the job": "下次恢复将不使用该作业更新的 1 个状态",
    "the next resume leaves out {count} newer states of the job": "下次恢复将不使用该作业更新的 {count} 个状态",
    "it was drained: windows were cut, and are written twice when a job is resumed from it": (
        "该状态经过排空（drain）：窗口被提前触发，从它恢复作业时会重复写出"
    ),
    "{unchecked} of its files are on another storage and out of the service's reach": (
        "有 {unchecked} 个文件在其他存储上，服务无法访问"
    ),
}
