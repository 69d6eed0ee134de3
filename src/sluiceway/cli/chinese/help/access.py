"""Texts of `sluiceway access`."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "Let people in: users, access keys, and what they are granted.": (
        "授权他人使用：用户、访问密钥，以及授予他们的权限。"
    ),
    "Grant a user a role in a project. It replaces the one that they had there.": (
        "授予用户某个项目中的角色，替换其在该项目中原有的角色。"
    ),
    "Access keys (AK/SK), which programs sign their requests with.": "访问密钥（AK/SK），程序用其对请求签名。",
    "Take a grant back. Grants in other projects, or for another queue, stay.": (
        "撤销一项授权。其他项目或其他队列的授权保持不变。"
    ),
    "Tokens, which users get for their password.": "用户凭密码获取的 Token。",
    "Users, who may sign in.": "可以登录的用户。",
    "Make a user, who may do nothing without a grant.": "创建用户。未经授权的用户不能执行任何操作。",
    "Disable a user: password, access keys and tokens stop working at once.": (
        "禁用用户：其密码、访问密钥和 Token 立即失效。"
    ),
    (
        "Enable a disabled user again, with the same access keys and grants. The user has to ask for new tokens."
    ): "重新启用已禁用的用户，访问密钥和授权不变。用户须重新获取 Token。",
    "List the users and their grants.": "列出用户及其授权。",
    "Let a user change their own password, with `sluiceway password`.": (
        "允许用户使用 `sluiceway password` 修改自己的密码。"
    ),
    "Set a user's password. Asks for it; through a pipe, takes the first line. The user's tokens end.": (
        "设置用户的密码。命令会询问密码；通过管道调用时读取第一行。用户的 Token 随即失效。"
    ),
    "1 to 64 letters, digits and . _ - @. It cannot be changed.": (
        "1 到 64 个字母、数字或字符 . _ - @。创建后不能修改。"
    ),
    (
        "Ask for a password, with which the user gets tokens; through a pipe, take the first line. Users who sign "
        "with access keys alone need none."
    ): "询问密码，用户可凭密码获取 Token；通过管道调用时读取第一行。只用访问密钥签名的用户不需要密码。",
    "Let the user change it themselves, with `sluiceway password`.": "允许用户使用 `sluiceway password` 自行修改密码。",
    "What the identity provider calls the user (`sub` of its tokens).": (
        "身份提供方对该用户的标识（其 Token 中的 `sub`）。"
    ),
    (
        "The service's --secret-key-file. Default: as sluiceway.toml says, else secret.key in the data directory."
    ): "服务的 --secret-key-file。默认：sluiceway.toml 中的设置，否则为数据目录中的 secret.key。",
    "The user's name.": "用户名。",
    "No longer let them.": "不再允许。",
    "Make an access key for a user and show the secret, once.": "为用户创建访问密钥并显示其 SK，仅显示一次。",
    "List access keys, without their secrets.": "列出访问密钥，不含 SK。",
    "End an access key at once, for good.": "立即吊销访问密钥，不可恢复。",
    (
        "How long it is good for: 30m, 12h, 7d. It is a temporary credential then, with a security token that goes "
        "along. Default: until it is revoked."
    ): "有效期：30m、12h、7d。指定后为临时凭证，附带安全令牌（security token）。默认：吊销前一直有效。",
    "Those of one user. Default: all.": "只列出某个用户的访问密钥。默认：全部。",
    "The access key (AK).": "访问密钥 ID（AK）。",
    "End all tokens of a user. They may get new ones with their password, unless they are disabled.": (
        "吊销用户的全部 Token。未被禁用的用户可凭密码重新获取。"
    ),
    (
        "viewer: look. operator: also start, stop and verify. owner: also create, change, delete, and see who was "
        "refused. admin: also have savepoints written to any address; in every project, also register clusters."
    ): (
        "viewer：查看。operator：还可启动、停止和校验。owner：还可创建、修改、删除，并查看谁被拒绝。admin：还可将 "
        "savepoint 写入任意地址；在所有项目中具有该角色时，还可注册集群。"
    ),
    "viewer, operator, owner or admin.": "viewer、operator、owner 或 admin。",
    "The project's id; '*' for every project, also later ones.": "项目 ID；'*' 表示所有项目，包括以后的项目。",
    "Only this queue's jobs may be started and stopped. Default: those of every queue.": (
        "只允许启动和停止该队列上的作业。默认：所有队列上的作业。"
    ),
    "The project that the grant is for; '*' for the one for every project.": (
        "授权所在的项目；'*' 表示针对所有项目的授权。"
    ),
    "The queue that the grant is for. Default: the grant for every queue.": (
        "授权所针对的队列。默认：针对所有队列的授权。"
    ),
}
