"""What is said of the data directory of a service on this machine: its accounts, its database, its Flink."""

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    "sluiceway.toml cannot be read: {error}": "无法读取 sluiceway.toml：{error}",
    "{data} holds no data of a service. Check --data.": "{data} 中没有服务的数据。请检查 --data。",
    "{data} held no data of a service; it does now. Was another --data meant?": (
        "{data} 中原来没有服务的数据，现已创建。是否本应指定其他 --data？"
    ),
    "--data {data} cannot be used: {why}": "无法使用 --data {data}：{why}",
    "Nothing is known to have been done: {error}. Do it again when that has changed.": (
        "无法确定操作是否已执行：{error}。请在问题解决后重试。"
    ),
    # The database.
    "{file} is there already; nothing was done. Give another name.": "{file} 已存在，未执行任何操作。请使用其他名称。",
    "{file} cannot be written: {why}": "无法写入 {file}：{why}",
    "{file} holds the database ({shown}). Also keep the storage with its savepoints.": (
        "数据库已备份到 {file}（{shown}）。请同时保留存储及其中的 savepoint。"
    ),
    "{file} holds the database ({shown}). Also keep the storage with its savepoints, and, apart from this copy, {key}, "
    "which opens the secrets in it.": (
        "数据库已备份到 {file}（{shown}）。请同时保留存储及其中的 savepoint，并与此备份分开保存 {key}，"
        "它用于解密其中的机密信息。"
    ),
    "{error} Nothing was done.": "{error} 未执行任何操作。",
    "No database was there before, so ids jump: those of jobs begin after {jobs_from}.": (
        "之前没有数据库，因此 ID 会跳跃：作业 ID 从 {jobs_from} 之后开始。"
    ),
    "{database} is as {file} was.": "已将 {database} 恢复为 {file} 的内容。",
    "The one before it is {kept}.": "之前的数据库保存为 {kept}。",
    "Start the service with the same clusters and storage; then compare: sluiceway jobs list --all": (
        "请用相同的集群和存储启动服务，然后核对：sluiceway jobs list --all"
    ),
    # Versions of Flink.
    "Its digest is not the one that is known here of this version: be sure where it comes from.": (
        "其摘要与此处记录的该版本的摘要不同：请确认其来源可靠。"
    ),
    "Flink {version} is here. It plans SQL for clusters of Flink {minor}.": (
        "已添加 Flink {version}，用于为 Flink {minor} 集群编译 SQL。"
    ),
    "Flink {version} was here already. It plans SQL for clusters of Flink {minor}.": (
        "Flink {version} 之前已添加，用于为 Flink {minor} 集群编译 SQL。"
    ),
    "Flink {versions} is removed.": "已删除 Flink {versions}。",
    "No Flink {version} was added. What was: sluiceway distributions list": (
        "没有添加过 Flink {version}。查看已添加的版本：sluiceway distributions list"
    ),
}
