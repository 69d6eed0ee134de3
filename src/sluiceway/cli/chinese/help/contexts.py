"""Texts of `sluiceway contexts`, and of signing in."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "Name services to work with, and choose one.": "为要使用的服务命名，并选择其中一个。",
    "Add a context. The first one becomes the current one.": "添加上下文。第一个添加的成为当前上下文。",
    "List the contexts. The current one has a star.": "列出上下文。当前上下文带有星号。",
    "Remove a context, and what `sluiceway login` has kept for it.": (
        "删除上下文，以及 `sluiceway login` 为其保留的内容。"
    ),
    (
        "Show what commands work with, and where each of it is from: an option, the environment, a context, a default."
    ): "显示命令使用的各项设置，以及每一项的来源：选项、环境变量、上下文或默认值。",
    "Make a context the current one, which commands work in unless they are told otherwise.": (
        "设为当前上下文，命令未另行指定时即使用它。"
    ),
    "The context.": "上下文。",
    "1 to 64 letters, digits and . _ -": "1 到 64 个字母、数字或字符 . _ -",
    "Address of the service.": "服务的地址。",
    "The project to work in. Default: default.": "要使用的项目。默认：default。",
    (
        "File of the certificate authority that the service's certificate is from (PEM), beside those that the "
        "system trusts."
    ): "签发服务证书的证书颁发机构（CA）的文件（PEM），作为系统所信任的证书之外的补充。",
    "Whose password `sluiceway login` asks for.": "`sluiceway login` 询问其密码的用户。",
    (
        "File with an access key, as `sluiceway access keys add --json` prints it, which nobody else may read. "
        "Commands sign with it, and nobody has to sign in."
    ): (
        "包含访问密钥的文件，格式同 `sluiceway access keys add --json` 的输出，且不能被他人读取。命令用其签名，无需登"
        "录。"
    ),
    "Name of the environment variable that holds the access key (AK), in place of a file.": (
        "存放访问密钥（AK）的环境变量的名称，用于代替文件。"
    ),
    "Name of the one that holds the secret key (SK).": "存放密钥（SK）的环境变量的名称。",
    "Name of the one that holds the security token, of a temporary key.": (
        "存放临时密钥的安全令牌（security token）的环境变量的名称。"
    ),
    "A context, as with --context. Default: what commands work with now.": (
        "上下文，同 --context。默认：命令当前使用的设置。"
    ),
    "Sign in to the service, for the commands that follow, until the token ends.": (
        "登录服务，供随后的命令使用，直到 Token 失效。"
    ),
    (
        "Where the identity provider lets commands sign in, it shows an address, and a code to confirm there. With a "
        "name, or where there is no such provider, it asks for a password; through a pipe, it takes the first line. "
        "The token is kept for the context, or without one for the server, in a file of your own. It is never shown."
    ): (
        "身份提供方允许命令登录时，会显示一个地址，以及需要在该处确认的代码。指定了名称，或没有这样的身份提供方时，会"
        "询问密码；通过管道调用时读取第一行。Token 按上下文保留在您自己的文件中，没有上下文时按服务地址保留，从不显"
        "示。"
    ),
    "Your name as a user of the service, to sign in with a password. Default: the user of the context.": (
        "您在该服务中的用户名，用于密码登录。默认：上下文中的用户。"
    ),
    "End what `sluiceway login` has kept for the context, or without one for the server.": (
        "清除 `sluiceway login` 为上下文保留的内容，没有上下文时为服务地址保留的内容。"
    ),
    (
        "The service ends its own token at once. One of an identity provider is good for whoever has it until its "
        "end; it is forgotten here."
    ): "服务自己的 Token 立即失效。身份提供方的 Token 在到期前对持有者仍然有效；此处只是将其清除。",
    "Change your own password, where an administrator has allowed it. Your tokens end; access keys stay.": (
        "修改自己的密码，须经管理员允许。您的 Token 随即失效；访问密钥不受影响。"
    ),
    (
        "The old password and the new one are asked for; through a pipe, the first two lines are taken. Whoever is "
        "not signed in signs in to --project with the old password."
    ): "命令会询问旧密码和新密码；通过管道调用时读取前两行。尚未登录的用户会以旧密码登录到 --project。",
    "Your name as a user of the service.": "您在该服务中的用户名。",
    "Show as whom commands call the service, with which rights, and where that is from.": (
        "显示命令以什么身份和权限调用服务，以及其来源。"
    ),
}
