"""The calls about stops, ways back and moves: to ask for them, to follow and to steer them."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import urlencode

from msgspec import Struct

from sluiceway.cli.answers import read
from sluiceway.cli.calls import Calls
from sluiceway.cli.connection import Reply, Unreachable
from sluiceway.cli.language import t
from sluiceway.cli.output import Failed, complain

ASK_AGAIN: Final = 2  # times, for a request with a key whose answer was lost


class _State(Struct, frozen=True):
    state: str


class OrderCalls(Calls):
    """As they are in `Client`."""

    def stop(self, body: Mapping[str, object], key: str) -> Reply:
        """Stop jobs. A lost answer is asked for again under the same key, so that nothing is done twice."""
        return self._once("/stops", body, key)

    def move(self, body: Mapping[str, object], key: str) -> Reply:
        """Move jobs to another cluster; a lost answer as with `stop`."""
        return self._once("/moves", body, key)

    def move_back(self, move_id: int) -> Reply:
        """Start where they were the jobs of a move that are down."""
        return self._once(f"/moves/{move_id}/back", None, uuid.uuid4().hex)

    def show_move(self, move_id: int) -> Reply:
        """A move with all its jobs."""
        return self._http.ok("GET", self._own(f"/moves/{move_id}"))

    def moves(self, limit: int) -> Reply:
        """The latest moves."""
        return self._http.ok("GET", f"{self._own('/moves')}?limit={limit}")

    def retry_stop(self, stop_id: int, key: str) -> Reply:
        """Stop again what did not stop; a lost answer as with `stop`."""
        return self._once(f"/stops/{stop_id}/retry", None, key)

    def _once(self, path: str, body: Mapping[str, object] | None, key: str) -> Reply:
        for _ in range(ASK_AGAIN):
            try:
                return self._http.ok("POST", self._own(path), body, {"Idempotency-Key": key})
            except Unreachable as error:
                if isinstance(error.__cause__, ConnectionRefusedError):
                    raise
                complain(t("the answer was lost; asking again under the same key"))
        return self._http.ok("POST", self._own(path), body, {"Idempotency-Key": key})

    def abort(self, order: int, kind: str) -> Reply:
        """Withdraw the unsent part of a stop, or of one of the `resumes` or `moves`."""
        return self._http.ok("POST", self._own(f"/{kind}/{order}/abort"))

    def proceed(self, order: int, kind: str) -> Reply:
        """Continue a stop, or one of the `resumes` or `moves`, that is paused."""
        return self._http.ok("POST", self._own(f"/{kind}/{order}/proceed"))

    def events(self, after: int, limit: int, where: Mapping[str, object]) -> Reply:
        """The audit of the project after an event, the oldest first, as far as it matches."""
        query = urlencode({"after": after, "limit": limit, **where})
        return self._http.ok("GET", f"{self._own('/events')}?{query}")

    def follow(self, order: int, after: int, kind: str, begun: Callable[[], None]) -> Iterator[tuple[str, str, str]]:
        """The events of a stop, or of one of the `resumes` or `moves`, as they come: id, kind and JSON of each.

        The last one's kind is `settled`.

        Raises `Unreachable` when the stream breaks; it goes on after the last event's id.
        """
        return self._http.stream(self._own(f"/{kind}/{order}/events"), after, begun)

    def is_paused(self, order: int, kind: str = "stops") -> bool:
        """Whether a stop, or one of the `resumes`, is paused now."""
        return read(self._http.ok("GET", self._own(f"/{kind}/{order}")).data, _State).state == "paused"

    def show_stop(self, stop_id: int) -> Reply:
        """A stop with all its jobs."""
        return self._http.ok("GET", self._own(f"/stops/{stop_id}"))

    def stops(self, limit: int) -> Reply:
        """The latest stops."""
        return self._http.ok("GET", f"{self._own('/stops')}?limit={limit}")

    def resume_stop(self, stop_id: int, body: Mapping[str, object] | None = None) -> Reply:
        """Start exactly the jobs of a stop, each from its own savepoint."""
        return self._once(f"/stops/{stop_id}/resume", body or None, uuid.uuid4().hex)

    def resume_failed(self, order: int, body: Mapping[str, object]) -> Reply:
        """Start what is parked or has failed on a way back: that with this id, or the last from the stop with it."""
        try:
            return self._once(f"/resumes/{order}/retry", body or None, uuid.uuid4().hex)
        except Failed as failed:
            if "(unknown_resume)" not in str(failed):
                raise
        return self._once(f"/stops/{order}/resume", {**body, "failed": True}, uuid.uuid4().hex)

    def resume_jobs(self, body: Mapping[str, object]) -> Reply:
        """Start each of these jobs from its newest state, or carry out a plan."""
        return self._once("/resumes", body, uuid.uuid4().hex)

    def show_resume(self, resume_id: int) -> Reply:
        """A way back with all its jobs."""
        return self._http.ok("GET", self._own(f"/resumes/{resume_id}"))

    def resumes(self, limit: int) -> Reply:
        """The latest ways back."""
        return self._http.ok("GET", f"{self._own('/resumes')}?limit={limit}")
