"""Texts of `sluiceway savepoints`."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "Take savepoints, look at them, register those of others, and remove them.": (
        "触发、查看和删除 savepoint，以及登记他人的 savepoint。"
    ),
    "Make a job's next resume begin from a savepoint or checkpoint, whatever newer state the job has.": (
        "让作业下次从指定的 savepoint 或 checkpoint 恢复，不论作业有无更新的状态。"
    ),
    "Remove the files of a savepoint for good. One that a job still needs is refused.": (
        "永久删除 savepoint 的文件。仍有作业需要的 savepoint 会被拒绝删除。"
    ),
    "Show the content of a savepoint or checkpoint, and whether it is whole.": (
        "显示 savepoint 或 checkpoint 的内容，以及是否完整。"
    ),
    "List the savepoints that were kept or registered, the newest first.": "列出保留或登记的 savepoint，最新的在前。",
    "Put a savepoint or retained checkpoint of others into the catalogue, for a job.": (
        "为作业登记他人的 savepoint 或保留的 checkpoint（retained checkpoint）。"
    ),
    "Take a savepoint of each job, which runs on.": "为每个作业触发 savepoint，作业继续运行。",
    "Have the service read a savepoint to its end, look for all its files, and record its findings.": (
        "让服务通读 savepoint，查找其全部文件，并记录结果。"
    ),
    (
        "The service reads it to its end and looks for all its files; one that is not whole is refused. The answer "
        "names newer states of the job, and how much older this one is. It can be repeated. Exits with 0 when it is "
        "registered, and with 1 when it is not, or when some of its files are out of the service's reach."
    ): (
        "服务会通读该 savepoint，并查找其全部文件；不完整的会被拒绝。结果中会指出作业有哪些更新的状态，以及该 "
        "savepoint 比它们早多久。可以重复执行。登记成功时退出码为 0；未登记，或服务无法访问其部分文件时为 1。"
    ),
    (
        "Its directory, or the _metadata in it: bucket/dir in the service's storage, or a path or URI there or under "
        "one of its --read-root."
    ): (
        "其目录，或其中的 _metadata：服务存储中的 bucket/dir，或位于服务存储或服务的某个 --read-root 之下的路径或 URI。"
    ),
    "The job that it is for: its id or exact name.": "为哪个作业登记：其 ID 或完整名称。",
    (
        "Make the job's next resume begin from it, whatever newer state there is; --no-choose does not. By default "
        "it is chosen where it is the job's newest known state."
    ): (
        "让作业下次从该 savepoint 恢复，不论有无更新的状态；--no-choose 则不这样做。默认情况下，该 savepoint 是作业已"
        "知的最新状态时才会选用。"
    ),
    (
        "Retention leaves it alone, and only --force deletes it. --no-protect puts it under the service's retention, "
        "which removes files, but never under a --read-root."
    ): (
        "保留策略不会清理该 savepoint，只有 --force 才能删除。--no-protect 则使其受服务的保留策略管理，文件可能被清"
        "理，但 --read-root 之下的文件从不清理。"
    ),
    "Protect it for so long only, for example 12h or 30d.": "只保护这么久，例如 12h 或 30d。",
    "Only say what would be registered.": "只说明将会登记的内容。",
    (
        "It may be one of another job of the project, which keeps it. The service reads it to its end and looks for "
        "all its files; one that is not whole is refused. A job that may be running is refused, too."
    ): (
        "可以是项目中另一个作业的 savepoint，该 savepoint 仍归那个作业。服务会通读该 savepoint，并查找其全部文件；不"
        "完整的会被拒绝。作业可能正在运行时，也会被拒绝。"
    ),
    "Its directory, or the _metadata in it, in the service's storage: bucket/dir, or a path or URI.": (
        "其目录，或其中的 _metadata，位于服务的存储中：bucket/dir，或路径或 URI。"
    ),
    "The job that is to begin from it: its id or exact name.": "将从该 savepoint 恢复的作业：其 ID 或完整名称。",
    "Those of one job: its id or exact name.": "只列出某个作业的 savepoint：其 ID 或完整名称。",
    "Those of one stop: the id that it was accepted under.": "只列出某次停止操作的 savepoint：受理该操作时返回的 ID。",
    "Also those that were removed.": "也列出已删除的 savepoint。",
    "How many to list; 1000 at most.": "列出多少个；最多 1000 个。",
    (
        "Exits with 0 when every savepoint is accepted, and with 3 when no job is meant. Each is in the list once it "
        "is whole; `sluiceway jobs show` tells when one has failed."
    ): (
        "每个 savepoint 都被受理时退出码为 0；没有选中任何作业时为 3。savepoint 完整后会出现在列表中；失败时，"
        "`sluiceway jobs show` 会说明。"
    ),
    "The directory for them, in the service's storage: bucket/dir, or a path or URI.": (
        "存放 savepoint 的目录，位于服务的存储中：bucket/dir，或路径或 URI。"
    ),
    (
        "Exits with 0 when all is there, and with 1 when something is missing, broken, or cannot be looked at from "
        "there."
    ): "文件齐全时退出码为 0；有内容缺失、损坏，或从服务处无法查看时为 1。",
    "Its id; `sluiceway savepoints list` shows the latest.": (
        "savepoint 的 ID；`sluiceway savepoints list` 会列出最近的 savepoint。"
    ),
    "On a terminal it shows the savepoint, and asks first. Elsewhere it needs --yes.": (
        "在终端上，会先显示该 savepoint，并要求确认。在其他环境中须指定 --yes。"
    ),
    "Also where a job still needs it: the job cannot be resumed from it any more.": (
        "即使仍有作业需要也删除：该作业不能再从该 savepoint 恢复。"
    ),
    (
        "Its _metadata is read to the end, and every file that it references is looked for. No service is needed. "
        "Exits with 0 when all is there, and with 1 when something is missing, broken, or cannot be looked at from "
        "here."
    ): (
        "通读其 _metadata，并查找其引用的每个文件。无需服务。文件齐全时退出码为 0；有内容缺失、损坏，或从本机无法查看"
        "时为 1。"
    ),
    (
        "Its directory or its _metadata: a path or a file: URI on this machine's disks, or an s3: URI. Where the "
        "object store is, and the keys for it, are in the variables AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID "
        "and AWS_SECRET_ACCESS_KEY."
    ): (
        "其目录或 _metadata：本机磁盘上的路径或 file: URI，或 s3: URI。对象存储的地址和密钥取自环境变量 "
        "AWS_ENDPOINT_URL、AWS_REGION、AWS_ACCESS_KEY_ID 和 AWS_SECRET_ACCESS_KEY。"
    ),
}
