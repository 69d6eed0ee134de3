"""Steers and follows an order of many jobs: the common part of the commands for stops, resumes and moves."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

from sluiceway.cli import tables
from sluiceway.cli.answers import read
from sluiceway.cli.client import Client
from sluiceway.cli.connection import Reply, Unreachable
from sluiceway.cli.events import followed, told
from sluiceway.cli.language import t
from sluiceway.cli.options import Common
from sluiceway.cli.order_answers import Aborted, Move, Proceeded, Resume, Stop
from sluiceway.cli.output import TIME_UP, Failed, complain, one_line, say
from sluiceway.cli.progress import Board, Line, looks

Orders = Literal["stops", "resumes", "moves"]


def withdraw(order: int, orders: Orders, common: Common) -> int:
    """Withdraw the unsent part of an order; the exit code."""
    reply = common.client().abort(order, orders)

    def show() -> None:
        withdrawn = tables.jobs(len(read(reply.data, Aborted).withdrawn))
        say(
            t(
                "Withdrawn: {withdrawn}. See: sluiceway {orders} show {order}",
                withdrawn=withdrawn,
                orders=orders,
                order=order,
            )
        )

    return common.told(reply.data, show, order)


def let_go_on(order: int, orders: Orders, common: Common) -> int:
    """Continue a paused order; the exit code, which is 1 for one that was not paused."""
    reply = common.client().proceed(order, orders)
    was = read(reply.data, Proceeded).was
    name = _name(orders).capitalize()
    if was == "paused":
        common.names(order)
    if common.json:
        common.document(reply.data)
    elif was == "paused" and common.words:
        say(
            t(
                "{name} {order} goes on. Watch it with: sluiceway {orders} watch {order}",
                name=name,
                order=order,
                orders=orders,
            )
        )
    elif was != "paused":
        complain(t("{name} {order} was not paused; it is {was}.", name=name, order=order, was=was))
    return int(was != "paused")


def tell_events(client: Client, order: int, orders: Orders, common: Common) -> None:
    """Print the events of an order until it has settled, or is paused now. Ctrl-C ends the printing, not the order."""
    beside = common.client()  # the first one reads the stream
    try:
        for event in followed(client, order, orders):
            common.line(event, told(event))
            # Older pauses are over: somebody has had it go on since.
            if event["kind"] == "batch_paused" and beside.is_paused(order, orders):
                break  # it would wait for somebody to say how it goes on
    except KeyboardInterrupt:
        name = _name(orders)
        complain(
            t(
                "The {name} goes on. Look again with: sluiceway {orders} watch {order}",
                name=name,
                orders=orders,
                order=order,
            )
        )
        raise


def tell_plan(order: Stop | Resume) -> None:
    """Name the plan of an order, its maker and its caller; nothing for an order without a plan."""
    if order.plan is not None:
        say(
            one_line(
                t(
                    "Plan {plan}, made by {planned_by}; carried out by {who}.",
                    plan=order.plan,
                    planned_by=order.planned_by,
                    who=order.who,
                )
            )
        )


def shown(
    look: Callable[[], Reply], show: Callable[[Any], object], waited: tuple[Any, int] | None, common: Common
) -> int:
    """Show an order as it is now, or, where it was waited for, what that came to; the exit code.

    `waited` is the last answer with its exit code, and has been shown to people already.
    """
    data, code = waited or (look().data, 0)
    if not common.words or waited is None:
        show(data)
    return code


def tell_head(order: Stop | Resume | Move, orders: Orders, about: str) -> None:
    """Above its jobs: which order this is, whose and why, how far it has come, and how many of its jobs are where."""
    name, reason = _name(orders).capitalize(), getattr(order, "reason", "")
    told = t("{name} {order} of {at}", name=name, order=order.id, at=tables.moment(order.created_at))
    by = t(" by {who}", who=order.who) if order.who else ""
    say(one_line("".join([told, by, about, t(": {reason}", reason=reason) if reason else ""])))
    state = t("under way") if order.state == "open" else order.state
    state += t(" ({note})", note=order.state_reason.rstrip(".")) if order.state_reason else ""
    counts = tables.counts(Counter(view.phase for view in order.jobs)) or t("none left")
    say(one_line(t("{jobs}, {state}: {counts}", jobs=tables.jobs(len(order.jobs)), state=state, counts=counts)))


def look_again(order: int, orders: Orders) -> str:
    """The command that watches an order again."""
    return t("Look again with: sluiceway {orders} show {order} --wait", orders=orders, order=order)


def watched(
    look: Callable[[], Reply],
    order: int,
    orders: Orders,
    seen: Callable[[Any], tuple[list[Line], bool]],
    timeout: float | None,
) -> Any:
    """Look at an order on a board until it is at rest, or the time is up; the last answer.

    `seen` makes of an answer a line for each job, and whether there is nothing more to wait for. Ctrl-C ends the
    watching, not the order. Raises `Failed` where there was no answer at all.
    """
    data: Any = None
    name, again = _name(orders), look_again(order, orders)
    try:
        with Board(t("{name} {order}", name=name.capitalize(), order=order)) as board:
            for reply in looks(look, timeout, board.say):
                data = reply.data
                lines, rests = seen(data)
                board.show(lines)
                if rests:
                    break
    except (KeyboardInterrupt, Unreachable):
        complain(t("The {name} goes on. {again}", name=name, again=again))
        raise
    if data is None:
        raise Failed(
            t("The service has not answered in time; the {name} goes on. {again}", name=name, again=again), code=TIME_UP
        )
    return data


def _name(orders: Orders) -> str:
    return {"stops": t("stop"), "resumes": t("resume"), "moves": t("move")}[orders]
