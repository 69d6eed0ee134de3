"""What is wrong with users, keys, settings and Flinks of the machine that the service runs on."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "{name} is what the audit calls everybody while nobody signs in; choose another name.": (
        "{name} 是无人登录时审计日志对所有人的称呼，请使用其他名称。"
    ),
    "A user who may change the password needs one; give --password, too.": (
        "可以修改密码的用户必须有密码，请同时指定 --password。"
    ),
    "There is a user {name} already, or another user has the subject.": "已有用户 {name}，或该 subject 属于其他用户。",
    "There is no user {name}.": "没有用户 {name}。",
    "There is no access key {access}, or it was revoked before.": "没有访问密钥 {access}，或之前已吊销。",
    "{name} has no such grant; `sluiceway access users list` shows them all.": (
        "{name} 没有这样的授权；`sluiceway access users list` 可列出全部授权。"
    ),
    "A password has {shortest} to {longest} characters.": "密码为 {shortest} 到 {longest} 个字符。",
    "A project has 1 to 64 letters and digits; {every_project} means every project.": (
        "项目为 1 到 64 个字母或数字；{every_project} 表示所有项目。"
    ),
    "A user may change their own password alone, and only where an administrator allows it.": (
        "用户只能修改自己的密码，且需经管理员允许。"
    ),
    "The new password is the old one.": "新密码与旧密码相同。",
    "the password, or the right to change it, has changed meanwhile": "密码或修改密码的权限在此期间已改变",
    "wrong original password": "原密码错误",
    "--secret-key-file {key_file} is not the one that stored access keys were sealed with.": (
        "--secret-key-file {key_file} 不是用于密封所存访问密钥的那个密钥文件。"
    ),
    "it is not text": "不是文本",
    "--secret-key-file {path} cannot be used: {why}.": "无法使用 --secret-key-file {path}：{why}。",
    "--secret-key-file {path} does not hold a key: 64 hexadecimal digits on one line.": (
        "--secret-key-file {path} 中没有密钥：应为一行 64 个十六进制数字。"
    ),
    "--cluster {given}: the name {name} is taken; give each cluster its own": (
        "--cluster {given}：名称 {name} 已被使用；请为每个集群使用不同的名称"
    ),
    "--cluster {given} is not NAME=URL; write for example prod=http://jobmanager:8081 ({error})": (
        "--cluster {given} 不是 NAME=URL 形式；请填写例如 prod=http://jobmanager:8081（{error}）"
    ),
    "--adopt {adopt} is not all, none, or 'matching GLOB', as in 'matching orders-*'": (
        "--adopt {adopt} 不是 all、none 或 'matching GLOB'（例如 'matching orders-*'）"
    ),
    "--adopt-into {adopt_into} is no project: it has 1 to 64 letters and digits": (
        "--adopt-into {adopt_into} 不是项目：应为 1 到 64 个字母或数字"
    ),
    "--adopt-tag {given} is not GLOB:KEY=VALUE, as in 'orders-*:team=orders', with a key and a value as tags of "
    "jobs have them: letters, digits, blanks within and _ . : + - @": (
        "--adopt-tag {given} 不是 GLOB:KEY=VALUE 形式（例如 'orders-*:team=orders'）；键和值应符合作业标签的规则"
        "：字母、数字、中间的空格，以及 _ . : + - @"
    ),
    "--jars {directory} has no jars in it": "--jars {directory} 中没有 jar 包",
    "Callers at {host} have to sign in, and there is nobody who could.": (
        "{host} 上的调用者必须登录，但还没有可以登录的用户。"
    ),
    "Make the first user with\n  sluiceway access users add NAME --password --data {data}\n  sluiceway access "
    "grant NAME admin --project '*' --data {data}\nand start the service again.": (
        "请先创建用户：\n  sluiceway access users add NAME --password --data {data}\n  sluiceway access grant NAME "
        "admin --project '*' --data {data}\n然后重新启动服务。"
    ),
    "`sluiceway access keys add NAME` makes an access key for programs.": (
        "`sluiceway access keys add NAME` 可为程序创建访问密钥。"
    ),
    "--oidc-issuer and --oidc-audience go together; one of them is missing.": (
        "--oidc-issuer 和 --oidc-audience 必须同时使用，缺少其一。"
    ),
    "--data {path} cannot be used: it is not a directory": "无法使用 --data {path}：不是目录",
    "--data {path} cannot be used: {getattr}": "无法使用 --data {path}：{getattr}",
    "No Java {wanted} was found in JAVA_HOME or on the PATH.": "在 JAVA_HOME 和 PATH 中没有找到 Java {wanted}。",
    "Flink's jars are not installed, so no SQL can be planned here.": (
        "没有安装 Flink 的 jar 包，因此无法在此编译 SQL。"
    ),
    "The Java process has ended.": "Java 进程已结束。",
    "The Java process gave no answer.": "Java 进程没有响应。",
    "py4j, by which Java is talked to, is not installed.": "没有安装用于与 Java 通信的 py4j。",
    "Java ended with exit code {code} before it was ready: {said}": "Java 在就绪之前以退出码 {code} 结束：{said}",
    "The installed Flink does not say its version.": "所安装的 Flink 没有说明其版本。",
    "Install it anew: {install}": "请重新安装：{install}",
    "The cluster {whose} runs Flink {version}, and no Flink {minor_of} is here to plan its SQL.": (
        "集群 {whose} 运行 Flink {version}，而此处没有可用于编译其 SQL 的 Flink {minor_of}。"
    ),
    "Add one on the service's machine: sluiceway distributions add {minor_of}": (
        "请在服务所在的机器上添加：sluiceway distributions add {minor_of}"
    ),
    "of Flink {minor_of} only {version} is": "对于 Flink {minor_of}，只有 {version}",
    "there are {known}, and it is not": "已知的有 {known}，其中没有它",
    "{wanted} is not known here: {known}.": "此处不识别 {wanted}：{known}。",
    "Give its package with --from FILE.": "请用 --from FILE 指定其安装包。",
    "{name} cannot be unpacked: {error}": "无法解压 {name}：{error}",
    "{name} has no flink-dist jar in a folder lib: it is no distribution of Flink.": (
        "{name} 的 lib 目录中没有 flink-dist jar 包：它不是 Flink 的发行版。"
    ),
    "{name} is Flink {version}, and not {wanted}.": "{name} 是 Flink {version}，而不是 {wanted}。",
    "{place} cannot be made: {strerror}": "无法创建 {place}：{strerror}",
    "{directory} cannot be used: {strerror}": "无法使用 {directory}：{strerror}",
    "pip did not bring {package} {version}: {why}.": "pip 未能获取 {package} {version}：{why}。",
    "Its package index is set as for any other package (pip config, PIP_INDEX_URL).": (
        "其软件包索引的设置方法与其他软件包相同（pip config、PIP_INDEX_URL）。"
    ),
    "Or bring the file yourself, and give it with --from.": "或自行获取该文件，并用 --from 指定。",
    "The package has more than {most_jars} jars: it is no distribution of Flink.": (
        "该软件包中的 jar 包超过 {most_jars} 个：它不是 Flink 的发行版。"
    ),
    "{given} is no address and no network of a proxy: {error}": "{given} 不是代理的地址或网段：{error}",
    "{given} is everybody: any caller could then claim any address": (
        "{given} 表示所有人：任何调用者都可以声称来自任意地址"
    ),
    "A user's name has 1 to 64 letters, digits and . _ - @, and begins with one of the first.": (
        "用户名为 1 到 64 个字母、数字和 . _ - @，并以字母或数字开头。"
    ),
    "{directory} has {free} MB free, and {room} MB are needed.": "{directory} 空闲 {free} MB，需要 {room} MB。",
    "The jars have more than {largest} MB: it is no distribution of Flink.": (
        "jar 包超过 {largest} MB：它不是 Flink 的发行版。"
    ),
    "--metrics-token-file {error}.": "--metrics-token-file {error}。",
    "--oidc-issuer {error}.": "--oidc-issuer {error}。",
    "--oidc-client-id needs --oidc-issuer and --oidc-audience.": (
        "--oidc-client-id 需要 --oidc-issuer 和 --oidc-audience。"
    ),
    ", good until {expires_at} UTC": "，有效期至 {expires_at} UTC",
    "with a password": "有密码",
    "who may change it": "可自行修改",
}
