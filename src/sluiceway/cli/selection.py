"""Stops or moves a selection of jobs: the command first looks at them, then names them in the request.

What was counted is what is stopped. A job that begins to match meanwhile is not in it, and one that begins to ail holds
up no other, as it would hold up a plan: nobody has asked for exactly what was shown.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sluiceway.cli.answers import Answer, Answers, read
from sluiceway.cli.asking import Deed, on_terminal
from sluiceway.cli.choice import OPTIONS, Choice, tell_unjudged
from sluiceway.cli.connection import Reply
from sluiceway.cli.language import t
from sluiceway.cli.order_answers import MoveAnswers
from sluiceway.cli.output import Failed
from sluiceway.cli.stakes import at_stake
from sluiceway.settings import MAX_JOB_IDS

EMPTY: Final[Mapping[str, Any]] = {"id": None, "accepted": 0, "refused": 0, "jobs": []}
_CHOOSES: Final = frozenset({"all", "select", "queue", "name", "tags"})
_SAID: Final = ("job_id", "accepted", "code", "message", "wave")

Body = Mapping[str, object]
Ask = Callable[[Body, str], Reply]  # sends a request under a key


def chosen(choice: Choice, *, all_: bool) -> dict[str, object]:
    """The jobs of a request by what they have in common. Raises `Failed`."""
    if all_ and choice:
        raise Failed(t("--all leaves nothing to choose; leave it out, or everything else."), code=2)
    return {"all": True} if all_ else {"select": choice.body()} if choice else {}


def check_chosen(jobs: Sequence[str], choice: Choice, *, waves: bool, all_: bool, ways: str) -> None:
    """Refuse an order for no jobs, or for jobs that are named in two ways: it says which there are. Raises `Failed`."""
    if (bool(jobs), bool(choice) or all_ or (waves and not jobs)).count(True) != 1:
        raise Failed(ways, code=2)


def confirmed(ask: Ask, body: Body, deed: Deed, *, keyed: bool = False) -> tuple[Body | None, list[Any]]:
    """The request, once somebody has agreed where that is due. Raises `Failed`.

    Where it does not name its jobs, it does afterwards; None where nothing would be done to any. Beside it, what was
    said of those to which nothing would be done, for `whole`. A request whose key the caller has given is sent as it
    is: its repeat has to be the same, though its jobs have stopped.
    """
    deed.check()
    named = body.get("job_ids")
    count = len(set(named)) if isinstance(named, list) else None
    if deed.yes or (count is not None and not deed.asks(count)):
        return body, []
    if count is not None and not on_terminal():
        deed.confirm(count)
    data = ask({**body, "dry_run": True}, uuid.uuid4().hex).data
    answers = read(data, MoveAnswers)
    tell_unjudged(answers.unjudged)
    wanted = list(dict.fromkeys(answer.job_id for answer in answers.jobs if _would_stop(answer)))
    if count is None and not keyed and len(wanted) > MAX_JOB_IDS:
        raise Failed(
            t(
                "Nothing was done: {count} jobs would be {done}, and a request names {most} at most. "
                "Choose fewer ({options}), or give --yes, which takes whatever matches when it arrives.",
                count=len(wanted),
                done=deed.done,
                most=MAX_JOB_IDS,
                options=OPTIONS,
            ),
        )
    deed.confirm(len(wanted), at_stake(answers))
    if count is not None or keyed:
        return body, []
    pairs = zip(data["jobs"], answers.jobs, strict=True)
    rest = [_said(item) for item, answer in pairs if not _would_stop(answer)]
    manner = {name: value for name, value in body.items() if name not in _CHOOSES}
    return ({"job_ids": wanted, **manner} if wanted else None), rest


def whole(data: Mapping[str, Any], rest: Sequence[Any]) -> dict[str, Any]:
    """An answer, completed by the verdicts on jobs that were only looked at: none is dropped. Raises `Failed`."""
    said, accepted = read(data, Answers), sum(bool(item["accepted"]) for item in rest)
    counts = {"accepted": said.accepted + accepted, "refused": said.refused + len(rest) - accepted}
    return {**data, **counts, "jobs": [*data["jobs"], *rest]}


def _would_stop(answer: Answer) -> bool:
    """Whether the stop would take it: not a job that is refused, or stopped already."""
    return answer.accepted and not answer.code


def _said(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in _SAID if name in item}
