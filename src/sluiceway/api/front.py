"""What answers at the service's bare address: where to go from there. Browsers are sent to the page of the API."""

from typing import Any, Final

from litestar import MediaType, Request, Response, get
from litestar.status_codes import HTTP_302_FOUND

from sluiceway import __version__
from sluiceway.api.errors.language import Text, language_of_reader

_PAGE: Final = "/docs"
_TEXT: Final = Text(
    """\
Sluiceway {version}: stops Apache Flink jobs in bulk, keeps a verified savepoint of each, and brings them back.

  {at}/docs          both APIs, to try out in a browser
  {at}/docs/errors   every error code
  {at}/openapi.json  both APIs, for programs
  {at}/readyz        whether the service can take work

On the command line: sluiceway --help, with SLUICEWAY_SERVER={at}
""",
    """\
Sluiceway {version}：批量停止 Apache Flink 作业，为每个作业保留一份经过校验的 savepoint，并将其恢复。

  {at}/docs          在浏览器中查看并试用两套 API
  {at}/docs/errors   所有错误码
  {at}/openapi.json  两套 API 的机器可读描述
  {at}/readyz        服务是否可以受理请求

命令行：sluiceway --help，并设置 SLUICEWAY_SERVER={at}
""",
)


@get("/", include_in_schema=False, sync_to_thread=False)
def front(request: Request[Any, Any, Any]) -> Response[str]:
    """Needs no sign-in, and says nothing that the description of the API does not."""
    headers = dict(request.scope["headers"])
    if b"text/html" in headers.get(b"accept", b""):
        return Response("", status_code=HTTP_302_FOUND, headers={"Location": _PAGE, "Vary": "Accept"})
    language = language_of_reader(headers)
    text = _TEXT.say(language, {"version": __version__, "at": str(request.base_url).rstrip("/")})
    return Response(text, media_type=MediaType.TEXT, headers={"Content-Language": language, "Vary": "Accept"})
