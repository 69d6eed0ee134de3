"""Why clusters do not answer or cannot be registered, and what Flink does not tell."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "it is not known yet whether this is the job that was stopped, or one that was started after it": (
        "尚不清楚这是被停止的作业，还是之后启动的作业"
    ),
    "cluster {name} cannot be reached now": "当前无法访问集群 {name}",
    "cluster {name} refuses connections: {error}": "集群 {name} 拒绝连接：{error}",
    "cluster {name} does not answer: {error}": "集群 {name} 没有响应：{error}",
    "The cluster does not show this job now.": "集群当前没有显示该作业。",
    "Cluster {name} cannot be reached now.": "当前无法访问集群 {name}。",
    "Cluster {name} does not answer: {error}": "集群 {name} 没有响应：{error}",
    "It is a batch job, and Flink takes no savepoints of those.": "它是批作业，Flink 不为批作业创建 savepoint。",
    "{running} of its {tasks} tasks run; a savepoint needs all of them.": (
        "其 {tasks} 个 task 中有 {running} 个在运行；savepoint 需要全部运行。"
    ),
    "Another operation on its state is under way: {operation}.": "对其状态的另一项操作正在进行：{operation}。",
    "Cluster {name} is being drained, and takes no new starts.": "集群 {name} 正在排空，不接受新的启动。",
    "Cluster {name} is an application cluster: it runs what it was made for, and takes no other jobs.": (
        "集群 {name} 是 Application 集群：只运行其自身的作业，不接受其他作业。"
    ),
    "cluster {name} is no longer registered; register it again under this name, and this goes on": (
        "集群 {name} 已取消注册；请以该名称重新注册，之后会继续进行"
    ),
    "cluster {cluster} takes no jars: web.submit.enable is false there": (
        "集群 {cluster} 不接收 jar 包：其 web.submit.enable 为 false"
    ),
    "it has none": "它没有 jar 包",
    "Cluster {cluster} has no jar {name} any more; {has}.": "集群 {cluster} 已没有 jar 包 {name}；{has}。",
    "the service cannot write there: {error}": "服务无法写入该处：{error}",
    "A cluster is registered as {name} already.": "已注册名为 {name} 的集群。",
    "{most} clusters are registered, and more are not taken.": "已注册 {most} 个集群，不能再增加。",
    "{name} is at version {version}, and not at {version2} any more.": "{name} 的版本为 {version}，已不是 {version2}。",
    "{runs} jobs may run on {name}.": "可能有 {runs} 个作业在 {name} 上运行。",
    "Stop them first (sluiceway stop --queue {name}), or remove it with force: they run on, and nobody follows "
    "them until it is registered again.": (
        "请先停止这些作业（sluiceway stop --queue {name}），或强制移除：作业将继续运行，在重新注册之前不再被跟踪。"
    ),
    "what opens it was changed": "访问它的方式已修改",
    "{name} stands in {origin}; change it there.": "{name} 在 {origin} 中，请在那里修改。",
    "{name} is the Flink that the service runs itself; --no-embedded ends that.": (
        "{name} 是服务自己运行的 Flink；--no-embedded 可停用。"
    ),
    "{name} is registered by the settings of the service (--cluster); change it there, and start it again.": (
        "{name} 由服务的设置（--cluster）注册；请在那里修改，并重启服务。"
    ),
    "it names {twice} more than once": "其中 {twice} 出现不止一次",
    "it is not YAML: {error}": "不是 YAML：{error}",
    "it is not a list of clusters: {str}": "不是集群列表：{str}",
    "aliases (*name) are not taken": "不接受别名（*name）",
    "{name} cannot be read: {getattr}": "无法读取 {name}：{getattr}",
    "{name} is longer than {limit} bytes": "{name} 超过 {limit} 字节",
    "{value} names one like that": "{value} 已有同名的集群",
    "its secrets cannot be opened: {error}": "无法解密其机密信息：{error}",
    "addresses are not valid: a cluster has 1 to {most_addresses} of them, one for each JobManager": (
        "addresses 无效：一个集群有 1 到 {most_addresses} 个地址，每个 JobManager 一个"
    ),
    "max_savepoints is not valid: it is a number from 1 to {most_savepoints}": (
        "max_savepoints 无效：应为 1 到 {most_savepoints} 的数字"
    ),
    "addresses are not valid: certificates are of use over https alone; write https:// for each address": (
        "addresses 无效：证书只能用于 https，请将每个地址写为 https:// 开头"
    ),
    "name is not valid: {embedded} is the Flink that the service runs itself; choose another name": (
        "name 无效：{embedded} 是服务自己运行的 Flink，请使用其他名称"
    ),
    "address {text}: {why}; write for example http://jobmanager:8081": (
        "地址 {text}：{why}；请填写例如 http://jobmanager:8081"
    ),
    "it is longer than {longest_address} characters": "超过 {longest_address} 个字符",
    "it is not a URL": "不是 URL",
    "it begins with http:// or https://": "必须以 http:// 或 https:// 开头",
    "names and passwords have no place in it; give them as a header or for basic authentication": (
        "不能包含用户名和密码；请用请求头或基本认证提供"
    ),
    "it is not the URL of a host": "不是主机的 URL",
    "it ends with its path": "必须以路径结尾",
    "labels are not valid: a cluster has at most {most_labels}": "labels 无效：一个集群最多 {most_labels} 个",
    "labels are not valid: the value of {key} has at most 255 characters, all to be seen": (
        "labels 无效：{key} 的值最多 255 个可见字符"
    ),
    "projects are not valid: at most {most_projects} are named; name none to let all use the cluster": (
        "projects 无效：最多指定 {most_projects} 个；不指定则所有项目都可使用该集群"
    ),
    "projects are not valid: {project} is no project's id, which is 1 to 64 letters and digits": (
        "projects 无效：{project} 不是项目 ID，应为 1 到 64 个字母或数字"
    ),
    "headers are not valid: at most {most_headers} are sent": "headers 无效：最多发送 {most_headers} 个",
    "basic is not valid: the user's name has at most 255 characters, and no colon": (
        "basic 无效：用户名最多 255 个字符，且不能有冒号"
    ),
    "basic is not valid: a password needs the user's name": "basic 无效：密码需要与用户名一起提供",
    "basic is not valid: the password has at most 1000 characters, all to be seen": (
        "basic 无效：密码最多 1000 个可见字符"
    ),
    "certificate is not valid: a certificate and its private key go together; one of them is missing": (
        "certificate 无效：证书与其私钥必须同时提供，缺少其一"
    ),
    "{name} is not valid: it is PEM text of at most {longest_pem} characters": (
        "{name} 无效：应为 PEM 文本，最多 {longest_pem} 个字符"
    ),
    "headers are not valid: {name} is no name of a header": "headers 无效：{name} 不是请求头的名称",
    "headers are not valid: {name} is not yours to set": "headers 无效：{name} 不能由您设置",
    "headers are not valid: Authorization is what basic authentication sends; give one of the two": (
        "headers 无效：Authorization 由基本认证发送；请只提供其一"
    ),
    "headers are not valid: the value of {name} has at most {longest_header} plain ASCII characters": (
        "headers 无效：{name} 的值最多 {longest_header} 个 ASCII 字符"
    ),
    "the cluster's address cannot be resolved": "无法解析集群的地址",
    "no secure connection to the cluster": "无法与集群建立安全连接",
    "the proxy before the cluster refuses the connection": "集群前的代理拒绝连接",
    "no connection to the cluster in time": "未能及时与集群建立连接",
    "no answer from the cluster in time": "集群未及时响应",
    "no connection to the cluster": "无法连接到集群",
    "the cluster closed the connection before it had answered": "集群在响应之前关闭了连接",
    "the cluster's answer was cut short": "集群的响应不完整",
    "the cluster's address is not valid": "集群的地址无效",
    "the connection to the cluster broke": "与集群的连接中断",
    "the cluster's answer is not HTTP": "集群的响应不是 HTTP",
    "the cluster's answer is not one of Flink's": "集群的响应不是 Flink 的响应",
    "the cluster's answer is nested too deeply": "集群的响应嵌套过深",
    "the cluster's answer is longer than {longest} bytes": "集群的响应超过 {longest} 字节",
    "the cluster answered HTTP {status}{answer}": "集群返回 HTTP {status}{answer}",
    "it has no high availability, so it stands in for no other JobManager": (
        "它没有启用高可用，因此不能替代其他 JobManager"
    ),
    "it is a JobManager of another cluster, or of one without high availability": (
        "它是另一个集群的 JobManager，或属于没有启用高可用的集群"
    ),
    "the connections to the cluster were closed, as it was changed or removed": (
        "由于集群被修改或移除，与其的连接已关闭"
    ),
    "the cluster does not tell: {str}": "集群没有说明：{str}",
    "its JobManager has read there what the service has written; TaskManagers are not asked": (
        "其 JobManager 已在该处读取到服务写入的内容；没有询问 TaskManager"
    ),
    "its JobManager finds the service's file there and may not read it: it runs as another user": (
        "其 JobManager 在该处找到了服务的文件，但无权读取：它以另一个用户运行"
    ),
    "its JobManager finds nothing there: {said}": "其 JobManager 在该处什么也没有找到：{said}",
    "the cluster does not tell": "集群没有说明",
    "what opens the cluster has just been changed": "访问该集群的方式刚刚被修改",
    "ca is not valid: it holds no certificate that can be read (PEM)": "ca 无效：其中没有可以读取的证书（PEM）",
    "certificate is not valid: it and the key are no pair in PEM without a password": (
        "certificate 无效：它与密钥不是一对没有密码的 PEM"
    ),
    "The state of operator {id} would be left behind: the job has no such operator.": (
        "算子 {id} 的状态会被丢弃：作业没有该算子。"
    ),
    "Change the job back, or resume it with --allow-non-restored-state to leave that state behind.": (
        "请改回作业，或使用 --allow-non-restored-state 恢复以丢弃该状态。"
    ),
    "the cluster answered a job state that is not known: {name}": "集群返回了未知的作业状态：{name}",
    "the cluster's answer about the attempt says neither where nor why": (
        "集群对该次尝试的响应既没有说明位置，也没有说明原因"
    ),
    "the cluster lists more than {most_jobs} jobs": "集群中的作业超过 {most_jobs} 个",
    "the cluster answered a sum that is none, for {id}": "集群对 {id} 返回的总和不是数字",
    "Flink did not start.": "Flink 没有启动。",
    "The embedded Flink has ended; its jobs have ended with it": "内嵌 Flink 已结束，其作业也随之结束",
    "Flink ended, and left its process behind.": "Flink 已结束，但留下了其进程。",
    "Exit code {exited}.": "退出码为 {exited}。",
    "looking at the job failed: {error}": "查看该作业时失败：{error}",
    "name is not valid: it has 1 to 128 letters, digits and . _ -": "name 无效：应为 1 到 128 个字母、数字和 . _ -",
    "labels are not valid: {key} has to be 1 to 128 letters, digits and . _ - /": (
        "labels 无效：{key} 应为 1 到 128 个字母、数字和 . _ - /"
    ),
    "and others": "等",
    "cluster {name} cannot be reached now: {why}": "当前无法访问集群 {name}：{why}",
    "The cluster {name} takes no jars.": "集群 {name} 不接收 jar 包。",
    "Set web.submit.enable to true in its configuration.": "请在其配置中将 web.submit.enable 设为 true。",
    "The cluster {name} has no jar {jar} any more: it keeps uploads as long as its JobManager lives.": (
        "集群 {name} 已没有 jar 包 {jar}：它只在 JobManager 存活期间保留上传的文件。"
    ),
    "Its program starts several jobs, and only the first was started: Flink refused {jobs}.": (
        "其程序启动多个作业，而只启动了第一个：Flink 拒绝了 {jobs}。"
    ),
    "Make a job here for each, and let its program start that one alone.": (
        "请为每个作业分别在此创建，并让其程序只启动该作业。"
    ),
    "a second one": "第二个作业",
    "Its program failed after it had started this job, and what it had yet to do was not done: {why}": (
        "其程序在启动该作业之后失败，尚未执行的部分没有执行：{why}"
    ),
    "Two of the job's dependency files are called {name}.": "作业的依赖文件中有两个都名为 {name}。",
    "{name} is not a jar that is taken: {error}.": "不接受 jar 包 {name}：{error}。",
    "{name} is not a jar that files can be added to: {error}.": "无法向 jar 包 {name} 添加文件：{error}。",
    "The jar {name} has a file {taken} of its own.": "jar 包 {name} 中已有文件 {taken}。",
    "the jar cannot be packed on the service's own disk: {error}": "无法在服务自己的磁盘上打包 jar：{error}",
    "No reason was given.": "没有给出原因。",
    "the cluster {name} runs Flink {version}, and this is judged by Flink {ours} alone": (
        "集群 {name} 运行 Flink {version}，而这只能由 Flink {ours} 判断"
    ),
    "nothing here sends jobs to {name}": "此处没有可向 {name} 提交作业的组件",
    "CREATE TABLE … AS is planned and sent by Flink's client in one step, which knows neither https nor "
    "passwords: it cannot be submitted to {name}.": (
        "CREATE TABLE … AS 由 Flink 客户端一步编译并提交，而它不支持 https 和密码：无法提交到 {name}。"
    ),
    "Write CREATE TABLE and INSERT INTO.": "请改写为 CREATE TABLE 和 INSERT INTO。",
}
