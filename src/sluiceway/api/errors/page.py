"""The page that explains every error code, and the same as JSON. It needs no sign-in."""

import re
from html import escape
from typing import Any, Final

from litestar import MediaType, Request, Response, get
from msgspec import Struct

from sluiceway.api.errors.explained import Explained, explained
from sluiceway.api.errors.language import Language, Text, language_of_reader
from sluiceway.api.errors.links import PAGE

_TITLE: Final = Text("Error codes", "错误码")
_HEAD: Final = (
    Text("Code", "错误码"),
    Text("HTTP", "HTTP"),
    Text("When", "含义"),
    Text("What the message says, and what to do next", "消息内容与处理方法"),
)
_LEAD: Final = Text(
    "Every refusal carries one of these codes, and a Link header that leads to its line here. What is slanted is filled"
    " in by the message. Codes without an HTTP status are those of single jobs in answers of the native API.",
    "每个错误响应都带有其中一个错误码，并通过 Link 响应头指向本页的对应行。斜体部分由消息填写。没有 HTTP 状态的错误码"
    "用于原生 API 响应中的单个作业。",
)
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{border-top:1px solid #ccc;padding:.5rem;text-align:left;vertical-align:top}"
    "tr:target{background:#fff3c4}"
)


class ErrorCode(Struct, frozen=True):
    """A code; `status` is null for the code of a single job in an answer."""

    code: str
    status: int | None
    meaning: str
    advice: str


class ErrorCodes(Struct, frozen=True):
    """All codes."""

    errors: list[ErrorCode]


@get(PAGE, include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=False)
def error_page(request: Request[Any, Any, Any]) -> Response[str]:
    """For people. It needs nothing else: no scripts, no other files."""
    language = _language(request)
    return Response(_page(language), media_type=MediaType.HTML, headers={"Content-Language": language})


@get(f"{PAGE}.json", include_in_schema=False, sync_to_thread=False)
def error_codes(request: Request[Any, Any, Any]) -> ErrorCodes:
    """For programs."""
    language = _language(request)
    return ErrorCodes(
        [
            ErrorCode(each.code, each.status, _plain(each.meaning, language), _plain(each.advice, language))
            for each in explained()
        ]
    )


def _language(request: Request[Any, Any, Any]) -> Language:
    return language_of_reader(dict(request.scope["headers"]))


def _plain(text: Text, language: Language) -> str:
    return text.in_(language).replace("`", "")


def _page(language: Language) -> str:
    title, lead = _TITLE.in_(language), _LEAD.in_(language)
    head = "".join(f"<th>{text.in_(language)}</th>" for text in _HEAD)
    lines = "\n".join(_line(each, language) for each in explained())
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head><meta charset="utf-8"><title>{title} - Sluiceway</title>'
        f'<link rel="icon" href="data:,"><style>{_STYLE}</style></head>\n<body><h1>{title}</h1>\n<p>{lead}</p>\n'
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{lines}\n</tbody></table></body>\n</html>\n"
    )


def _line(each: Explained, language: Language) -> str:
    cells = (each.status or "", _marked(each.meaning, language), _marked(each.advice, language))
    code = f'<a href="#{each.code}"><code>{each.code}</code></a>'
    return f'<tr id="{each.code}"><td>{code}</td>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _marked(text: Text, language: Language) -> str:
    quoted = re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text.in_(language)))
    return re.sub(r"\{(\w+)\}", r"<var>\1</var>", quoted)
