"""Texts of `sluiceway serve`."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "Run the service.": "运行服务。",
    (
        "Every option is also an environment variable (SLUICEWAY_PORT, SLUICEWAY_CLUSTER, …) and a key of "
        "sluiceway.toml in the current directory. It ends gracefully on Ctrl-C and SIGTERM, within 10 seconds, and "
        "at the second one at once; what was accepted is carried on by the next start."
    ): (
        "每个选项也可用环境变量（SLUICEWAY_PORT、SLUICEWAY_CLUSTER 等）或当前目录下 sluiceway.toml 中的同名键设置。收"
        "到 Ctrl-C 或 SIGTERM 时，服务在 10 秒内正常结束；再次收到时立即结束。已受理的内容由下次启动的服务继续完成。"
    ),
    "A Flink of its own beside it, to try things out:": "附带一个 Flink，供试用：",
    "For one's own clusters:": "用于自己的集群：",
    "Address to listen on. Callers must sign in wherever it is not a loopback address.": (
        "监听的地址。地址不是环回地址时，调用方必须登录。"
    ),
    "Port to listen on; 0 takes a free one.": "监听的端口；0 表示任选一个空闲端口。",
    "Directory for the database, logs and, unless --storage says otherwise, savepoints.": (
        "存放数据库和日志的目录；未指定 --storage 时，savepoint 也存放于此。"
    ),
    "Have callers sign in on a loopback address, too.": "在环回地址上也要求调用方登录。",
    "File with the key that stored access keys are sealed with; it is made when it is not there.": (
        "密钥文件，用于加密保存的访问密钥；文件不存在时会自动创建。"
    ),
    "A Flink cluster as NAME=URL of its JobManager's REST API; may be repeated. DLI calls it a queue.": (
        "Flink 集群，写作 NAME=URL，URL 为其 JobManager 的 REST API 地址；可重复指定。DLI 称之为队列（queue）。"
    ),
    (
        "A file of clusters, JSON or YAML, or a pattern of such files; they come and go with its entries. May be "
        "repeated."
    ): "集群文件，JSON 或 YAML 格式，或匹配此类文件的模式；集群随文件中的条目增减。可重复指定。",
    (
        "Which jobs are taken in that somebody else has started on the clusters: all, none, or matching GLOB, by "
        "their names in Flink. They can be listed, stopped with savepoints and followed as any other."
    ): (
        "纳管集群上由他人启动的哪些作业：all（全部）、none（不纳管）或 matching GLOB（按其在 Flink 中的名称匹配）。纳"
        "管的作业可以像其他作业一样列出、带 savepoint 停止和跟踪。"
    ),
    "The project that adopted jobs belong to; whoever may stop its jobs may stop them.": (
        "纳管的作业所属的项目；有权停止该项目作业的用户，即可停止这些作业。"
    ),
    (
        "A tag for adopted jobs as GLOB:KEY=VALUE, by their whole names in Flink, as 'orders-*:team=orders'; may be "
        "repeated, and the first one for a key counts. Labels of their clusters become tags of theirs, too."
    ): (
        "纳管的作业的标签，写作 GLOB:KEY=VALUE，按其在 Flink 中的完整名称匹配，例如 'orders-*:team=orders'；可重复指"
        "定，同一个键以第一个为准。所在集群的标签也会成为这些作业的标签。"
    ),
    (
        "Run a Flink of one's own beside the service, for trying things out. Default: when no cluster is given."
    ): "随服务运行一个内嵌的 Flink，供试用。默认：没有指定集群时运行。",
    "Port of the embedded Flink's REST API and web page; 0 takes a free one.": (
        "内嵌的 Flink 的 REST API 和网页所用的端口；0 表示任选一个空闲端口。"
    ),
    "Slots of the embedded Flink: one for each unit of parallelism of each job.": (
        "内嵌的 Flink 的 slot 数：每个作业的每个并行度占用一个。"
    ),
    "MB of heap for the embedded Flink and its tasks.": "内嵌的 Flink 及其 task 的堆内存，单位为 MB。",
    "MB of managed memory for each slot of the embedded Flink, taken when it is used. Windows need some.": (
        "内嵌的 Flink 每个 slot 的托管内存（managed memory），单位为 MB，使用时才占用。窗口需要一些托管内存。"
    ),
    "Directory of jars (connectors, formats, functions) for planning SQL and for the embedded Flink.": (
        "存放 jar 包（连接器、格式、函数）的目录，供解析 SQL 和内嵌的 Flink 使用。"
    ),
    (
        "Where savepoints lie: a directory or file: URI that the service and Flink see at the same place, or s3://…."
    ): "savepoint 的存放位置：目录或 file: URI，服务和 Flink 须能以相同的路径访问；或 s3://…。",
    (
        "A further directory, or s3://bucket/prefix, of which states are read for savepoints register and resumes, "
        "and in which nothing is written or removed; whoever may register in any project may read them. May be "
        "repeated."
    ): (
        "另一个目录，或 s3://bucket/prefix，savepoints register 和恢复操作可读取其中的状态，但不会在其中写入或删除任"
        "何内容；凡在任一项目中有权登记的用户，都可读取。可重复指定。"
    ),
    "Address of the object store. Default: the variable AWS_ENDPOINT_URL, else Amazon's.": (
        "对象存储的地址。默认：环境变量 AWS_ENDPOINT_URL，否则为 Amazon 的地址。"
    ),
    "Region of the object store. Default: the variable AWS_REGION, else us-east-1.": (
        "对象存储的区域（region）。默认：环境变量 AWS_REGION，否则为 us-east-1。"
    ),
    "Seconds after which a stop without a result is reported as overdue. It is watched on.": (
        "停止操作多少秒没有结果就报告为逾期。服务会继续跟踪。"
    ),
    "Attempts for one stop, each begun only when the one before is known to be over.": (
        "一次停止的尝试次数，每次都在确知前一次已结束后才开始。"
    ),
    "Savepoints that may be under way in one cluster at once.": "一个集群上可同时进行的 savepoint 数量。",
    "Seconds after which a savepoint that no job needs is removed. Default: never.": (
        "没有作业需要的 savepoint 在多少秒后删除。默认：从不。"
    ),
    "Savepoints to keep of each job; older ones that no job needs are removed. Default: all.": (
        "每个作业保留的 savepoint 数量；没有作业需要的更早的 savepoint 会被删除。默认：全部保留。"
    ),
    (
        "Seconds for which a job may not run steadily before its status says so; DLI calls it job_running_exception."
    ): "作业未能稳定运行多少秒后，其状态显示为异常；DLI 称之为 job_running_exception。",
    (
        "What becomes of a job whose tasks do not run when it is to be stopped with a savepoint, where nobody has "
        "said: wait as long as the stop may take, cancel it keeping its last checkpoint, or leave it alone after a "
        "while."
    ): (
        "带 savepoint 停止作业而其 task 未运行，且请求未作说明时，如何处理：wait（等待，以停止的时限为止）、cancel"
        "（取消，保留其最近的 checkpoint）或 leave（过一段时间后不再处理）。"
    ),
    "Seconds for which an answering cluster must not know a job before the job counts as gone.": (
        "集群有响应但不存在该作业，持续多少秒后视为作业已消失。"
    ),
    (
        "How DLI's batch calls answer when every job is refused: as the cloud does, or so that SDKs show the code."
    ): "DLI 的批量接口在所有作业都被拒绝时如何应答：与云上一致，或使 SDK 能显示错误码。",
    "Format of the savepoints that DLI's calls ask for; auto takes for each job one that does it no harm.": (
        "DLI 接口所请求的 savepoint 的格式；auto 为每个作业选用对其无害的格式。"
    ),
    (
        "What DLI's resume_savepoint does although it is refused otherwise: resume drained savepoints, or jobs that "
        "have finished (both write rows twice), leave behind state that no operator takes, or take state for another "
        "meaning; may be repeated."
    ): (
        "DLI 的 resume_savepoint 在哪些通常会被拒绝的情况下仍然执行：从经过排空（drain）的 savepoint 恢复、恢复已自行"
        "结束的作业（两者都会重复写出数据）、舍弃没有算子接收的状态，或接收含义不同的状态；可重复指定。"
    ),
    "What idle_state_retention of DLI's API counts; auto: hours below 60, and seconds from there on.": (
        "DLI 的 API 中 idle_state_retention 的单位；auto：小于 60 时为小时，否则为秒。"
    ),
    "Whether DLI's stop refuses a job that does not run (DLI.15002), or marks it as stopped and says so.": (
        "DLI 的停止接口对未运行的作业如何处理：拒绝（DLI.15002），或将其标记为已停止并加以说明。"
    ),
    (
        "File of the certificate to serve https with, and of those that lead to its root (PEM). Needs --tls-key."
    ): "提供 https 服务所用的证书文件（PEM），包括通往根证书的各级证书。须同时指定 --tls-key。",
    "File of the certificate's private key (PEM, without a password).": "证书的私钥文件（PEM，不带密码）。",
    "Requests a second that one caller may send; 0 for no limit. Twice as many may come at once.": (
        "每个调用方每秒可发送的请求数；0 表示不限。允许两倍的突发请求。"
    ),
    (
        "Connections that may be open at once, half of them from one address. Who comes beyond is answered 503."
    ): "可同时打开的连接数，同一地址最多占一半。超出时返回 503。",
    (
        "Address or network of a proxy that says where requests come from (X-Forwarded-For, -Proto); may be repeated."
    ): "代理的地址或网段，由其说明请求的来源（X-Forwarded-For、-Proto）；可重复指定。",
    "Refuse a signed request that was here before. Two equal calls within a second are refused, too.": (
        "拒绝重放已收到过的签名请求。一秒内两次相同的调用也会被拒绝。"
    ),
    ("Address of an OIDC issuer whose bearer tokens are taken, exactly as it calls itself. Needs --oidc-audience."): (
        "OIDC 身份提供方（issuer）的地址，接受其 bearer token，须与其自称的完全一致。须同时指定 --oidc-audience。"
    ),
    "What a bearer token must name as its audience.": "bearer token 必须声明的受众（audience）。",
    (
        "The public client of the issuer with which `sluiceway login` gets tokens (device flow). Needs --oidc-issuer."
    ): "身份提供方的公共客户端，`sluiceway login` 用其获取 Token（设备流程）。须同时指定 --oidc-issuer。",
    "File with the token that a monitoring system reads /metrics with, where callers sign in.": (
        "令牌文件，调用方须登录时，监控系统用其中的令牌读取 /metrics。"
    ),
}
