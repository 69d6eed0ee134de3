"""The path of DLI's API that lets a project use buckets. Clients call it before they create a job with one."""

from typing import Annotated, Final

from litestar import post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, SkipValidation
from msgspec import Struct

from sluiceway.api.dli.answers import Done
from sluiceway.api.dli.body import Json
from sluiceway.api.dli.dependencies import REFUSED, LanguageGiven, ProjectGiven, TruthGiven
from sluiceway.api.dli.fields import BUCKET_PATTERN, of_texts
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, bad
from sluiceway.api.errors.language import Text
from sluiceway.api.permit import PermitGiven
from sluiceway.control.buckets import Buckets
from sluiceway.storage.files import is_bucket

PATH: Final = "/v1.0/{project_id:str}/dli/obs-authorize"
MOST: Final = 100  # buckets in one request
DONE: Final = Text("The buckets are authorized.", "已授权桶。")

BucketsGiven = NamedDependency[SkipValidation[Buckets]]


class AuthorizeRequest(Struct, frozen=True):
    """The buckets to authorize."""

    obs_buckets: Annotated[list[str] | None, of_texts(MOST, 1, pattern=BUCKET_PATTERN)] = None


@post(
    PATH, status_code=200, dto=Json[AuthorizeRequest], return_dto=None, responses=REFUSED, summary="Authorize buckets"
)
async def authorize(
    data: JSONBody[AuthorizeRequest],
    project: ProjectGiven,
    language: LanguageGiven,
    truth: TruthGiven,
    buckets: BucketsGiven,
    permit: PermitGiven,
) -> Done:
    """Record that the project is to use these buckets. A bucket that is authorized already is a success too."""
    names = data.obs_buckets or []
    if not names:
        raise DliError(Code.NO_BUCKET)
    if len(names) > MOST:
        raise bad("obs_buckets", f"it holds more than {MOST} items", f"不能超过 {MOST} 项")
    for name in names:
        if not is_bucket(name):
            raise DliError(Code.BAD_BUCKET, bucket=name[:80])
    await buckets.authorize(project, names, who=permit.who)
    return Done(DONE.in_(language), truth.say(success=True))


HANDLERS: Final[list[HTTPRouteHandler]] = [authorize]
