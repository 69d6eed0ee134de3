"""A refusal in DLI's terms, and the envelope that it leaves in."""

from collections.abc import Mapping

from msgspec import UNSET, Struct, UnsetType

from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_texts import TABLE
from sluiceway.api.errors.language import Language, Param, Text
from sluiceway.store.trouble import Trouble


class ErrorBody(Struct, frozen=True):
    """A refusal. Only the gateway's own errors carry the request id in the body too."""

    error_code: str
    error_msg: str
    request_id: str | UnsetType = UNSET


class DliError(Exception):
    """A refusal in DLI's terms."""

    def __init__(self, code: Code, text: Text | None = None, **params: Param) -> None:
        """`text` replaces that of the code, where DLI uses the code for something else too."""
        super().__init__(code, params)
        self.code = code
        self.params = params
        self._text = text or TABLE[code].text

    def __str__(self) -> str:
        return f"{self.code}: {self.message(Language.ENGLISH)}"

    @property
    def status(self) -> int:
        """The HTTP status that the code comes with."""
        return TABLE[self.code].status

    def message(self, language: Language) -> str:
        """What is wrong and what to do next."""
        return self._text.say(language, self.params)

    def body(self, language: Language, request_id: str | None = None) -> ErrorBody:
        """The envelope that clients read."""
        return ErrorBody(str(self.code), self.message(language), UNSET if request_id is None else request_id)


def bad(field: str, en: str, zh: str) -> DliError:
    """Refuses a parameter for which DLI has no code of its own."""
    return DliError(Code.BAD_PARAMETER, field=field, why=Text(en, zh))


def unsupported(en: str, zh: str) -> DliError:
    """Refuses a feature that DLI has and this service lacks."""
    return DliError(Code.NOT_SUPPORTED, what=Text(en, zh))


# Every call of ours that stores something answers so while the database takes nothing.
_TROUBLES: Mapping[Trouble, Text] = {
    Trouble.FULL: Text(
        "the disk that the service keeps its data on is full. Deleting jobs, savepoints, resources and templates still "
        "works, and makes room",
        "服务数据所在磁盘已满。仍可删除作业、保存点、资源和模板以释放空间",
    ),
    Trouble.BUSY: Text("others hold the service's database", "服务数据库被其他进程占用"),
    Trouble.READ_ONLY: Text("the service may not write to its database", "服务无法写入其数据库"),
    Trouble.BROKEN: Text(
        "the disk that the service keeps its data on fails, or its quota is used up",
        "服务数据所在磁盘出现故障，或磁盘配额已用完",
    ),
    Trouble.DAMAGED: Text("the service's database is damaged; tell its operator", "服务数据库已损坏，请联系服务管理员"),
}


_STORES_NOTHING: Text = Text(
    "The service cannot store anything now: {why}. Do not count on the request as done; send it again later.",
    "服务当前无法保存数据：{why}。请勿认为该请求已完成，请稍后重试。",
)


def unavailable(trouble: Trouble) -> DliError:
    """Refuses a request because the database stores nothing now."""
    return DliError(Code.BUSY, _STORES_NOTHING, why=_TROUBLES[trouble])
