"""What `sluiceway demo` tells."""

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    "Creating": "正在创建",
    "Stopping": "正在停止",
    "Changing": "正在修改",
    "Resuming": "正在恢复",
    "Service with a real Flink beside it: {server} (up in {seconds:.1f} s)": (
        "服务及其旁边的真实 Flink：{server}（{seconds:.1f} 秒内启动）"
    ),
    "{count} SQL jobs created through DLI's API": "已通过 DLI 的 API 创建 {count} 个 SQL 作业",
    "All of them process records: {rows} rows written after {seconds:.1f} s": (
        "所有作业都在处理数据：{seconds:.1f} 秒后已写出 {rows} 行"
    ),
    "One call stopped them: answered in {answered:.0f} ms, all at rest with their savepoints after {seconds:.1f} s "
    "(stop {id})": (
        "一次调用停止全部作业：{answered:.0f} 毫秒内应答，{seconds:.1f} 秒后全部停止并保留 savepoint（停止操作 {id}）"
    ),
    "The SQL of {name} was changed, and the dry run of its resume refuses it: {why}": (
        "修改了 {name} 的 SQL，试运行恢复时被拒绝：{why}"
    ),
    "Changed back, it fits again ({seconds:.1f} s)": "改回之后，状态重新适用（{seconds:.1f} 秒）",
    "Resumed as a batch, and writing again after {seconds:.1f} s": "已批量恢复，{seconds:.1f} 秒后重新开始写出",
    "Everything stopped again after {seconds:.1f} s (stop {id})": "{seconds:.1f} 秒后再次全部停止（停止操作 {id}）",
    "{rows} rows": "{rows} 行",
    "{rows} rows, {new} of them new": "{rows} 行，其中新增 {new} 行",
    "savepoint of {size}": "savepoint 大小为 {size}",
    "start": "启动",
    "\n{wanted} of {wanted} jobs stopped with a verified savepoint and carried on from it. No row was lost or repeated "
    "(rows: at the stop → in the end). It took {seconds:.0f} s.": (
        "\n{wanted} 个作业全部停止，每个都有经过校验的 savepoint，并从中恢复。没有丢失或重复任何一行"
        "（rows 列：停止时 → 结束时）。用时 {seconds:.0f} 秒。"
    ),
    # What went wrong.
    "not everything holds": "并非全部符合预期",
    "it was {phase}, not stopped": "其状态为 {phase}，而不是 stopped",
    "its savepoint was not verified": "其 savepoint 未经校验",
    "it ended as {status}": "其最终状态为 {status}",
    "its output at the stop is wrong: {fault}": "停止时的输出有误：{fault}",
    "its output is wrong: {fault}": "输出有误：{fault}",
    "it did not carry on after it was resumed": "恢复之后没有继续处理",
    "{number} where {expected} belongs": "应为 {expected}，实际为 {number}",
    "The jobs have not processed enough records in time.": "作业未能及时处理足够的数据。",
    "The resumed jobs have not written anything new in time.": "恢复的作业未能及时写出新数据。",
    "The jobs have not stopped in time.": "作业未能及时停止。",
    "The dry run of a resume of {name} does not see that its state would be left behind.": (
        "{name} 的试运行恢复没有发现其状态会被丢弃。"
    ),
    "The service did not say under which id it has accepted the stop.": "服务没有返回停止操作的 ID。",
    "The {what} of job {job} was refused: {why}": "作业 {job} 的{what}被拒绝：{why}",
    "{name} is {status}: {why}": "{name} 的状态为 {status}：{why}",
    "ended by {signal}": "被 {signal} 结束",
    "The service has ended: {why}": "服务已结束：{why}",
    "The service could not be started: {why}": "无法启动服务：{why}",
    "The service was not ready within {seconds:.0f} s: {why}": "服务未能在 {seconds:.0f} 秒内就绪：{why}",
    "it said nothing": "没有任何输出",
    "its log cannot be read: {why}": "无法读取其日志：{why}",
    # What to do next.
    "\nThe service stays up until Ctrl-C, with its jobs stopped:\n  service   {url}\n  try it    {url}/docs   "
    "(project {project})\n  Flink     {flink}\nIn another terminal:\n  export SLUICEWAY_SERVER={url} "
    "SLUICEWAY_PROJECT={project}\n  {command} jobs list\n  {command} resume 2 --wait\n  {command} stop --all --wait "
    "--yes": (
        "\n服务会保持运行直到按下 Ctrl-C，其作业处于停止状态：\n  服务      {url}\n  试用      {url}/docs   "
        "（项目 {project}）\n  Flink     {flink}\n在另一个终端中：\n  export SLUICEWAY_SERVER={url} "
        "SLUICEWAY_PROJECT={project}\n  {command} jobs list\n  {command} resume 2 --wait\n  {command} stop "
        "--all --wait "
        "--yes"
    ),
    "\nNext:\n  {command} demo --keep      the same, and the service stays up for a look around\n  {command} serve    "
    '        a service of your own; then, in another terminal:\n  echo "{hello}" | {command} jobs create hello --sql - '
    "--run\n  {command} stop --all --wait --yes": (
        "\n下一步：\n  {command} demo --keep      同样的演示，并让服务保持运行以供查看\n"
        "  {command} serve            运行自己的服务；然后在另一个终端中：\n"
        '  echo "{hello}" | {command} jobs create hello --sql - --run\n  {command} stop --all --wait --yes'
    ),
}
