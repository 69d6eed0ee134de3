"""What is wrong with the storage, and with the database."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "The {kind} {root} cannot be used: {error}": "无法使用{kind} {root}：{error}",
    "the {kind} is empty; is it mounted?": "{kind}为空，是否已挂载？",
    "it has more than {most_listed} files in it": "其中的文件超过 {most_listed} 个",
    "{key} has more than {most_directories} directories in it": "{key} 中的目录超过 {most_directories} 个",
    "{key} is not a directory under the storage root": "{key} 不是存储根目录下的目录",
    "The storage root": "存储根目录",
    "{key} is not a directory.": "{key} 不是目录。",
    "the {kind} is not there; is it mounted?": "{kind}不存在，是否已挂载？",
    "{key} is behind a link, and links under the {kind} are not followed.": (
        "{key} 位于符号链接之后，而{kind}下的符号链接不会被跟随。"
    ),
    "it is not a file": "它不是文件",
    "{key} has no {metadata}; look what it is, and remove it by hand": (
        "{key} 中没有 {metadata}；请确认其内容，并手动删除"
    ),
    "{told} is not writable for this service.": "服务无法写入 {told}。",
    "The disk of the storage root is full.": "存储根目录所在的磁盘已满。",
    "The {kind} {root} is of a kind that is not supported; give a directory, or a file: URI, that this service "
    "and every Flink machine see at the same place, or s3://bucket/prefix.": (
        "不支持这种{kind} {root}；请指定服务和每台 Flink 机器都能在同一位置看到的目录或 file: URI，或 "
        "s3://bucket/prefix。"
    ),
    "The {kind} {root} is not of the form s3://bucket/prefix.": "{kind} {root} 不是 s3://bucket/prefix 形式。",
    "The {kind} {root} needs {missing} in the environment.": "{kind} {root} 需要环境变量 {missing}。",
    "The {kind} {uri} cannot be read: {error}": "无法读取{kind} {uri}：{error}",
    "{key} has more than {most_objects} objects in it": "{key} 中的对象超过 {most_objects} 个",
    "--s3-endpoint is not an address such as https://obs.example.com": (
        "--s3-endpoint 不是 https://obs.example.com 这样的地址"
    ),
    "The {further_root} {uri} leads to the same place as {uri2}.": "{further_root} {uri} 与 {uri2} 指向同一位置。",
    "The {further_root} {uri} is {uri2}, or one of the two lies in the other; name one that lies beside it.": (
        "{further_root} {uri} 与 {uri2} 相同，或其中一个位于另一个之内；请指定不相互包含的位置。"
    ),
    "no answer in time": "未及时响应",
    "{asked} does not answer ({silent})": "{asked} 没有响应（{silent}）",
    "the object store answers {status}": "对象存储返回 {status}",
    "storage does not answer; {most} earlier questions wait for it": "存储没有响应；已有 {most} 个请求在等待",
    "this machine has no thread left for storage": "本机已没有可用于存储的线程",
    "storage does not answer: {hanging} questions to it hang, of at most {most} at once": (
        "存储没有响应：{hanging} 个请求处于挂起状态，上限为 {most}"
    ),
    "{uri} lies right in a root, and not in a directory under it.": "{uri} 直接位于根目录，而不在其下的某个目录中。",
    ", or under {uri}, which is only read": "，或 {uri}（只读）之下的目录",
    "Or name a directory under {uri}{only_read}.": "或指定 {uri} 之下的目录{only_read}。",
    "{place} is under a root that is only read; name a directory under {uri}.": (
        "{place} 位于只读的根目录之下；请指定 {uri} 之下的目录。"
    ),
    "it is not under this service's storage root": "它不在服务的存储根目录之下",
    "{path} is not under the storage root": "{path} 不在存储根目录之下",
    "{key} could not be read: {error}": "无法读取 {key}：{error}",
    "{path} is not there: {no_head}": "{path} 不存在：{no_head}",
    "{path} is not under the storage root; remove it where it lies": "{path} 不在存储根目录之下，请在其所在位置删除",
    "{key} could not be removed: {error}; try again": "无法删除 {key}：{error}；请重试",
    "Nobody knows whether storage can be written to: {error}.": "无法得知存储是否可写：{error}。",
    "it was begun, and has no {metadata}": "它已开始写入，但没有 {metadata}",
    "{metadata} cannot be read to its end: {error}": "无法完整读取 {metadata}：{error}",
    "{key} has {size} bytes, and {largest} are read at most": "{key} 有 {size} 字节，最多读取 {largest} 字节",
    "{key} cannot be verified: {error}": "无法校验 {key}：{error}",
    "there is no {metadata!s}": "没有 {metadata}",
    "{key} lies under {uri}, which this service only reads (--read-root): nothing is removed there.": (
        "{key} 位于 {uri} 之下，服务对其只读（--read-root）：不会删除其中的任何内容。"
    ),
    "Remove it where it lies, and then here": "请在其所在位置删除，然后再在这里删除",
    "(and {more} more)": "（另有 {more} 处）",
    "{path} is missing": "缺少 {path}",
    "{path} has {size} bytes, and not {least}{wanted}": "{path} 有 {size} 字节，而不是{least}{wanted} 字节",
    "There is no file {name}.": "没有文件 {name}。",
    "{name} could not be read or written: {error}": "无法读写 {name}：{error}",
    "{name} is where the state of jobs lies; name another directory.": "{name} 是存放作业状态的位置，请指定其他目录。",
    "{name} is not a path in OBS; write obs://bucket/directory/file.": (
        "{name} 不是 OBS 中的路径，请填写 obs://bucket/directory/file。"
    ),
    "{name} does not begin with a bucket; write obs://bucket/directory/file.": (
        "{name} 不以桶名开头，请填写 obs://bucket/directory/file。"
    ),
    "{name} cannot be: {why}.": "{name} 无效：{why}。",
    "it has more than {longest} bytes": "超过 {longest} 字节",
    "it is not Unicode text": "不是 Unicode 文本",
    "it has an empty directory name, or one of dots": "其中有空的目录名，或由点组成的目录名",
    "a name in it has more than {longest_name} bytes": "其中有名称超过 {longest_name} 字节",
    "it has a backslash, or a character that cannot be printed": "其中有反斜杠，或不可打印的字符",
    "{name} has {size} bytes, and at most {limit} are taken.": "{name} 有 {size} 字节，最多接受 {limit} 字节。",
    "{path} is no database of this service.": "{path} 不是本服务的数据库。",
    "The database {path} is damaged: {found}.": "数据库 {path} 已损坏：{found}。",
    "A service works on {path}.": "有服务正在使用 {path}。",
    "Stop it first.": "请先停止该服务。",
    "The database {path} cannot be used: {error}.": "无法使用数据库 {path}：{error}。",
    "The database {path} is not of this release, nor of an earlier one: {error}.": (
        "数据库 {path} 不属于当前版本，也不属于更早的版本：{error}。"
    ),
    "the disk of the data directory is full": "数据目录所在的磁盘已满",
    "other writers hold the database": "数据库被其他写入者占用",
    "the database may only be read": "数据库只能读取",
    "the disk of the data directory fails, or its quota is used up": "数据目录所在的磁盘出现故障，或配额已用完",
    "the database file is damaged": "数据库文件已损坏",
    "no connection is free": "没有空闲的连接",
    "{metadata} vanished": "{metadata} 已消失",
    "at least": "至少",
    "it is no zip file that can be read: {error}": "不是可以读取的 zip 文件：{error}",
    "there are too many entries": "条目过多",
    "there is too much in it": "内容过多",
    "it has two entries of one name": "其中有两个同名的条目",
    "{name} has more than {each} bytes": "{name} 超过 {each} 字节",
    "{name} is encrypted": "{name} 已加密",
    "{name} is compressed in a way that is not taken": "不接受 {name} 的压缩方式",
    "{name} is cut short": "{name} 不完整",
    "{name} is longer than it says": "{name} 比其声明的更长",
    "it does not begin like a _metadata of Flink's": "其开头不像 Flink 的 _metadata",
    "the format version {version} is unknown; {first} to {last} are known": (
        "未知的格式版本 {version}；已知的为 {first} 到 {last}"
    ),
    "at byte {at}: {why}": "第 {at} 字节处：{why}",
    "{left} bytes follow after the end of the metadata": "元数据结束之后还有 {left} 字节",
    "{what} is cut off; {size} bytes were expected and {left} are left": (
        "{what} 被截断；应有 {size} 字节，只剩 {left} 字节"
    ),
}
