"""What is said of contexts, of signing in, and of who may do what."""

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    # Contexts.
    "It is a URL, for example http://127.0.0.1:8640.": "应为 URL，例如 http://127.0.0.1:8640。",
    "It has 1 to 64 letters, digits and . _ -, first a letter or digit.": (
        "应为 1 到 64 个字母、数字或 . _ -，以字母或数字开头。"
    ),
    "It has 1 to 64 letters and digits.": "应为 1 到 64 个字母或数字。",
    "{source} is {value}. {why}": "{source} 的值为 {value}。{why}",
    "--server is {server!r}. {why}": "--server 的值为 {server!r}。{why}",
    "--project is {project!r}. {why}": "--project 的值为 {project!r}。{why}",
    "The command": "该命令",
    "{said} names context {name}, which is not there. {there} Choose with `sluiceway contexts use NAME`, or make it: "
    "sluiceway contexts add {name} --server URL": (
        "{said} 指定的上下文 {name} 不存在。{there}请用 `sluiceway contexts use NAME` 选择，"
        "或新建：sluiceway contexts add {name} --server URL"
    ),
    "There are: {names}.": "现有：{names}。",
    "There is none yet.": "目前还没有上下文。",
    "{path} is not TOML: {error}.": "{path} 不是 TOML：{error}。",
    "{path}, line {line}: {why}": "{path} 第 {line} 行：{why}",
    "there is no {key} here; at the top stand current, and the tables [contexts.NAME].": (
        "这里没有 {key}；顶层只能有 current 和表 [contexts.NAME]。"
    ),
    "current is the name of a context, in quotes.": "current 应为上下文的名称，用引号括起。",
    "contexts are tables: [contexts.NAME].": "上下文应写成表：[contexts.NAME]。",
    "{name} names no context. {why}": "{name} 不是有效的上下文名称。{why}",
    "context {name}: {why}": "上下文 {name}：{why}",
    "context {name}, {key}: {why}": "上下文 {name} 的 {key}：{why}",
    "access_key_env and secret_key_env go together.": "access_key_env 与 secret_key_env 必须同时设置。",
    "it goes with access_key_env and secret_key_env.": "必须与 access_key_env 和 secret_key_env 同时设置。",
    "the access key is in a file or in variables, not in both.": "访问密钥可以在文件中或在环境变量中，不能两者都设置。",
    "There is no home directory to keep contexts in. Set XDG_CONFIG_HOME.": (
        "没有可保存上下文的主目录。请设置 XDG_CONFIG_HOME。"
    ),
    "{path} is written in a way that only its author can change. Edit it by hand.": (
        "{path} 的写法无法自动修改，请手动编辑。"
    ),
    "There is a context {name} already. Change it in {path}, or remove it first.": (
        "上下文 {name} 已存在。请在 {path} 中修改，或先删除。"
    ),
    "Context {name} is added.": "已添加上下文 {name}。",
    "It is the current one.": "它是当前上下文。",
    "Work in it with: sluiceway contexts use {name}": "切换到该上下文：sluiceway contexts use {name}",
    "Sign in with: {command}": "登录：{command}",
    "Commands work in context {name} now: {server}, project {project}.": (
        "当前上下文已切换为 {name}：{server}，项目 {project}。"
    ),
    "Context {name} is removed.": "已删除上下文 {name}。",
    "No context is the current one now.": "现在没有当前上下文。",
    "There is no context yet in {path}.\nAdd one with: sluiceway contexts add NAME --server URL": (
        "{path} 中还没有上下文。\n添加上下文：sluiceway contexts add NAME --server URL"
    ),
    "{path} names {current} as the current context, which is not there": (
        "{path} 将 {current} 设为当前上下文，但该上下文不存在"
    ),
    # Files of one's own.
    "{path} can be used by others (mode {mode}), and nothing is read from it. If nobody has what is in it: chmod 600 "
    "{path}": "{path} 可被其他用户访问（权限 {mode}），因此不读取。如果内容没有泄露，请执行：chmod 600 {path}",
    "{path} belongs to another user, and nothing is read from it.": "{path} 属于其他用户，因此不读取。",
    "{path} cannot be written: {why}.": "无法写入 {path}：{why}。",
    "{path} cannot be removed: {why}.": "无法删除 {path}：{why}。",
    "{path} is larger than any such file: {most} bytes are read.": "{path} 过大：最多读取 {most} 字节。",
    "{path}, line {line}: this is no UTF-8.": "{path} 第 {line} 行：不是 UTF-8。",
    # Credentials.
    "SLUICEWAY_ACCESS_KEY and SLUICEWAY_SECRET_KEY go together; one of them is missing.": (
        "SLUICEWAY_ACCESS_KEY 与 SLUICEWAY_SECRET_KEY 必须同时设置，缺少其中一个。"
    ),
    "{path}, which is to hold the access key, is not there.": "应保存访问密钥的文件 {path} 不存在。",
    "{path} holds no access key. It is JSON as `sluiceway access keys add --json` prints it: "
    '{{"access": "…", "secret": "…"}}.': (
        "{path} 中没有访问密钥。内容应为 `sluiceway access keys add --json` 输出的 JSON："
        '{{"access": "…", "secret": "…"}}。'
    ),
    "Context {name} takes its access key from {variables}: not set.": (
        "上下文 {name} 的访问密钥取自 {variables}，但未设置。"
    ),
    "Next: {login}": "下一步：{login}",
    "Next: {login}, or set SLUICEWAY_TOKEN.": "下一步：{login}，或设置 SLUICEWAY_TOKEN。",
    "Next: sluiceway login": "下一步：sluiceway login",
    # Signing in.
    "Everybody is let in at {server}: there is nothing to sign in to.": "{server} 无需登录即可使用。",
    "Signed in to {server} as {user}, {roles}. The token ends at {until}.": (
        "已以 {user} 登录 {server}，权限：{roles}。Token 有效期至 {until}。"
    ),
    "Signed in to {server} as {user}, {roles}. The token ends at {until} and is renewed.": (
        "已以 {user} 登录 {server}，权限：{roles}。Token 有效期至 {until}，并会自动续期。"
    ),
    "Signed out of {server}.": "已退出 {server}。",
    "Nobody was signed in to {server} by sluiceway login.": "没有通过 sluiceway login 登录 {server}。",
    "Password": "密码",
    "Open {address}": "请打开 {address}",
    "and confirm that it shows the code {user_code}": "并确认页面显示的代码为 {user_code}",
    "and enter the code {user_code}": "并输入代码 {user_code}",
    "Waiting until you have, {length} at most. Ctrl-C ends it.": "正在等待确认，最多 {length}。按 Ctrl-C 结束等待。",
    "An administrator lets you in: sluiceway access users add NAME --subject {user}": (
        "请管理员开通访问：sluiceway access users add NAME --subject {user}"
    ),
    "Give your name: sluiceway login NAME. The password is read from the pipe.": (
        "请指定用户名：sluiceway login NAME。密码从管道读取。"
    ),
    "Name: ": "用户名：",
    "No name was given; nothing was done.": "未输入用户名，未执行任何操作。",
    "Context {context} signs with an access key; there is nothing to sign in to.": (
        "上下文 {context} 使用访问密钥签名，无需登录。"
    ),
    "{server} is not https: what you sign in with travels unencrypted": "{server} 不是 https：登录信息将以明文传输",
    "{variable} is set in the environment, and goes before what was kept here": (
        "环境变量 {variable} 已设置，优先于此处保存的登录信息"
    ),
    "{user} has no role in project {project}; choose with --project, or in the context": (
        "{user} 在项目 {project} 中没有角色；请用 --project 或在上下文中选择项目"
    ),
    "{failed}\nThe token is forgotten here, and is good until {until} for whoever has it.": (
        "{failed}\n本机已删除该 Token，但在 {until} 之前持有者仍可使用。"
    ),
    "{role} in {where}": "{role}（{where}）",
    "{role} in {where} on queue {queue}": "{role}（{where}，队列 {queue}）",
    "every project": "所有项目",
    "without any role": "没有任何角色",
    "There is no home directory to keep the sign-in in. Set XDG_STATE_HOME.": (
        "没有可保存登录信息的主目录。请设置 XDG_STATE_HOME。"
    ),
    "{path} is not what `sluiceway login` has written. Next: sluiceway login": (
        "{path} 不是 `sluiceway login` 写入的内容。下一步：sluiceway login"
    ),
    "Your sign-in to {server} ended at {ended}. {advice}": "您在 {server} 的登录已于 {ended} 失效。{advice}",
    "Your sign-in to {server} was ended before its time. {advice}": "您在 {server} 的登录已被提前终止。{advice}",
    "You have no role in project {project}. `sluiceway whoami` shows where you have one.": (
        "您在项目 {project} 中没有角色。`sluiceway whoami` 可显示您在哪些项目中有角色。"
    ),
    # The issuer.
    "The service names the issuer {issuer}, which is not an address of https.": (
        "服务指定的身份提供方 {issuer} 不是 https 地址。"
    ),
    "The issuer {issuer} does not say what it offers (HTTP {status}).": (
        "身份提供方 {issuer} 没有返回其元数据（HTTP {status}）。"
    ),
    "The issuer {issuer} names {url}, which is neither https nor its own address.": (
        "身份提供方 {issuer} 指定的 {url} 既不是 https，也不是其自身的地址。"
    ),
    "The issuer {issuer} has no device authorization. Sign in with a password (sluiceway login NAME), or set "
    "SLUICEWAY_TOKEN to a token of it.": (
        "身份提供方 {issuer} 不支持设备授权。请用密码登录（sluiceway login NAME），"
        "或将 SLUICEWAY_TOKEN 设置为它颁发的 Token。"
    ),
    "The issuer gives no code to client {client_id}": "身份提供方没有为客户端 {client_id} 提供代码",
    "The issuer gives no token": "身份提供方没有提供 Token",
    "The issuer gives no new token now (HTTP {status}). Try again later.": (
        "身份提供方当前没有提供新的 Token（HTTP {status}）。请稍后重试。"
    ),
    "Your sign-in has ended": "您的登录已失效",
    "{what} ({said}).": "{what}（{said}）。",
    "You, or the issuer, have denied it; nothing was kept.": "您或身份提供方拒绝了授权，未保存任何内容。",
    "The time for the code is up, and nobody has confirmed it. Next: sluiceway login": (
        "代码已过期，且没有得到确认。下一步：sluiceway login"
    ),
    "The issuer does not answer at {scheme}://{netloc} ({why}).": "身份提供方 {scheme}://{netloc} 无响应（{why}）。",
    "The issuer's tokens are for {whom}, and the service takes those for {audience}. Have an administrator set "
    "--oidc-client-id to a client whose tokens name that audience.": (
        "身份提供方的 Token 面向 {whom}，而服务只接受面向 {audience} 的 Token。"
        "请管理员将 --oidc-client-id 设置为其 Token 面向该受众的客户端。"
    ),
    "nobody that they name": "未注明的受众",
    # Certificates.
    "The certificate authority {authority} cannot be read: {why}.": "无法读取证书颁发机构文件 {authority}：{why}。",
    "The certificate of {server} is not trusted: {said}{about}": "{server} 的证书不受信任：{said}{about}",
    " (it is for {subject}, made by {issuer}, and valid until {until}).": (
        "（证书主体 {subject}，颁发者 {issuer}，有效期至 {until}）。"
    ),
    ".": "。",
    "nobody": "无",
    "{why} Give --server with a name that it is for: {names}.": "{why}请用证书所属的名称指定 --server：{names}。",
    "{why} If this is your service, have its issuer's certificate trusted: set SSL_CERT_FILE to a file with it, as in "
    "SSL_CERT_FILE=ca.pem, or name the file in a context (sluiceway contexts add NAME --ca ca.pem).": (
        "{why}如果这是您的服务，请信任其颁发者的证书：将 SSL_CERT_FILE 设置为包含该证书的文件，"
        "例如 SSL_CERT_FILE=ca.pem，"
        "或在上下文中指定该文件（sluiceway contexts add NAME --ca ca.pem）。"
    ),
    # Passwords.
    "Old password": "旧密码",
    "New password": "新密码",
    "Again: ": "再次输入：",
    "{prompt}: ": "{prompt}：",
    "The two are not the same; nothing was done.": "两次输入不一致，未执行任何操作。",
    "The password of {name} is changed. Tokens that were got with the old one have ended.": (
        "{name} 的密码已修改。用旧密码获取的 Token 已失效。"
    ),
    # Users, their keys, and what they may do.
    "It is a time above 0 and up to 365d, for example 12h.": "应为大于 0 且不超过 365d 的时长，例如 12h。",
    "Password for {name}": "{name} 的密码",
    "New password for {name}": "{name} 的新密码",
    "User {name} is made. Next: sluiceway access grant {name} ROLE --project PROJECT": (
        "已创建用户 {name}。下一步：sluiceway access grant {name} ROLE --project PROJECT"
    ),
    "User {name} is disabled.": "用户 {name} 已停用。",
    "User {name} may call again.": "用户 {name} 已重新启用。",
    "User {name} may change their own password.": "用户 {name} 可以修改自己的密码。",
    "User {name} may no longer change their own password.": "用户 {name} 不能再修改自己的密码。",
    "The password of {name} is changed.": "{name} 的密码已修改。",
    "Access key (AK): {access}": "访问密钥 ID（AK）：{access}",
    "Secret key (SK): {secret}": "私有访问密钥（SK）：{secret}",
    "Security token:  {security_token}": "安全令牌：{security_token}",
    "Good until:      {at}": "有效期至：{at}",
    "Keep the secret: it is not shown again.": "请妥善保存私有访问密钥，之后不再显示。",
    "Access key {access} is revoked.": "访问密钥 {access} 已吊销。",
    "{user} is {role}.": "{user} 现为{role}。",
    "{user} is no longer {role}.": "{user} 不再是{role}。",
    "{role} of {where}": "{where}的 {role}",
    "{role} of {where}, queue {queue}": "{where}中队列 {queue} 的 {role}",
    "project {project}": "项目 {project} ",
    "Tokens of {user} that ended: {count}.": "已失效的 {user} 的 Token：{count} 个。",
}
