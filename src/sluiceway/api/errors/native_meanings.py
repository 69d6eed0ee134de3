"""What each code of the native API means and what to do next, in both languages: of requests, and of single jobs."""

from collections.abc import Mapping
from typing import Final

from sluiceway.api.errors.language import Text
from sluiceway.api.errors.native_codes import ALREADY_STOPPED, Code
from sluiceway.domain.admission import Refusal

_TRY_AGAIN: Final = Text("Try again later.", "请稍后重试。")
_CHECK: Final = Text("Check the id and the project.", "请检查 ID 和项目。")

# Without FORBIDDEN, which is DLI's.
OF_REQUESTS: Final[Mapping[Code, tuple[Text, Text]]] = {
    Code.BAD_REQUEST: (
        Text("The request is not understood. Nothing was done.", "无法理解该请求。未执行任何操作。"),
        Text(
            "The message names the field. Correct it; fields that do not exist are refused, too.",
            "消息中说明了出错的字段，请修改；不存在的字段也会被拒绝。",
        ),
    ),
    Code.UNKNOWN_STOP: (Text("There is no such stop in this project.", "该项目中没有此停止操作。"), _CHECK),
    Code.UNKNOWN_QUEUE: (
        Text(
            "No such cluster is registered, and no job of the project was on it.",
            "没有注册此集群，该项目也没有作业在其上运行过。",
        ),
        Text("Check the name, or register the cluster with the service.", "请检查名称，或在服务中注册该集群。"),
    ),
    Code.UNKNOWN_CLUSTER: (
        Text("No such cluster is registered, or the project may not use it.", "没有注册此集群，或该项目不可使用它。"),
        Text("Look at the list of clusters for its name.", "请在集群列表中查找其名称。"),
    ),
    Code.CLUSTER_EXISTS: (
        Text("A cluster of this name is registered already.", "已注册同名集群。"),
        Text("Choose another name, or change the one that is there.", "请使用其他名称，或修改已有集群。"),
    ),
    Code.CLUSTER_ELSEWHERE: (
        Text(
            "The cluster is registered by the service's settings or by a file, and is changed there.",
            "该集群由服务的设置或文件注册，只能在那里修改。",
        ),
        Text(
            "Change --cluster and start the service again, or change the file that the message names.",
            "请修改 --cluster 并重启服务，或修改消息中所述的文件。",
        ),
    ),
    Code.CLUSTER_CHANGED: (
        Text("Somebody has changed the cluster since you looked at it.", "自您查看后，该集群已被他人修改。"),
        Text("Look at it again, and send the change with its version.", "请重新查看，并使用其 version 提交修改。"),
    ),
    Code.CLUSTER_IN_USE: (
        Text("Jobs may run on the cluster.", "该集群上可能有作业在运行。"),
        Text(
            "Stop them first, with sluiceway stop --queue NAME; or remove it with force=true, and they run on unseen.",
            "请先停止作业：sluiceway stop --queue NAME；或使用 force=true 移除，作业将继续运行但不再被跟踪。",
        ),
    ),
    Code.SECRETS_UNUSABLE: (
        Text(
            "The key that secrets are sealed with cannot be used, so nothing was stored or opened.",
            "用于密封机密的密钥不可用，未存储也未打开任何内容。",
        ),
        Text(
            "An administrator has to bring back the file of --secret-key-file.",
            "请管理员恢复 --secret-key-file 指定的文件。",
        ),
    ),
    Code.UNKNOWN_SAVEPOINT: (Text("There is no such savepoint in this project.", "该项目中没有此保存点。"), _CHECK),
    Code.UNKNOWN_RESOURCE: (
        Text("There is no such resource in this project.", "该项目中没有此资源。"),
        Text("Check its name and its group.", "请检查资源名称和分组。"),
    ),
    Code.UNKNOWN_JOB: (
        Text("No such job is in this project.", "该项目中没有此作业。"),
        Text("Look at the list of jobs for its id.", "请在作业列表中查找其 ID。"),
    ),
    Code.UNKNOWN_RESUME: (
        Text("This project has no resume with the id.", "该项目中没有此恢复请求。"),
        Text("Look at the list of resumes for its id.", "请在恢复列表中查找其 ID。"),
    ),
    Code.UNKNOWN_MOVE: (
        Text("This project has no move with the id.", "该项目中没有此迁移请求。"),
        Text("Look at the list of moves for its id.", "请在迁移列表中查找其 ID。"),
    ),
    Code.NOT_RESUMED: (
        Text("The stop was not resumed yet, so there is nothing to retry.", "该停止请求尚未恢复，没有失败项。"),
        Text("Resume the stop first, without failed.", "请先恢复该停止请求，不要指定 failed。"),
    ),
    Code.UNKNOWN_PLAN: (
        Text(
            "No such plan is kept in this project, or it is of another kind. Plans are kept for 12 hours.",
            "该项目中没有此计划，或计划类型不符。计划保留 12 小时。",
        ),
        Text("Make the dry run again; its answer names the plan.", "请重新试运行，其响应中包含计划 ID。"),
    ),
    Code.PLAN_OUTDATED: (
        Text(
            "The jobs no longer match the plan. Nothing was done.",
            "当前试运行的结果与计划不同。未执行任何操作。",
        ),
        Text(
            "The message names the jobs that differ. Make the dry run again, and run that plan.",
            "消息中说明了有差异的作业。请重新试运行，并执行新的计划。",
        ),
    ),
    Code.UNUSABLE_PATH: (
        Text("The path names nothing under the storage root.", "该路径不在存储根目录之下。"),
        Text("Give a directory as bucket/directory.", "请填写 bucket/directory 形式的目录。"),
    ),
    Code.NO_WHOLE_SAVEPOINT: (
        Text("No whole savepoint or checkpoint lies there.", "该处没有完整的保存点或检查点。"),
        Text(
            "The message says what is wrong. Give the directory that holds its _metadata, or bring the files back.",
            "消息中说明了问题。请指定 _metadata 所在的目录，或恢复文件。",
        ),
    ),
    Code.SAVEPOINT_TOO_LARGE: (
        Text("The _metadata has more in it than is ever read.", "该 _metadata 超过可读取的上限。"),
        Text("Take a smaller one; the limits are those of storage.", "请使用较小的保存点；上限见存储说明。"),
    ),
    Code.ANOTHER_JOBS: (
        Text("The savepoint belongs to another job.", "该保存点属于其他作业。"),
        Text(
            "Choose it for the job: sluiceway savepoints choose, or DLI's import-savepoint.",
            "请使用 sluiceway savepoints choose 或 DLI 的 import-savepoint 为作业选择该保存点。",
        ),
    ),
    Code.JOB_MAY_RUN: (
        Text("The job may be running, so nothing can be chosen for it.", "作业可能正在运行，无法为其选择保存点。"),
        Text("Stop it first, or register without choosing.", "请先停止作业，或仅登记而不选择。"),
    ),
    Code.SAVEPOINT_NEEDED: (
        Text("A job still needs the savepoint.", "仍有作业需要该保存点。"),
        Text(
            "The message names the job. Start it from elsewhere, delete it, or remove the savepoint with force=true.",
            "消息中说明了该作业。请从其他保存点启动或删除该作业，或使用 force=true 删除保存点。",
        ),
    ),
    Code.SAVEPOINT_REMOVED: (
        Text("The savepoint was removed.", "该保存点已删除。"),
        Text("Choose another one from the list.", "请从列表中选择其他保存点。"),
    ),
    Code.SAVEPOINT_UNREMOVABLE: (
        Text("The service may not remove what lies there.", "该处的文件不归本服务删除。"),
        Text("Remove it yourself, where it lies.", "请自行在其所在位置删除。"),
    ),
    Code.TOO_LARGE: (
        Text(
            "The body is longer than 12 MB, or a resource than 1 GiB; with a signature, than 12 MB.",
            "请求体超过 12 MB，或资源超过 1 GiB（签名请求为 12 MB）。",
        ),
        Text("Send less in one request.", "请减少单次请求的内容。"),
    ),
    Code.KEY_REUSED: (
        Text("The Idempotency-Key belongs to another request.", "该 Idempotency-Key 已用于其他请求。"),
        Text("Use a new key for a new request.", "请为新请求使用新的 Idempotency-Key。"),
    ),
    Code.STORAGE_UNREADABLE: (
        Text("Storage cannot be read or changed now.", "当前无法读取或更改存储。"),
        _TRY_AGAIN,
    ),
    Code.DATABASE_UNAVAILABLE: (
        Text(
            "The service cannot store anything now: its disk is full or fails, or others hold its database.",
            "服务当前无法保存数据：磁盘已满或出现故障，或数据库被占用。",
        ),
        Text(
            "Try again later. On a full disk, deleting still works, and makes room.",
            "请稍后重试。磁盘已满时仍可执行删除操作以释放空间。",
        ),
    ),
    Code.TOO_MANY_STREAMS: (
        Text("You follow as many stops at once as one caller may.", "您同时跟踪的停止操作已达上限。"),
        Text(
            "Close a stream first, or ask for the stop now and then.", "请先关闭一个事件流，或改为定期查询该停止操作。"
        ),
    ),
    Code.NO_LOG: (
        Text(
            "The job has never run, its cluster does not answer, or the process has no log file.",
            "作业从未运行过、其集群没有响应，或该进程没有日志文件。",
        ),
        Text("The message says which; look at the list of processes.", "消息中说明了原因；请查看进程列表。"),
    ),
}


OF_JOBS: Final[Mapping[str, tuple[Text, Text]]] = {
    Refusal.UNKNOWN: (Text("There is no such job in this project.", "该项目中没有此作业。"), _CHECK),
    Refusal.FORBIDDEN: (
        Text("You have no right to start or stop jobs on its queue.", "您没有在其队列上启动或停止作业的权限。"),
        Text("Ask an administrator to grant it to you.", "请联系管理员授权。"),
    ),
    Refusal.WRONG_STATE: (
        Text("The job's status does not allow it.", "作业状态不允许。"),
        Text("Look at its status; it may have ended, or be stopping.", "请查看作业状态：作业可能已结束或正在停止。"),
    ),
    Refusal.NO_SAVEPOINT: (
        Text("Neither a savepoint nor a checkpoint of it is known.", "没有已知的保存点或检查点。"),
        Text("Run it without resuming.", "请不带恢复选项启动。"),
    ),
    Refusal.NO_QUEUE: (
        Text("Its queue is not registered with this service.", "其队列未在本服务中注册。"),
        Text("Register the cluster, or change the job's queue.", "请注册该集群，或更改作业的队列。"),
    ),
    Refusal.NO_STARTS: (
        Text(
            "Its cluster takes no jobs: it is being drained, or is an application cluster.",
            "其集群不接受新作业：正在排空，或为 application 集群。",
        ),
        Text(
            "Give the job another queue, or end the draining: sluiceway clusters drain NAME --undo.",
            "请更改作业的队列，或结束排空：sluiceway clusters drain NAME --undo。",
        ),
    ),
    Refusal.NO_PROGRAM: (
        Text(
            "It is a Jar job, and its jar is missing, or nobody has said what it is made of.",
            "该作业为 Jar 作业，其 jar 包不存在，或尚未指定其程序。",
        ),
        Text(
            "Put the jar into storage, or upload it as a resource; of an adopted job: sluiceway jobs program.",
            "请将 jar 包放入存储，或作为资源上传；对于接管的作业：sluiceway jobs program。",
        ),
    ),
    Refusal.BAD_SQL: (
        Text(
            "Its SQL uses a variable that is not defined, or sets an option that a job cannot have.",
            "其 SQL 使用了未定义的变量，或设置了作业不支持的参数。",
        ),
        Text(
            "The message names it, and suggests another. Correct the SQL, or create the variable.",
            "消息中给出了名称及可能的正确写法。请修改 SQL，或创建该变量。",
        ),
    ),
    Refusal.OTHER_FLINK: (
        Text(
            "Its cluster runs a minor version of Flink that is not here to plan its SQL.",
            "本服务没有其集群所用的 Flink 次版本，无法解析其 SQL。",
        ),
        Text(
            "Add that version on the service's machine (`sluiceway distributions add`), or give the job another queue.",
            "请在服务所在机器上添加该版本（`sluiceway distributions add`），或将作业改到其他队列。",
        ),
    ),
    Refusal.NO_DEPENDENCY: (
        Text("Something that its program depends on is missing.", "其程序的依赖不存在。"),
        Text("Put the file into storage, or upload it as a resource.", "请将文件放入存储，或作为资源上传。"),
    ),
    Refusal.NOT_STOPPED: (
        Text("This stop has no savepoint of it.", "此停止操作没有该作业的保存点。"),
        Text("Run it with the newest savepoint that it has.", "请使用其最新的保存点启动。"),
    ),
    Refusal.DEADLY: (
        Text(
            "A savepoint in the format that was asked for would make the job fail.", "所要求格式的保存点会使作业失败。"
        ),
        Text("Leave the format out, or ask for native.", "请不指定格式，或指定 native。"),
    ),
    Refusal.NOT_WHOLE: (
        Text("The state that it would start from is damaged, or gone.", "作业恢复所需的状态已损坏或不存在。"),
        Text(
            "The message names what is wrong. Bring the files back, or choose another savepoint.",
            "消息中说明了问题。请恢复文件，或选择其他保存点。",
        ),
    ),
    Refusal.UNREADABLE: (
        Text("Its newest state is unknown now.", "当前无法确定其最新状态。"),
        _TRY_AGAIN,
    ),
    Refusal.DRAINED: (
        Text(
            "Its savepoint was drained: windows that were cut would be written twice.",
            "其保存点经过 drain：被截断的窗口会写出两次。",
        ),
        Text("Start it without resuming, or allow it by name.", "请不带恢复启动，或明确允许。"),
    ),
    Refusal.FINISHED: (
        Text("It has finished by itself, and would write rows again.", "作业已自行结束，恢复会重复写出数据。"),
        Text("Start it without resuming, or allow it by name.", "请不带恢复启动，或明确允许。"),
    ),
    Refusal.DOES_NOT_FIT: (
        Text(
            "The state that it would start from does not fit the job as it is now.", "恢复所用的状态与当前作业不匹配。"
        ),
        Text(
            "The message says what does not fit. Change the job back, start it without resuming, or allow it by name"
            " where the message says so.",
            "消息中说明了不匹配之处。请改回作业、不带恢复启动，或在消息指明时明确允许。",
        ),
    ),
    Refusal.SUPERSEDED: (
        Text("Others have started and stopped it since.", "此后该作业又被启动并停止过。"),
        Text("Run it with its newest savepoint instead.", "请使用其最新的保存点启动。"),
    ),
    ALREADY_STOPPED: (
        Text("It is stopped already, and was accepted as such.", "该作业已停止，请求已接受。"),
        Text("There is nothing left to do.", "无需任何操作。"),
    ),
}
