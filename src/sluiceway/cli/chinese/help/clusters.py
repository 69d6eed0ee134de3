"""Texts of `sluiceway clusters`."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "Register Flink clusters, and see which answer.": "注册 Flink 集群，并查看哪些集群有响应。",
    "Register a cluster. Jobs may be put there at once, and no service has to start again.": (
        "注册集群。可立即在其上运行作业，无需重启任何服务。"
    ),
    "Let no job be started on a cluster any more; with --to, move the project's jobs to another one.": (
        "不再允许在集群上启动作业；指定 --to 时，将该项目的作业迁移到另一个集群。"
    ),
    "Change a cluster; what is not named stays. It holds at once, in every service on the database.": (
        "修改集群；未指定的内容保持不变。修改立即生效，对使用同一数据库的所有服务都有效。"
    ),
    "List the jars that others have uploaded to a cluster, the newest first: a job can be made of them.": (
        "列出他人上传到集群的 jar 包，最新的在前：可将其指定为作业的程序。"
    ),
    "List the clusters that the project may use, and whether they answer.": (
        "列出该项目可用的集群，以及它们是否有响应。"
    ),
    "End a cluster's registration. Jobs keep their history; Flink itself is not touched.": (
        "取消注册集群。作业的历史会保留；Flink 本身不受影响。"
    ),
    "Show one cluster: where it is, who may use it, how it is protected, and why it does not answer.": (
        "显示一个集群：地址、哪些项目可用、访问如何受到保护，以及没有响应的原因。"
    ),
    (
        "Ask a cluster once what works there: each address, Flink's version, slots, jars, and the service's storage."
    ): "对集群做一次检查：每个地址、Flink 版本、slot、jar 包，以及服务的存储。",
    "`application (found)` goes with its jobs, as its JobManager says, and is registered otherwise.": (
        "类型 `application (found)` 表示：JobManager 称该集群随其作业结束，但注册时未指定为 application。"
    ),
    "With --adopt none nobody asks a cluster without jobs: `sluiceway clusters test NAME` does.": (
        "使用 --adopt none 时，不会查询没有作业的集群：`sluiceway clusters test NAME` 会查询。"
    ),
    "`sluiceway jobs program` does that. Exits with 1 when nobody can tell now.": (
        "使用 `sluiceway jobs program` 指定。当前无法得知时，退出码为 1。"
    ),
    "Needs the role admin in every project. Passwords and headers are sealed, and never shown.": (
        "需要在所有项目中具有 admin 角色。密码和请求头加密保存，从不显示。"
    ),
    "What jobs call it: up to 128 letters, digits and . _ -. DLI's API calls it a queue.": (
        "作业引用该集群所用的名称：最多 128 个字母、数字或字符 . _ -。DLI 的 API 称之为队列（queue）。"
    ),
    "Of the REST API of its JobManager; where several stand by for each other, of each. A path is kept.": (
        "其 JobManager 的 REST API 地址；有多个互为备用的 JobManager 时，给出每一个的地址。地址中的路径会保留。"
    ),
    "session takes jobs; application runs those of one program, and goes with them.": (
        "session 集群接受作业；application 集群运行一个程序的作业，并随这些作业结束。"
    ),
    "KEY=VALUE; may be repeated.": "KEY=VALUE；可重复指定。",
    "A project that may use it; may be repeated. Default: all.": "可以使用该集群的项目；可重复指定。默认：所有项目。",
    "Savepoints that may be under way there at once. Default: the service's setting.": (
        "该集群上可同时进行的 savepoint 数量。默认：服务的设置。"
    ),
    "A file with headers to send with each request, one `Name: value` on a line.": (
        "包含请求头的文件，每次请求都会附上，每行一个 `Name: value`。"
    ),
    (
        "The user of basic authentication. The password is asked for; through a pipe, the first line is taken."
    ): "基本认证（basic authentication）的用户名。命令会询问密码；通过管道调用时读取第一行。",
    "A file with the certificates (PEM) of who has signed the cluster's own.": "签发集群证书的机构的证书文件（PEM）。",
    "A file with the certificate (PEM) to show, for mutual TLS. Needs --key.": (
        "双向 TLS 中出示的证书文件（PEM）。须同时指定 --key。"
    ),
    "A file with its private key (PEM).": "证书的私钥文件（PEM）。",
    "Needs the role admin in every project.": "需要在所有项目中具有 admin 角色。",
    "The cluster's name.": "集群名称。",
    "In place of the addresses that it has; several after one another.": "替换原有的地址；可依次给出多个。",
    "KEY=VALUE, in place of the labels that it has.": "KEY=VALUE，替换原有的标签。",
    "Take its labels away.": "移除其全部标签。",
    "The projects that may use it, in place of those that might.": "可以使用该集群的项目，替换原有的项目。",
    "Let all projects use it.": "允许所有项目使用该集群。",
    "Savepoints that may be under way there at once.": "该集群上可同时进行的 savepoint 数量。",
    "Forget headers, user, password and certificates, before others that are given here.": (
        "先清除请求头、用户名、密码和证书，再应用此处给出的设置。"
    ),
    (
        "Without --to, what runs there runs on, and can be stopped or moved. With it, it asks as `sluiceway move` "
        "does, and the exit code is that of `sluiceway move`. Needs the role admin in every project."
    ): (
        "不指定 --to 时，集群上的作业继续运行，可以停止或迁移。指定 --to 时，会像 `sluiceway move` 一样要求确认，退出"
        "码也与 `sluiceway move` 相同。需要在所有项目中具有 admin 角色。"
    ),
    "The cluster to move the project's jobs to.": "要将该项目的作业迁移到的集群。",
    "Let jobs be started there again.": "重新允许在该集群上启动作业。",
    (
        "Also while jobs may run there: they run on, and what is open waits until the name is registered again."
    ): "即使可能有作业在其上运行也取消注册：作业继续运行，未完成的操作等到该名称重新注册后再继续。",
    (
        "Exits with 1 where nothing answers, the addresses are of several clusters, or the cluster does not see the "
        "storage. Needs the role admin in every project, as the service asks whatever address it is given."
    ): (
        "没有任何响应、各地址属于不同集群，或集群无法访问存储时，退出码为 1。由于服务会访问所给的任意地址，需要在所有"
        "项目中具有 admin 角色。"
    ),
    "The name of a registered cluster; or the address of a JobManager, or of each of one cluster.": (
        "已注册集群的名称；或 JobManager 的地址，同一集群有多个时给出每一个的地址。"
    ),
}
