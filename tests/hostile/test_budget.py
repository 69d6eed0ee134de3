"""What strangers may use of the processor, and what is made once for all of them."""

import asyncio
import gzip
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from litestar import Litestar, Response, get

from sluiceway.api.budget import Allowance, Budget
from sluiceway.api.caller import called_by
from sluiceway.api.kept_answers import KeptAnswers
from sluiceway.api.pace import PASSES, Pace

TOKEN = (b"x-auth-token", b"t")


@dataclass
class Shop:
    """An application that takes a second of the processor for each request, behind a budget; and the time."""

    now: float = 100.0
    used: float = 0.0
    signed_in: bool = False
    served: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.budget = Budget(self.app, Allowance(0.5, 3.0), lambda: self.now, lambda: self.used)

    async def app(self, scope: Any, _receive: Any, send: Any) -> None:
        if self.signed_in:
            called_by(scope, "user ann")
        self.used += 0.6
        await asyncio.sleep(0)
        self.used += 0.4
        self.served[scope["client"][0]] += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def ask(self, address: str = "192.0.2.1", *headers: tuple[bytes, bytes], path: str = "/") -> tuple[int, str]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope: Any = {"type": "http", "client": (address, 1), "headers": list(headers), "path": path}
        await self.budget(scope, send, send)  # type: ignore[arg-type]
        headers_ = {name: value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], headers_.get(b"retry-after", "")


async def test_a_stranger_who_has_used_up_the_budget_waits_and_others_do_not() -> None:
    shop = Shop()
    assert [await shop.ask() for _ in range(5)] == [(200, "")] * 4 + [(429, "2")]
    assert shop.served["192.0.2.1"] == 4, "what is refused takes nothing"
    assert (await shop.ask("192.0.2.2"))[0] == 200
    assert (await shop.ask("2001:db8::1"))[0] == 200
    assert (await shop.ask(path="/healthz"))[0] == 200, "whoever would restart the service must know that it lives"
    shop.now += 4.1
    assert (await shop.ask())[0] == 200


async def test_an_ipv6_network_is_one_stranger() -> None:
    shop = Shop()
    assert [(await shop.ask(f"2001:db8::{n}"))[0] for n in range(5)] == [200] * 4 + [429]


async def test_who_has_signed_in_is_not_counted_and_not_locked_out_by_strangers_at_the_address() -> None:
    shop = Shop(signed_in=True)
    assert [(await shop.ask("192.0.2.1", TOKEN))[0] for _ in range(9)] == [200] * 9
    shop.signed_in = False
    assert [(await shop.ask())[0] for _ in range(5)] == [200] * 4 + [429]
    bad = (b"x-auth-token", b"bad")
    assert [(await shop.ask("192.0.2.1", bad))[0] for _ in range(5)] == [200] * 4 + [429], "a purse of their own"
    shop.signed_in = True
    assert (await shop.ask("192.0.2.1", TOKEN))[0] == 200, "it was good before"
    assert (await shop.ask("192.0.2.1", (b"x-auth-token", b"new")))[0] == 429
    assert (await shop.ask("192.0.2.2", (b"x-auth-token", b"new")))[0] == 200


async def test_of_a_signature_the_key_is_remembered() -> None:
    shop = Shop(signed_in=True)
    scheme = b"SDK-HMAC-SHA256 Access=%b, SignedHeaders=host, Signature=%b"
    await shop.ask("192.0.2.1", (b"authorization", scheme % (b"KEY", b"1")))
    shop.signed_in = False
    for n in range(5):
        await shop.ask("192.0.2.1", (b"authorization", scheme % (b"OTHER", b"%d" % n)))
    assert (await shop.ask("192.0.2.1", (b"authorization", scheme % (b"OTHER", b"9"))))[0] == 429
    assert (await shop.ask("192.0.2.1", (b"authorization", scheme % (b"KEY", b"2"))))[0] == 200


async def test_a_failure_is_counted_and_passed_on() -> None:
    shop = Shop()

    async def fails(_scope: Any, _receive: Any, _send: Any) -> None:
        shop.used += 9.0
        await asyncio.sleep(0)
        raise ValueError("on purpose")

    shop.budget.app = fails
    with pytest.raises(ValueError, match="on purpose"):
        await shop.ask()
    assert (await shop.ask())[0] == 429


# What is made once. --------------------------------------------------------------------------------------------------


@dataclass
class Kept:
    """An application with one answer that is kept, and how often it was made."""

    made: int = 0
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        @get("/openapi.json", media_type="text/html")
        async def described() -> Response[str]:
            self.made += 1
            await self.go_on.wait()
            return Response("<script>x</script>" * 200, media_type="text/html", headers={"ETag": "theirs"})

        self.app = Litestar([described], middleware=[KeptAnswers()], openapi_config=None)

    async def ask(self, *headers: tuple[bytes, bytes]) -> tuple[int, dict[str, str], bytes]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope: Any = {"type": "http", "method": "GET", "path": "/openapi.json", "raw_path": b"/openapi.json"}
        scope |= {"headers": list(headers), "query_string": b"", "client": ("127.0.0.1", 1), "root_path": ""}
        await self.app(scope, receive, send)
        found = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:])


async def test_what_does_not_change_is_made_once_though_the_first_who_ask_hang_up() -> None:
    kept = Kept()
    asking = [asyncio.create_task(kept.ask()) for _ in range(20)]
    while not kept.made:
        await asyncio.sleep(0)
    for task in asking[:10]:
        task.cancel()
    await asyncio.sleep(0)
    kept.go_on.set()
    assert {(await task)[0] for task in asking[10:]} == {200}
    assert (await kept.ask())[0] == 200
    assert kept.made == 1


async def test_it_is_packed_for_who_can_unpack_it_and_not_sent_again_to_who_has_it() -> None:
    kept = Kept()
    kept.go_on.set()
    _, headers, plain = await kept.ask((b"if-none-match", b"theirs"), (b"range", b"bytes=0-1"))
    assert (headers["content-length"], headers["vary"]) == (str(len(plain)), "accept-encoding")
    assert "sha256-" in headers["content-security-policy"], "the scripts are named before they are packed"
    _, packed_headers, packed = await kept.ask((b"accept-encoding", b"br, gzip;q=0.5"))
    assert (packed_headers["content-encoding"], gzip.decompress(packed)) == ("gzip", plain)
    assert packed_headers["content-length"] == str(len(packed))
    for refuses in (b"gzip;q=0", b"br", b"identity"):
        assert (await kept.ask((b"accept-encoding", refuses)))[2] == plain
    for known in (headers["etag"], f'"x", W/{headers["etag"]}', "*"):
        status, again, body = await kept.ask((b"if-none-match", known.encode()))
        assert (status, body, again["etag"]) == (304, b"", headers["etag"])
    assert (await kept.ask((b"if-none-match", b'"other"')))[0] == 200
    assert kept.made == 1


# What arrives at once. ------------------------------------------------------------------------------------------------


@dataclass
class Door:
    """An application that notes who came in, and in which pass of the loop, behind a pace."""

    passes: int = 0
    came: list[tuple[str, int]] = field(default_factory=list)

    async def app(self, scope: Any, _receive: Any, _send: Any) -> None:
        self.came.append((scope["client"][0], self.passes))

    def ask(self, pace: Pace, *addresses: str) -> "list[asyncio.Task[None]]":
        nothing: Any = None
        return [
            asyncio.create_task(pace({"type": "http", "client": (each, 1)}, nothing, nothing))  # type: ignore[arg-type]
            for each in addresses
        ]

    async def until(self, tasks: "list[asyncio.Task[None]]") -> None:
        while not all(task.done() for task in tasks):
            self.passes += 1
            await asyncio.sleep(0)


async def test_requests_that_arrive_at_once_begin_one_by_one_with_room_for_others_to_connect() -> None:
    door = Door()
    await door.until(door.ask(Pace(door.app), *["192.0.2.1"] * 50))
    began = [passes for _, passes in door.came]
    assert len(began) == 50
    assert all(1 <= after - before <= PASSES for before, after in pairwise(began))
    assert max(after - before for before, after in pairwise(began)) > 1


async def test_who_comes_behind_hundreds_of_one_address_is_the_next_but_one() -> None:
    door = Door()
    await door.until(door.ask(Pace(door.app), *["192.0.2.1"] * 480, "192.0.2.2", "192.0.2.2"))
    assert [who for who, _ in door.came[:5]] == ["192.0.2.1", "192.0.2.2"] * 2 + ["192.0.2.1"]


async def test_who_has_hung_up_costs_no_pass_and_holds_up_nobody() -> None:
    door, hung_up = Door(), set(range(10, 40))
    tasks = door.ask(Pace(door.app), *["192.0.2.1"] * 50)
    await asyncio.sleep(0)
    for number in hung_up:
        tasks[number].cancel()
    await door.until(tasks)
    assert len(door.came) == 20
    assert door.passes < 20 * PASSES


async def test_a_pace_is_at_rest_when_nobody_waits() -> None:
    door = Door()
    pace = Pace(door.app)
    for _ in range(3):
        await door.until(door.ask(pace, "192.0.2.1"))
    assert len(door.came) == 3
