"""Which requests may come in: a program's and our own page's, not those of a page from elsewhere."""

import pytest

from sluiceway.api.origin import is_own

OWN = [
    {"host": "127.0.0.1:8640"},
    {"host": "localhost:8640"},
    {"host": "[::1]:8640"},
    {},
    {"host": "localhost:8640", "origin": "http://localhost:8640", "sec-fetch-site": "same-origin"},
    {"host": "127.0.0.1:8640", "sec-fetch-site": "none"},
]
FOREIGN = [
    {"host": "127.0.0.1:8640", "origin": "https://evil.example"},
    {"host": "127.0.0.1:8640", "origin": "null"},
    {"host": "127.0.0.1:8640", "origin": "http://127.0.0.1:9999"},
    {"host": "127.0.0.1:8640", "origin": "http://[bad"},
    {"host": "127.0.0.1:8640", "sec-fetch-site": "cross-site"},
    {"host": "evil.example:8640"},
    {"host": "evil.example:8640", "origin": "http://evil.example:8640"},
    {"host": "127.0.0.1.evil.example"},
    {"host": "[bad"},
]


@pytest.mark.parametrize("headers", OWN)
def test_these_are_let_in(headers: dict[str, str]) -> None:
    assert is_own({name.encode(): value.encode() for name, value in headers.items()})


@pytest.mark.parametrize("headers", FOREIGN)
def test_these_are_refused(headers: dict[str, str]) -> None:
    assert not is_own({name.encode(): value.encode() for name, value in headers.items()})
