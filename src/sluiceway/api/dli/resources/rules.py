"""What a resource may be made of, in DLI's words. Pure."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

from sluiceway.api.dli.fields import LIST_LIMIT, OWNER_PATTERN
from sluiceway.api.dli.parameters import short_list, text_of
from sluiceway.api.errors.dli_error import bad
from sluiceway.control.resources import KINDS, name_of

_OWNER: Final = re.compile(OWNER_PATTERN)  # any user of ours may be one, and whom DLI would take


def kind(given: str) -> str:
    """The kind of resource that a text means; capitals do not count."""
    found = next((each for each in KINDS if each.lower() == given.lower()), None)
    if found is None:
        raise bad("kind", f"it must be one of {', '.join(KINDS)}", f"必须为 {'、'.join(KINDS)} 之一")
    return found


def paths(given: Sequence[str]) -> Sequence[str]:
    """The files as obs://bucket/directory/name. A URL only names an object: the service never calls it."""
    if not given:
        raise bad("paths", "it is empty", "不能为空")
    found = [_path(text_of("paths", path, 1200)) for path in short_list("paths", given, LIST_LIMIT)]
    # Under one name only the last of them would be found.
    for name, count in Counter(map(name_of, found)).items():
        if count > 1:
            raise bad(
                "paths",
                f"{count} of them would be called {name[:100]}; each needs a name of its own, or another group",
                f"其中 {count} 个的名称均为 {name[:100]}；名称不能重复，请分到不同的分组",
            )
    return found


def owner(given: str) -> str:
    """The name of an owner."""
    if not _OWNER.fullmatch(given):
        raise bad(
            "new_owner",
            "it has 1 to 64 letters, digits, and _ - . @, and neither . nor @ first",
            "应为 1 到 64 个字母、数字或 _ - . @，且不能以 . 或 @ 开头",
        )
    return given


def _path(given: str) -> str:
    if given.startswith("obs://"):
        return given
    try:
        parts = urlsplit(given)
        bucket = _bucket(parts.hostname or "")
    except ValueError:
        parts, bucket = urlsplit(""), ""
    if parts.scheme not in {"http", "https"} or not bucket:
        raise bad(
            "paths",
            f"{given[:100]} is not a path in OBS; write obs://bucket/directory/name",
            f"{given[:100]} 不是 OBS 路径，请使用 obs://bucket/directory/name",
        )
    return f"obs://{bucket}{unquote(parts.path)}"


def _bucket(host: str) -> str:
    """The bucket of an object store's host, bucket.obs.region.provider; empty for any other host."""
    bucket, obs, _ = f"{host}.".partition(".obs.")
    return bucket if obs and all(bucket.split(".")) else ""
