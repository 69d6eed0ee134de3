"""What Flink says of failures, joined and cut to what a person reads."""

import re

CLIP = 500  # characters of any foreign text that is kept

_SAYS_NOTHING = re.compile(
    r"(?:Checkpoint Coordinator is suspending|FailoverRegion is restarting|Task has failed|Stop-with-savepoint failed"
    r"|Checkpoint was (?:declined|aborted)|Asynchronous task checkpoint failed|The job has failed)\.?"
)


def both(text: str, cause: str) -> str:
    """What an attempt says of its failure and what its job does, without words that only say that it failed."""
    told = [words for words in (text, cause) if words and not _SAYS_NOTHING.fullmatch(words)]
    if not told:
        return cause or text
    first, last = told[0], told[-1]
    return first if last in first else last if first.rstrip(".") in last else clip(f"{first.rstrip('.')}. {last}")


def clip(text: str, limit: int = CLIP) -> str:
    """One line of at most `limit` characters."""
    line = " ".join(text[: 4 * limit].split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
