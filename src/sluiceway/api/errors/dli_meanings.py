"""When the service answers each of DLI's error codes, in both languages: for the page of codes and the reference."""

from collections.abc import Mapping
from typing import Final

from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.language import Text

MEANINGS: Final[Mapping[Code, Text]] = {
    Code.UNKNOWN_PATH: Text("No such path, or not with this method.", "没有此路径，或此路径不支持该方法。"),
    Code.TOO_LARGE: Text(
        "The body is larger than 12 MB. With 400: the input is not HTTP, or its address is too long; with "
        "408: it did not arrive in time; with 431: its headers are larger than 64 KB.",
        "请求体超过 12 MB。400：收到的不是 HTTP，或地址过长；408：请求未及时到达；431：请求头超过 64 KB。",
    ),
    Code.BUSY: Text(
        "Too many connections are open, the identity provider does not answer, or the service cannot store anything "
        "now (its disk is full or fails, or others hold its database); `Retry-After` says when to try again.",
        "打开的连接过多，身份提供方没有应答，或服务当前无法保存数据（磁盘已满或出现故障，或数据库被占用）；"
        "`Retry-After` 说明何时重试。",
    ),
    Code.NOT_SIGNED_IN: Text(
        "The caller is not signed in: no credential, or one that is wrong or has ended.",
        "调用方未登录：没有凭证，或凭证错误或已失效。",
    ),
    Code.FORBIDDEN: Text(
        "The caller has no right to it in this project, or there is no such project.",
        "调用方在该项目中没有此权限，或该项目不存在。",
    ),
    Code.THROTTLED: Text(
        "The caller sends too many requests, or too many wrong passwords were given for a name; `Retry-After` says how"
        " many seconds to wait.",
        "调用方请求过于频繁，或某个用户名的错误密码过多；`Retry-After` 说明需等待的秒数。",
    ),
    Code.BAD_PARAMETER: Text(
        "A parameter is missing, of the wrong type, or out of range, and has no code of its own.",
        "参数缺失、类型错误或超出范围，且没有专用的错误码。",
    ),
    Code.SQL_SYNTAX: Text("Graph of SQL: the SQL cannot be parsed.", "生成流图：SQL 无法解析。"),
    Code.SQL_SEMANTICS: Text(
        "Graph of SQL: the SQL cannot run as a job. Run: its SQL uses a name that is no variable, or sets what no job"
        " can set, or its cluster runs another Flink than the planner's.",
        "生成流图：SQL 不能作为作业运行。启动：SQL 使用了未定义的变量，或设置了作业不支持的参数，或集群的 Flink"
        " 版本与解析 SQL 的版本不同。",
    ),
    Code.NO_OBJECT: Text(
        "The file of a new resource does not exist, or there is no variable of this name.",
        "创建资源所用的文件不存在，或该名称的变量不存在。",
    ),
    Code.VARIABLE_EXISTS: Text("Variable: the name is taken.", "变量：名称已被使用。"),
    Code.VARIABLES_FULL: Text("Variable: the project has 500 already.", "变量：该项目已有 500 个。"),
    Code.NOT_SUPPORTED: Text(
        "DLI has it, this service does not: edge nodes, custom images.",
        "DLI 支持而本服务不支持：边缘节点、作业自定义镜像。",
    ),
    Code.TOO_MANY: Text(
        "More than 100,000 ids in one request, or 100 for metrics.",
        "单次请求超过 100,000 个 ID，或查询指标时超过 100 个。",
    ),
    Code.UNAVAILABLE: Text(
        "No planner for SQL is available, or storage does not answer. Import of a savepoint: the storage "
        "cannot be read now.",
        "没有可用的 SQL 规划器，或存储没有响应。导入保存点：当前无法读取存储。",
    ),
    Code.NOT_FOUND: Text(
        "No such resource, or token: the token to end is not the caller's, or has ended.",
        "没有此资源或 Token：要吊销的 Token 不属于调用方，或已失效。",
    ),
    Code.SERVER_FAULT: Text("A fault of the service.", "服务故障。"),
    Code.NOT_JSON: Text("The body is not JSON.", "请求体不是 JSON。"),
    Code.JOB_FORBIDDEN: Text(
        "Stop, delete: the caller has no right to stop jobs on the job's queue.",
        "停止、删除：调用方没有停止该作业所在队列上作业的权限。",
    ),
    Code.OTHER_PROJECT: Text(
        "The token is for another project than the path names.", "Token 所属项目与路径中的项目不一致。"
    ),
    Code.BAD_PROJECT: Text(
        "The project id in the path is not 1 to 64 letters and digits.", "路径中的项目 ID 不是 1 到 64 个字母或数字。"
    ),
    Code.SQL_TOO_LONG: Text("`sql_body` is too long.", "`sql_body` 过长。"),
    Code.NAME_EXISTS: Text("Create: a job of the project has this name.", "创建：该项目中已有同名作业。"),
    Code.NAME_TOO_LONG: Text("The name is longer than 57 bytes.", "名称超过 57 字节。"),
    Code.NAME_EMPTY: Text("The name is empty.", "名称为空。"),
    Code.BAD_CHECKPOINT_INTERVAL: Text("`checkpoint_interval` is out of range.", "`checkpoint_interval` 超出范围。"),
    Code.BAD_CHECKPOINT_MODE: Text(
        "`checkpoint_mode` is none of 1, 2, `exactly_once`, `at_least_once`.",
        "`checkpoint_mode` 不是 1、2、`exactly_once`、`at_least_once` 之一。",
    ),
    Code.BAD_BUCKET: Text(
        "`obs_bucket`, or one of `obs_buckets`, cannot be the name of a bucket.",
        "`obs_bucket` 或 `obs_buckets` 中的某一项不能作为桶名。",
    ),
    Code.BAD_PARALLELISM: Text("`parallel_number` is out of range.", "`parallel_number` 超出范围。"),
    Code.DESC_TOO_LONG: Text("`desc` is too long.", "`desc` 过长。"),
    Code.BAD_NAME: Text("The name holds a character that is not allowed.", "名称包含不允许的字符。"),
    Code.NOT_A_JAR: Text(
        "`entrypoint` or one of `dependency_jars` does not end with `.jar`.",
        "`entrypoint` 或 `dependency_jars` 中的某一项不以 `.jar` 结尾。",
    ),
    Code.CLASS_TOO_LONG: Text("`main_class` is longer than 512 bytes.", "`main_class` 超过 512 字节。"),
    Code.ARGS_TOO_LONG: Text("`entrypoint_args` is longer than 1024 bytes.", "`entrypoint_args` 超过 1024 字节。"),
    Code.CLASS_SPACES: Text("`main_class` holds spaces.", "`main_class` 包含空格。"),
    Code.NO_SUCH_JAR: Text(
        "Create or update: the jar that `entrypoint` newly names does not exist.",
        "创建或更新：`entrypoint` 新指定的 jar 包不存在。",
    ),
    Code.TOO_PARALLEL: Text(
        "`parallel_number` is more than 4 × (`cu_number` − `manager_cu_number`).",
        "`parallel_number` 大于 4 ×（`cu_number` − `manager_cu_number`）。",
    ),
    Code.TYPE_AND_MODE: Text(
        "`job_type` and `run_mode` were both given and do not fit.", "同时填写的 `job_type` 与 `run_mode` 不匹配。"
    ),
    Code.NO_CU_LEFT: Text(
        "`manager_cu_number` leaves nothing of `cu_number`.", "`manager_cu_number` 占用了全部 `cu_number`。"
    ),
    Code.BOTH_CU: Text(
        "Create: a Jar job with `manager_cu_number` and without `cu_number`.",
        "创建：Jar 作业填写了 `manager_cu_number`，但没有填写 `cu_number`。",
    ),
    Code.BAD_CU: Text("`cu_number` is out of range.", "`cu_number` 超出范围。"),
    Code.BAD_MANAGER_CU: Text("`manager_cu_number` is out of range.", "`manager_cu_number` 超出范围。"),
    Code.BAD_RETENTION: Text("`idle_state_retention` is out of range.", "`idle_state_retention` 超出范围。"),
    Code.BAD_DIRTY_DATA: Text(
        "`dirty_data_strategy` is none of `0`, `1`, `2:obsDir`.",
        "`dirty_data_strategy` 不是 `0`、`1`、`2:obsDir` 之一。",
    ),
    Code.NO_APIG_SINKS: Text("Sinks of API Gateway: there are none here.", "API 网关输出流：本服务没有。"),
    Code.BAD_ID: Text(
        "A job id is not above 0, or the one in the path is no number.", "作业 ID 不大于 0，或路径中的 ID 不是数字。"
    ),
    Code.UPDATE_KIND: Text("Update: the path is for jobs of another type.", "更新：该路径用于其他类型的作业。"),
    Code.UPDATE_RUNNING: Text("Update: the job runs or is being submitted.", "更新：作业正在运行或提交中。"),
    Code.UPDATE_UNKNOWN: Text("Update: no such job.", "更新：没有此作业。"),
    Code.UPDATE_STATE: Text("Update: the job's status does not allow it.", "更新：作业状态不允许。"),
    Code.UPDATE_NAME_EXISTS: Text("Update: another job has this name.", "更新：已有其他同名作业。"),
    Code.RUN_STATE: Text("Run: the job's status does not allow it.", "启动：作业状态不允许。"),
    Code.RUN_UNKNOWN: Text("Run: no such job.", "启动：没有此作业。"),
    Code.RUN_FORBIDDEN: Text(
        "Run: the caller has no right to start jobs on the job's queue.", "启动：调用方没有在作业队列上启动作业的权限。"
    ),
    Code.RUN_NO_JAR: Text(
        "Run: the Jar job names no `entrypoint`, or it does not exist.",
        "启动：Jar 作业没有填写 `entrypoint`，或其不存在。",
    ),
    Code.NO_SAVEPOINT: Text(
        "Run with `resume_savepoint`: neither a savepoint nor a checkpoint is known, or the state is damaged, "
        "gone, drained, of a job that has finished, or does not fit the job as it is now. "
        "Import of a savepoint: none is there, or it is not whole.",
        "带 `resume_savepoint` 启动：没有已知的保存点或检查点，或其已损坏、已删除、经过 drain，作业已自行结束，"
        "或与当前作业不匹配。导入保存点：该处没有保存点，或保存点不完整。",
    ),
    Code.NO_DEPENDENCY: Text(
        "Run: one of `dependency_jars` or `dependency_files` does not exist.",
        "启动：`dependency_jars` 或 `dependency_files` 中的某一项不存在。",
    ),
    Code.NO_QUEUE: Text("Run: there is no queue for the job.", "启动：没有可用于该作业的队列。"),
    Code.NO_GRAPH: Text("Execution graph: there is none, or no such job.", "执行计划图：没有图，或没有此作业。"),
    Code.STOP_UNKNOWN: Text(
        "Stop, savepoint, import-savepoint: no such job.", "停止、触发保存点、导入保存点：没有此作业。"
    ),
    Code.STOP_STATE: Text(
        "Stop, savepoint, import-savepoint: the job's status does not allow it. Stop, savepoint: the job's "
        "cluster is not registered any more.",
        "停止、触发保存点、导入保存点：作业状态不允许。停止、触发保存点：作业所在集群已不再注册。",
    ),
    Code.SHOW_UNKNOWN: Text(
        "Show, export, metrics, tags, graph of SQL, sinks of API Gateway: no such job.",
        "查询、导出、指标、标签、生成流图、API 网关输出流：没有此作业。",
    ),
    Code.DELETE_UNKNOWN: Text("Delete: no such job.", "删除：没有此作业。"),
    Code.NO_BUCKET: Text("Authorize buckets: none is named.", "桶授权：没有填写桶名。"),
    Code.TEMPLATE_NAME_EMPTY: Text("Template: the name is empty.", "模板：名称为空。"),
    Code.TEMPLATE_NAME_EXISTS: Text(
        "Template: another one of the project has this name.", "模板：该项目中已有同名模板。"
    ),
    Code.TEMPLATES_FULL: Text("Template: the project has 100 already.", "模板：该项目已有 100 个。"),
    Code.TEMPLATE_UNKNOWN: Text(
        "Template, delete, and a job's `template_id`: no such template.",
        "删除模板，以及作业的 `template_id`：没有此模板。",
    ),
    Code.TEMPLATE_DESC_TOO_LONG: Text("Template: `desc` is too long.", "模板：`desc` 过长。"),
    Code.TEMPLATE_SQL_TOO_LONG: Text("Template: `sql_body` is too long.", "模板：`sql_body` 过长。"),
    Code.TEMPLATE_TYPE: Text(
        "Template: `job_type` is none that a template may have.", "模板：`job_type` 不是模板可用的类型。"
    ),
    Code.TEMPLATE_BAD_ID: Text("Template: the id is not a number above 0.", "模板：ID 不是大于 0 的数字。"),
    Code.TEMPLATE_NAME_TOO_LONG: Text("Template: the name is longer than 64 characters.", "模板：名称超过 64 个字符。"),
    Code.UPDATE_TEMPLATE_UNKNOWN: Text("Template, update: no such template.", "更新模板：没有此模板。"),
    Code.BAD_TEMPLATE_PAGE: Text(
        "Template, list: `offset` or `limit` is not a number of 0 or more.",
        "查询模板列表：`offset` 或 `limit` 不是大于等于 0 的数字。",
    ),
    Code.QUEUE_UNKNOWN: Text("Create or update: no queue of this name.", "创建或更新：没有此名称的队列。"),
    Code.BAD_OFFSET: Text("List: `offset` is not a number of 0 or more.", "作业列表：`offset` 不是大于等于 0 的数字。"),
    Code.BAD_ROOT: Text("List: `root_job_id` is not a number above 0.", "作业列表：`root_job_id` 不是大于 0 的数字。"),
    Code.BAD_EXPORT: Text("Export: `obs_dir` cannot be a directory.", "导出：`obs_dir` 不是可用的目录。"),
    Code.BAD_IMPORT: Text(
        "Import: there is no such file, or it cannot be imported.", "导入：没有此文件，或该文件不能导入。"
    ),
}
