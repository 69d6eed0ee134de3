"""The words of the pages themselves, and what manual pages say beside the pages of help."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    (
        "Messages and help are in English or Chinese: `--language en` or `--language zh` says so for a call, "
        "SLUICEWAY_LANGUAGE for all, and else the locale counts."
    ): (
        "消息和帮助有英文和中文两种：`--language en` 或 `--language zh` 指定单次调用的语言，SLUICEWAY_LANGUAGE 指定所"
        "有调用的语言，否则取决于系统的语言环境（locale）。"
    ),
    "Usage:": "用法：",
    "Commands": "命令",
    "Arguments": "参数",
    "Parameters": "选项",
    "choices:": "可选值：",
    "env var:": "环境变量：",
    "default:": "默认值：",
    "[required]": "[必填]",
    "One of": "可选值：",
    "Default:": "默认值：",
    "Environment:": "环境变量：",
    "Sluiceway manual": "Sluiceway 手册",
    "NAME": "名称",
    "SYNOPSIS": "概要",
    "DESCRIPTION": "描述",
    "COMMANDS": "命令",
    "OPTIONS": "选项",
    "OPTIONS OF EVERY COMMAND": "所有命令的选项",
    "EXIT STATUS": "退出码",
    "ENVIRONMENT": "环境变量",
    "SEE ALSO": "另见",
    "The command did what you asked.": "命令已完成所要求的操作。",
    "It did not, or not for every job. Also when the named savepoint is not whole.": (
        "命令未完成，或未对每个作业都完成。指定的保存点不完整时也返回此值。"
    ),
    "The call was wrong.": "调用有误。",
    "Nothing matched: no job of that name, no such cluster, or no job that is meant. Nothing was done.": (
        "没有匹配的对象：没有该名称的作业、没有此集群，或没有选中任何作业。未执行任何操作。"
    ),
    "You are not signed in, or may not do it.": "您尚未登录，或没有权限。",
    "No service answers there, or none that can be trusted.": "该处没有服务响应，或响应的服务不可信。",
    "The time to wait is up. What was waited for goes on.": "等待超时。所等待的操作仍会继续。",
    "Interrupted.": "已中断。",
    "The address of the service.": "服务的地址。",
    "The project that jobs are in.": "作业所在的项目。",
    "The language of messages and of help: en or zh.": "消息和帮助的语言：en 或 zh。",
}
