"""What can be wrong with storage, and with what somebody asks of it. All are findings, so none is called an error."""

import re
from typing import Final

LONGEST: Final = 200  # characters of what a foreign error says
_LOOKED_AT: Final = 2000  # characters, as the patterns go through them again and again
_ANSWER: Final = re.compile(r"<Code>([^<]{1,100})</Code>\s*<Message>([^<]{1,200})")
_STATUS: Final = re.compile(r"status code: (\d{3}[ \w]{0,40})")
_SYSTEM: Final = re.compile(
    r"(?:^|[:\n])([^:\n]*) \(os error \d+\)"
)  # what it says, after the path that we do not tell
_LOCAL: Final = re.compile(r" [\"']?/.*?(?=: | not found|$)")  # a path on this machine
_ASKED: Final = re.compile(r"\bperforming \w{1,20} (\w{1,20}://[^/\s?]{1,100})")
_SILENT: Final = re.compile(r" - HTTP error: ([^\n]{1,100})")


class BadStorage(Exception):
    """The storage root cannot be used."""


class StorageUnreadable(Exception):
    """Storage could not be read (or written), so nobody can say what lies there."""


class TooMuchToRead(StorageUnreadable):
    """A `_metadata` that is larger, or has more in it, than is ever read: nobody will know whether it is whole."""


class NotASavepoint(Exception):
    """What lies at a path is not a savepoint under the root, and is not touched."""


class OnlyRead(NotASavepoint):
    """What lies at a path is under a root in which nothing is ever removed."""


class BadPath(Exception):
    """A path that names nothing under a root."""


class BehindLink(BadPath, StorageUnreadable):
    """A path that leads through a link, which is not followed: it names nothing, and nobody knows what lies there."""


class NoSuchFile(Exception):
    """Storage was read, and there is no such file."""


class FileTooLarge(Exception):
    """A file has more bytes than are wanted of it."""


def reason_of(error: Exception) -> str:
    """What a foreign error says, in one line and cut short; of an object store's answer the part that tells.

    It goes into answers, so it names no path on this machine.
    """
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error)[:_LOOKED_AT]
    if system := _SYSTEM.search(text):
        return system[1].strip()[:LONGEST]
    if answer := _ANSWER.search(text):
        return f"{answer[1]}: {answer[2]}"[:LONGEST]
    if (asked := _ASKED.search(text)) and (silent := _SILENT.search(text, asked.end())):
        return f"{asked[1]} does not answer ({silent[1]})"[:LONGEST]
    if status := _STATUS.search(text):
        return f"the object store answers {status[1].strip()}"
    return _LOCAL.sub("", text.partition("\n")[0])[:LONGEST]
