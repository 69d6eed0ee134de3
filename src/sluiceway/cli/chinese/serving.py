"""What `sluiceway serve` tells people. Its log is in English."""

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    "{version} is starting …": "{version} 正在启动……",
    "Sluiceway is ready at {url}  (try it at {url}/docs, end it with Ctrl-C)": (
        "Sluiceway 已就绪：{url}  （在 {url}/docs 试用，按 Ctrl-C 结束）"
    ),
    "  no cluster yet; register one: sluiceway clusters add NAME http://jobmanager:8081": (
        "  还没有集群；注册集群：sluiceway clusters add 名称 http://jobmanager:8081"
    ),
    "  and {more} more: sluiceway clusters list": "  还有 {more} 个：sluiceway clusters list",
    # Its clusters.
    "queue {name}: Flink at {address}": "队列 {name}：Flink {address}",
    "{flink} does not answer within {seconds:.0f} s": "{flink} 在 {seconds:.0f} 秒内没有响应",
    "{flink} could not be looked at: {error}": "{flink} 无法查看：{error}",
    "{flink} does not answer: {why}": "{flink} 没有响应：{why}",
    "{flink} ({version}, {free} of {slots} slots free, {known} known here, {others} others)": (
        "{flink}（{version}，空闲 slot {free}/{slots}，此处已知 {known}，其他作业 {others} 个）"
    ),
    # What keeps it from starting.
    "The service could not be started; the log says why.": "无法启动服务；原因见日志。",
    "{host}:{port} cannot be listened on: {why}. Choose another with --port.": (
        "无法在 {host}:{port} 上监听：{why}。请用 --port 指定其他端口。"
    ),
    "--trusted-proxy {why}. Give for example 10.0.0.5 or 10.0.0.0/24.": (
        "--trusted-proxy {why}。请填写例如 10.0.0.5 或 10.0.0.0/24。"
    ),
    "{given} needs {missing}, too: https takes a certificate and its private key.": (
        "{given} 还需要 {missing}：https 需要证书及其私钥。"
    ),
    "--tls-key {key} is not the key of the certificate in --tls-cert {cert}.": (
        "--tls-key {key} 不是 --tls-cert {cert} 中证书的密钥。"
    ),
    "--tls-cert {cert} and --tls-key {key} are not a certificate and its private key in PEM form, without a password: "
    "{why}": "--tls-cert {cert} 和 --tls-key {key} 不是没有密码的 PEM 格式的证书及其私钥：{why}",
    "{option} {path} cannot be read: {why}": "无法读取 {option} {path}：{why}",
    "Tokens and data are sent unencrypted to {host}. Give --tls-cert and --tls-key, or let nobody but a proxy with "
    "https reach this address.": (
        "Token 和数据将以未加密的方式发送到 {host}。请指定 --tls-cert 和 --tls-key，"
        "或只允许使用 https 的代理访问该地址。"
    ),
}
