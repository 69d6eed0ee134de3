"""The HTTP status and the text of each of DLI's error codes, in both languages.

Every text says what is wrong and what to do next.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.language import Text


@dataclass(frozen=True, slots=True)
class Entry:
    """The text and the HTTP status of a code."""

    text: Text
    status: int = 400


def _entry(en: str, zh: str, status: int = 400) -> Entry:
    return Entry(Text(en, zh), status)


TABLE: Mapping[Code, Entry] = {
    Code.UNKNOWN_PATH: _entry(
        "No API answers {method} {path}. Check the path and the method; /docs lists what there is.",
        "没有与 {method} {path} 对应的 API。请检查路径和方法，/docs 列出了全部 API。",
        404,
    ),
    Code.TOO_LARGE: _entry(
        "The request body is larger than {limit} MB. Send less in one request.",
        "请求体超过 {limit} MB。请减少单次请求的内容。",
        413,
    ),
    Code.BUSY: _entry(
        "The service has too much to do: {why}. Send the request again later.",
        "服务繁忙：{why}。请稍后重试。",
        503,
    ),
    Code.NOT_SIGNED_IN: _entry(
        "You are not signed in: {why}. Sign the request with an access key (AK/SK), or send a token in X-Auth-Token.",
        "身份认证失败：{why}。请使用访问密钥（AK/SK）对请求签名，或在 X-Auth-Token 中携带 Token。",
        401,
    ),
    Code.FORBIDDEN: _entry(
        "You have no right to do this here ({action}), or there is no such project. Ask an administrator to grant you a"
        " role in the project.",
        "您没有执行此操作的权限（{action}），或该项目不存在。请联系管理员授予您该项目的角色。",
        403,
    ),
    Code.THROTTLED: _entry(
        "Requests come faster than they are allowed to. Wait {seconds} s, then send the request again.",
        "请求过于频繁。请等待 {seconds} 秒后重试。",
        429,
    ),
    Code.BAD_PARAMETER: _entry(
        "Parameter {field} is not valid: {why}. Correct it and send the request again.",
        "参数 {field} 无效：{why}。请修改后重新发送请求。",
    ),
    Code.NO_OBJECT: _entry(
        "{what} Create it first, then send the request again.", "{what}请先创建，然后重新发送请求。"
    ),
    Code.SQL_SYNTAX: _entry(
        "The SQL cannot be parsed: {why} Correct it and send the request again.",
        "SQL 语法错误：{why} 请修改后重新发送请求。",
    ),
    Code.SQL_SEMANTICS: _entry(
        "The SQL cannot run as a job: {why} Correct it and send the request again.",
        "SQL 不能作为作业运行：{why} 请修改后重新发送请求。",
    ),
    Code.VARIABLE_EXISTS: _entry(
        "A variable named {name} exists in this project. Choose another name, or update that variable.",
        "该项目中已存在名为 {name} 的变量。请使用其他名称，或更新该变量。",
    ),
    Code.VARIABLES_FULL: _entry(
        "The project has {limit} variables, which is the limit. Delete one first.",
        "该项目已有 {limit} 个变量，达到上限。请先删除一个变量。",
    ),
    Code.NOT_SUPPORTED: _entry("{what}", "{what}"),
    Code.TOO_MANY: _entry(
        "The request names {count} jobs; one may name at most {limit}. Nothing was done. Send several requests.",
        "请求包含 {count} 个作业，单次请求最多 {limit} 个。未执行任何操作，请分多次发送。",
    ),
    Code.UNAVAILABLE: _entry(
        "This cannot be done now: {why}. Try again later.",
        "当前无法执行此操作：{why}。请稍后重试。",
    ),
    Code.NOT_FOUND: _entry(
        "There is nothing named {name} here. Check it; it may have been deleted, or have ended.",
        "不存在 {name}，可能已被删除或已失效。请检查后重试。",
        404,
    ),
    Code.SERVER_FAULT: _entry(
        "The service failed while it handled this request. Send it again; if it fails again, give the operator of the"
        " service the request id {request_id}.",
        "服务在处理该请求时出错。请重试；如仍失败，请将请求 ID {request_id} 提供给服务管理员。",
        500,
    ),
    Code.NOT_JSON: _entry(
        "The request body is not valid JSON: {why}. Send a JSON object.",
        "请求体不是有效的 JSON：{why}。请发送 JSON 对象。",
    ),
    Code.JOB_FORBIDDEN: _entry(
        "You have no right to stop jobs on queue {queue}. Ask an administrator to grant it to you.",
        "您没有停止队列 {queue} 上作业的权限。请联系管理员授权。",
    ),
    Code.OTHER_PROJECT: _entry(
        "The token is for another project than the path names. Get a token for this project.",
        "Token 所属项目与路径中的项目不一致。请获取该项目的 Token。",
    ),
    Code.BAD_PROJECT: _entry(
        "The project id in the path is not valid: it has 1 to 64 letters and digits. Set it in your client.",
        "路径中的项目 ID 无效：应为 1 到 64 个字母或数字。请在客户端中设置项目 ID。",
    ),
    Code.SQL_TOO_LONG: _entry(
        "sql_body has {size} characters; at most {limit} are allowed. Shorten it or split the job.",
        "sql_body 有 {size} 个字符，最多允许 {limit} 个。请缩短 SQL 或拆分作业。",
    ),
    Code.NAME_EXISTS: _entry(
        "A job named {name} exists in this project. Choose another name, or update that job.",
        "该项目中已存在名为 {name} 的作业。请使用其他名称，或更新该作业。",
    ),
    Code.NAME_TOO_LONG: _entry(
        "The job name has {size} bytes in UTF-8; at most {limit} are allowed. Choose a shorter name.",
        "作业名称的 UTF-8 长度为 {size} 字节，最多允许 {limit} 字节。请使用更短的名称。",
    ),
    Code.NAME_EMPTY: _entry("The job name is empty. Give the job a name.", "作业名称为空。请填写作业名称。"),
    Code.BAD_CHECKPOINT_INTERVAL: _entry(
        "checkpoint_interval must be {low} to {high} seconds. Correct it.",
        "checkpoint_interval 必须为 {low} 到 {high} 秒。请修改。",
    ),
    Code.BAD_CHECKPOINT_MODE: _entry(
        "checkpoint_mode must be 1 (exactly_once) or 2 (at_least_once). Correct it.",
        "checkpoint_mode 必须为 1（exactly_once）或 2（at_least_once）。请修改。",
    ),
    Code.BAD_PARALLELISM: _entry(
        "parallel_number must be {low} to {high}. Correct it.",
        "parallel_number 必须为 {low} 到 {high}。请修改。",
    ),
    Code.DESC_TOO_LONG: _entry(
        "desc has {size} characters; at most {limit} are allowed. Shorten it.",
        "desc 有 {size} 个字符，最多允许 {limit} 个。请缩短描述。",
    ),
    Code.BAD_BUCKET: _entry(
        "obs_bucket {bucket} cannot be a bucket: the name has 3 to 63 lower-case letters, digits, hyphens and dots, and"
        " is not jobs. Correct it.",
        "obs_bucket {bucket} 不是有效的桶名：应为 3 到 63 个小写字母、数字、中划线或点，且不能为 jobs。请修改。",
    ),
    Code.BAD_NAME: _entry(
        "The job name may hold only letters, digits, Chinese characters, _ and -. Choose another name.",
        "作业名称只能包含字母、数字、中文、下划线和中划线。请使用其他名称。",
    ),
    Code.NOT_A_JAR: _entry(
        "{file} in {field} is not a jar: its name must end with .jar. Give the path or the name of a jar.",
        "{field} 中的 {file} 不是 jar 包：名称必须以 .jar 结尾。请填写 jar 包的路径或名称。",
    ),
    Code.CLASS_TOO_LONG: _entry(
        "main_class has {size} bytes in UTF-8; at most {limit} are allowed. Give the name of a class.",
        "main_class 的 UTF-8 长度为 {size} 字节，最多允许 {limit} 字节。请填写类名。",
    ),
    Code.ARGS_TOO_LONG: _entry(
        "entrypoint_args has {size} bytes in UTF-8; at most {limit} are allowed. Put the rest into a dependency file.",
        "entrypoint_args 的 UTF-8 长度为 {size} 字节，最多允许 {limit} 字节。请将其余内容放入依赖文件。",
    ),
    Code.CLASS_SPACES: _entry(
        "main_class holds spaces. Give the name of a class, for example com.example.Main.",
        "main_class 不能包含空格。请填写类名，例如 com.example.Main。",
    ),
    Code.NO_SUCH_JAR: _entry(
        "The jar {file} does not exist. Put it into storage, or upload it as a resource, then send the request again.",
        "jar 包 {file} 不存在。请将其放入存储或作为资源上传，然后重新发送请求。",
    ),
    Code.TOO_PARALLEL: _entry(
        "parallel_number {parallel} is more than 4 times the {free} CUs left beside the JobManager. Lower it to"
        " {limit}, or raise cu_number.",
        "parallel_number {parallel} 超过了计算单元（除管理单元外剩余 {free} CU）的 4 倍。请降低到 {limit}，"
        "或增大 cu_number。",
    ),
    Code.BOTH_CU: _entry(
        "A Jar job with manager_cu_number needs cu_number, too. Give both.",
        "设置了 manager_cu_number 的 Jar 作业还必须设置 cu_number。请同时填写。",
    ),
    Code.TYPE_AND_MODE: _entry(
        "job_type {job_type} does not run with run_mode {run_mode}. Use run_mode {fitting}, or leave one of the two"
        " out.",
        "job_type {job_type} 不支持 run_mode {run_mode}。请使用 run_mode {fitting}，或省略其中一个参数。",
    ),
    Code.NO_CU_LEFT: _entry(
        "manager_cu_number {manager} leaves nothing of cu_number {total} for the job. Raise cu_number or lower"
        " manager_cu_number.",
        "manager_cu_number {manager} 占满了 cu_number {total}，作业没有可用的计算单元。请增大 cu_number 或减小"
        " manager_cu_number。",
    ),
    Code.BAD_CU: _entry("cu_number must be {low} to {high}. Correct it.", "cu_number 必须为 {low} 到 {high}。请修改。"),
    Code.BAD_MANAGER_CU: _entry(
        "manager_cu_number must be {low} to {high}. Correct it.", "manager_cu_number 必须为 {low} 到 {high}。请修改。"
    ),
    Code.BAD_RETENTION: _entry(
        "idle_state_retention must be {low} to {high} {unit}. Correct it.",
        "idle_state_retention 必须为 {low} 到 {high} {unit}。请修改。",
    ),
    Code.BAD_DIRTY_DATA: _entry(
        "dirty_data_strategy must be 0, 1 or 2:obsDir. Correct it.",
        "dirty_data_strategy 必须为 0、1 或 2:obsDir。请修改。",
    ),
    Code.NO_APIG_SINKS: _entry(
        "Job {id} has no sinks of API Gateway: this service has none. Use another connector.",
        "作业 {id} 没有 API 网关输出：本服务不支持。请使用其他连接器。",
    ),
    Code.BAD_ID: _entry(
        "Job id {id} is not valid: a job id is a whole number above 0. Use an id that create or list gave you.",
        "作业 ID {id} 无效：作业 ID 为大于 0 的整数。请使用创建或查询接口返回的 ID。",
    ),
    Code.UPDATE_KIND: _entry(
        "The job is a {kind} and cannot be changed by this path. Use /streaming/{path}/ and its id.",
        "该作业的类型为 {kind}，不能通过此路径修改。请使用 /streaming/{path}/ 加作业 ID。",
    ),
    Code.UPDATE_RUNNING: _entry(
        "The job is in status {status}, so this cannot be changed: {fields}. Stop the job first. While it runs, only"
        " {allowed} can be changed.",
        "作业状态为 {status}，不能修改：{fields}。请先停止作业。运行中只能修改 {allowed}。",
    ),
    Code.UPDATE_UNKNOWN: _entry(
        "There is no job {id} in this project. Check the id and the project.",
        "该项目中不存在作业 {id}。请检查作业 ID 和项目。",
    ),
    Code.UPDATE_STATE: _entry(
        "The job cannot be changed in status {status}. Wait until it has stopped, then send the request again.",
        "作业状态为 {status}，不能修改。请等待作业停止后重新发送请求。",
    ),
    Code.UPDATE_NAME_EXISTS: _entry(
        "Another job named {name} exists in this project. Choose another name.",
        "该项目中已存在名为 {name} 的其他作业。请使用其他名称。",
    ),
    Code.RUN_STATE: _entry(
        "The job is in status {status} and cannot be started{note}. Wait until it has stopped, or stop it first.",
        "作业状态为 {status}，不能启动{note}。请等待作业停止，或先停止作业。",
    ),
    Code.RUN_UNKNOWN: _entry(
        "There is no such job in this project. Check the id and the project.",
        "该项目中不存在此作业。请检查作业 ID 和项目。",
    ),
    Code.RUN_FORBIDDEN: _entry(
        "You have no right to start jobs on queue {queue}. Ask an administrator to grant it to you.",
        "您没有在队列 {queue} 上启动作业的权限。请联系管理员授权。",
    ),
    Code.RUN_NO_JAR: _entry(
        "The job's jar is missing{note}. Put it into storage, or upload it as a resource, and name it as entrypoint.",
        "作业的 jar 包不存在{note}。请将其放入存储或作为资源上传，并填写 entrypoint。",
    ),
    Code.NO_SAVEPOINT: _entry(
        "There is nothing to resume this job from{note}. Start it without resume_savepoint.",
        "该作业没有可用于恢复的保存点{note}。请不带 resume_savepoint 启动。",
    ),
    Code.NO_DEPENDENCY: _entry(
        "Something that the job depends on is missing{note}. Put it into storage, or upload it as a resource.",
        "作业的依赖不存在{note}。请将其放入存储，或作为资源上传。",
    ),
    Code.NO_QUEUE: _entry(
        "There is no queue for this job to run on{note}. Register the cluster with the service, or update the job's"
        " queue_name.",
        "该作业没有可用的队列{note}。请在服务中注册集群，或更新作业的 queue_name。",
    ),
    Code.NO_GRAPH: _entry(
        "Job {id} has no execution graph: {why}. Start the job, or check the id.",
        "作业 {id} 没有执行计划图：{why}。请启动作业，或检查作业 ID。",
    ),
    Code.STOP_UNKNOWN: _entry(
        "There is no such job in this project. Check the id and the project.",
        "该项目中不存在此作业。请检查作业 ID 和项目。",
    ),
    Code.STOP_STATE: _entry(
        "The job is in status {status} and cannot be stopped like this{note}. Look at its status: it may have ended or"
        " be stopping; a job that is being submitted has no state yet and is stopped without a savepoint.",
        "作业状态为 {status}，不能这样停止{note}。请查看作业状态：作业可能已结束或正在停止；提交中的作业还没有状态，"
        "只能不带保存点停止。",
    ),
    Code.SHOW_UNKNOWN: _entry(
        "There is no job {id} in this project. Check the id and the project.",
        "该项目中不存在作业 {id}。请检查作业 ID 和项目。",
    ),
    Code.DELETE_UNKNOWN: _entry(
        "There is no such job in this project. Check the id and the project.",
        "该项目中不存在此作业。请检查作业 ID 和项目。",
    ),
    Code.NO_BUCKET: _entry(
        "obs_buckets names no bucket. Give the names of the buckets to authorize.",
        "obs_buckets 中没有桶。请填写需要授权的桶名。",
    ),
    Code.TEMPLATE_NAME_EMPTY: _entry(
        "The template name is empty. Give the template a name.", "模板名称为空。请填写模板名称。"
    ),
    Code.TEMPLATE_NAME_EXISTS: _entry(
        "A template named {name} exists in this project. Choose another name, or update that template.",
        "该项目中已存在名为 {name} 的模板。请使用其他名称，或更新该模板。",
    ),
    Code.TEMPLATES_FULL: _entry(
        "The project has {limit} templates, which is the limit. Delete one first.",
        "该项目已有 {limit} 个模板，达到上限。请先删除一个模板。",
    ),
    Code.TEMPLATE_UNKNOWN: _entry(
        "There is no template {id} in this project. Check the id and the project.",
        "该项目中不存在模板 {id}。请检查模板 ID 和项目。",
    ),
    Code.TEMPLATE_DESC_TOO_LONG: _entry(
        "desc has {size} characters; at most {limit} are allowed. Shorten it.",
        "desc 有 {size} 个字符，最多允许 {limit} 个。请缩短描述。",
    ),
    Code.TEMPLATE_SQL_TOO_LONG: _entry(
        "sql_body has {size} characters; at most {limit} are allowed. Shorten it.",
        "sql_body 有 {size} 个字符，最多允许 {limit} 个。请缩短 SQL。",
    ),
    Code.TEMPLATE_TYPE: _entry(
        "job_type of a template must be {fitting}. Correct it or leave it out.",
        "模板的 job_type 必须为 {fitting}。请修改或省略。",
    ),
    Code.TEMPLATE_BAD_ID: _entry(
        "Template id {id} is not valid: it is a whole number above 0. Use an id that create or list gave you.",
        "模板 ID {id} 无效：模板 ID 为大于 0 的整数。请使用创建或查询接口返回的 ID。",
    ),
    Code.TEMPLATE_NAME_TOO_LONG: _entry(
        "The template name has {size} characters; at most {limit} are allowed. Choose a shorter name.",
        "模板名称有 {size} 个字符，最多允许 {limit} 个。请使用更短的名称。",
    ),
    Code.UPDATE_TEMPLATE_UNKNOWN: _entry(
        "There is no template {id} in this project, so it cannot be changed. Check the id and the project.",
        "该项目中不存在模板 {id}，无法更新。请检查模板 ID 和项目。",
    ),
    Code.BAD_TEMPLATE_PAGE: _entry(
        "offset and limit of a list of templates must be whole numbers, 0 or more. Correct them.",
        "模板列表的 offset 和 limit 必须为大于等于 0 的整数。请修改。",
    ),
    Code.QUEUE_UNKNOWN: _entry(
        "There is no queue named {queue}. Register the cluster with the service, or choose another queue_name.",
        "不存在名为 {queue} 的队列。请在服务中注册集群，或使用其他 queue_name。",
    ),
    Code.BAD_OFFSET: _entry(
        "offset must be a whole number, 0 or more. Correct it.", "offset 必须为大于等于 0 的整数。请修改。"
    ),
    Code.BAD_ROOT: _entry(
        "root_job_id must be a whole number above 0. Correct it or leave it out.",
        "root_job_id 必须为大于 0 的整数。请修改或省略。",
    ),
    Code.BAD_EXPORT: _entry(
        "Jobs cannot be exported to obs_dir: {why} Give a directory as bucket/directory.",
        "无法将作业导出到 obs_dir：{why} 请填写 bucket/directory 形式的目录。",
    ),
    Code.BAD_IMPORT: _entry(
        "Nothing was imported. {why} Give a zip file that was exported, or a directory of them.",
        "未导入任何作业。{why} 请填写导出的 zip 文件或其所在目录。",
    ),
}
