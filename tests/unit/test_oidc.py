"""Bearer tokens of an OIDC issuer: a real one on loopback signs, and everything that is not its word is refused."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from tests.support.doubles.issuer import AUDIENCE, Issuer, an_issuer

from sluiceway.api.auth import issuer_keys
from sluiceway.api.auth.issuer_keys import IssuerSilent
from sluiceway.api.auth.oidc import BadToken, Claims, OidcVerifier

HOUR = 3600
NO_SUCH_KEY = "the issuer has no key that matches the token's"


@dataclass
class World:
    """An issuer, and a service that trusts it."""

    issuer: Issuer
    session: aiohttp.ClientSession
    later: timedelta = field(default_factory=timedelta)

    def __post_init__(self) -> None:
        self.verifier = OidcVerifier(
            self.issuer.url, AUDIENCE, self.session, clock=lambda: datetime.now(UTC) + self.later
        )

    async def subject(self, token: str) -> str:
        """Whose token it is; it is let in."""
        return (await self.verifier.verify(token)).subject

    async def refusal(self, token: str) -> str:
        with pytest.raises(BadToken) as refused:
            await self.verifier.verify(token)
        assert refused.value.zh
        return refused.value.en


@pytest.fixture
async def at() -> AsyncIterator[World]:
    async with an_issuer() as issuer, aiohttp.ClientSession() as session:
        yield World(issuer, session)


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    """A token put together by hand."""
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def said(token: str) -> dict[str, Any]:
    """The claims of a token, whoever signed it."""
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


# Let in. -------------------------------------------------------------------------------------------------------------


async def test_a_token_of_the_issuer_is_let_in(at: World) -> None:
    token = at.issuer.token(preferred_username="Ann", email="ann@example.com", groups=["ops", 7, "", "dev"])
    assert await at.verifier.verify(token) == Claims("ann", "Ann", "ann@example.com", ("ops", "dev"))
    assert await at.verifier.verify(at.issuer.token(name="Ann A.", groups="ops")) == Claims("ann", "Ann A.")
    header = {"alg": "ES256", "kid": "first", "nonce": "the issuer's own"}
    lenient = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    assert await at.subject(jws.serialize_compact(header, json.dumps(said(token)), at.issuer.keys[0], None, lenient))
    assert at.issuer.asked == ["/.well-known/openid-configuration", "/keys"], "once"


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSAKey.generate_key(2048, {"kid": "k"}), "RS256"),
        (RSAKey.generate_key(2048, {"kid": "k"}), "PS512"),
        (ECKey.generate_key("P-384", {"kid": "k"}), "ES384"),
        (OKPKey.generate_key("Ed25519", {"kid": "k"}), "EdDSA"),
        (OKPKey.generate_key("Ed25519", {"kid": "k"}), "Ed25519"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_every_asymmetric_algorithm_will_do(at: World, key: Key, algorithm: str) -> None:
    at.issuer.keys.append(key)
    assert await at.subject(at.issuer.token(key, algorithm)) == "ann"


async def test_the_audience_may_be_one_of_several(at: World) -> None:
    assert await at.subject(at.issuer.token(aud=["other", AUDIENCE]))


async def test_a_token_without_the_name_of_a_key_is_let_in_while_there_is_one(at: World) -> None:
    at.issuer.keys = [ECKey.generate_key("P-256")]
    nameless = jwt.encode({"alg": "ES256"}, said(at.issuer.token(exp=time.time() + 3 * HOUR)), at.issuer.keys[0])
    assert await at.subject(nameless)
    at.issuer.keys.append(ECKey.generate_key("P-256"))
    at.later = timedelta(hours=2)
    assert await at.refusal(nameless) == "the issuer has several keys that match the token's"


# Refused. ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"exp": -61}, "the token has expired"),
        ({"exp": -HOUR}, "the token has expired"),
        ({"nbf": HOUR}, "the token is not valid: it is not valid yet"),
        ({"iat": HOUR}, "the token is not valid: it was issued in the future"),
        ({"aud": "another"}, "the token is not valid: it is not meant for this service"),
        ({"aud": ["another", "third"]}, "the token is not valid: it is not meant for this service"),
        ({"aud": []}, "the token is not valid: it is not meant for this service"),
        ({"aud": None}, "the token is not valid: its aud is missing or not as it should be"),
        ({"iss": "https://another.example"}, "the token is not valid: it is of another issuer"),
        ({"iss": None}, "the token is not valid: its iss is missing or not as it should be"),
        ({"exp": None}, "the token is not valid: its exp is missing or not as it should be"),
        ({"exp": "tomorrow"}, "the token is not valid: its exp is missing or not as it should be"),
        ({"exp": True}, "the token is not valid: its exp is missing or not as it should be"),
        ({"exp": float("nan")}, "the token is not valid: its exp is missing or not as it should be"),
        ({"sub": None}, "the token is not valid: its sub is missing or not as it should be"),
        ({"sub": ""}, "the token is not valid: its sub is missing or not as it should be"),
        ({"sub": 7}, "the token is not valid: its sub is missing or not as it should be"),
        ({"sub": "a\nb"}, "the token is not valid: its sub is missing or not as it should be"),
        ({"sub": "x" * 256}, "the token is not valid: its sub is missing or not as it should be"),
    ],
    ids=str,
)
async def test_a_claim_that_is_not_as_it_should_be(at: World, claims: dict[str, Any], words: str) -> None:
    now = time.time()
    dated: dict[str, Any] = {
        name: now + value if name in {"exp", "nbf", "iat"} and type(value) is int else value
        for name, value in claims.items()
    }
    assert await at.refusal(at.issuer.token(**dated)) == words


@pytest.mark.parametrize("claims", [{"exp": -50}, {"nbf": 50}, {"iat": 50}], ids=str)
async def test_a_clock_may_be_off_by_a_minute(at: World, claims: dict[str, Any]) -> None:
    now = int(time.time())
    dated: dict[str, Any] = {name: now + value for name, value in claims.items()}
    assert await at.subject(at.issuer.token(**dated))


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "HS512", "RSA", "", None, 7, ["ES256"], "x" * 1000])
async def test_an_algorithm_without_a_public_key_is_refused_before_anything_is_asked(
    at: World, algorithm: object
) -> None:
    token = unsigned({"alg": algorithm, "kid": "first"}, said(at.issuer.token()))
    assert "is not one that is verified with a public key" in await at.refusal(token)
    assert at.issuer.asked == []


async def test_the_public_key_is_no_secret_to_sign_with(at: World) -> None:
    rsa = RSAKey.generate_key(2048, {"kid": "first"})
    at.issuer.keys = [rsa]
    assert await at.subject(at.issuer.token(alg="RS256"))
    public = rsa.as_pem(private=False)
    for algorithm in ("HS256", "RS256"):
        header = {"alg": algorithm, "kid": "first"}
        begun = unsigned(header, said(at.issuer.token(alg="RS256"))).rstrip(".")
        mac = hmac.digest(public, begun.encode(), "sha256")
        forged = unsigned(header, said(begun), mac)
        assert forged.startswith(f"{begun}.")
        words = "'HS256' is not one that is verified" if algorithm == "HS256" else "the token's signature is not valid"
        assert words in await at.refusal(forged)


async def test_a_key_does_for_its_own_algorithm_only(at: World) -> None:
    rsa = RSAKey.generate_key(2048, {"kid": "first", "alg": "RS256"})
    at.issuer.keys = [rsa]
    assert await at.subject(at.issuer.token(alg="RS256"))
    other = ECKey.generate_key("P-256", {"kid": "first"})
    assert await at.refusal(at.issuer.token(other)) == "the issuer has no key that matches the token's"
    same = RSAKey.import_key({**rsa.as_dict(private=True), "alg": "PS256"})
    assert await at.refusal(at.issuer.token(same, "PS256")) == "the issuer has no key that matches the token's"


async def test_a_key_of_somebody_else_with_the_same_name(at: World) -> None:
    forged = at.issuer.token(ECKey.generate_key("P-256", {"kid": "first"}))
    assert await at.refusal(forged) == "the token's signature is not valid"


async def test_every_part_of_a_token_counts(at: World) -> None:
    token = at.issuer.token()
    for at_byte in range(0, len(token), 7):
        if token[at_byte] != ".":
            changed = token[:at_byte] + ("A" if token[at_byte] != "A" else "B") + token[at_byte + 1 :]
            await at.refusal(changed)
    other = at.issuer.token(sub="eve").split(".")
    mixed = token.split(".")
    assert await at.refusal(f"{mixed[0]}.{other[1]}.{mixed[2]}") == "the token's signature is not valid"
    assert await at.refusal(f"{mixed[0]}.{mixed[1]}.") == "the token's signature is not valid"


async def test_addresses_and_keys_in_a_token_are_not_looked_at(at: World) -> None:
    async with an_issuer() as evil:
        own = evil.keys[0]
        for header in (
            {"jku": f"{evil.url}/keys"},
            {"x5u": f"{evil.url}/cert"},
            {"jwk": own.as_dict(private=False)},
        ):
            forged = at.issuer.token(own, header=header)
            assert await at.refusal(forged) == "the token's signature is not valid"
            assert await at.subject(at.issuer.token(header=header)), "nor are they a hindrance"
        assert evil.asked == []


@pytest.mark.parametrize("header", [{"crit": ["b64"], "b64": False}, {"crit": ["exp"], "exp": 1}, {"b64": True}])
async def test_what_must_be_understood_is_not_guessed_at(at: World, header: dict[str, Any]) -> None:
    token = unsigned({"alg": "ES256", "kid": "first", **header}, said(at.issuer.token()), b"x" * 64)
    assert await at.refusal(token) == "the token is not a signed JSON Web Token"


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "a.b.c.d.e",
        "ü.ü.ü",
        "\ud800",
        "bearer",
        unsigned({"kid": "first"}, {}),
        unsigned({"alg": "ES256", "kid": 7}, {}),
        unsigned({"alg": "ES256", "kid": ["first"]}, {}),
        base64.urlsafe_b64encode(b"[" * 3000).decode().rstrip("=") + ".e30.",
        base64.urlsafe_b64encode(b"[]").decode() + ".e30.",
        "a" * 20_000,
        "e30." + "a" * 16_000 + ".",
    ],
    ids=range(16),
)
async def test_what_is_no_token(at: World, token: str) -> None:
    assert await at.refusal(token) == "the token is not a signed JSON Web Token"
    assert at.issuer.asked == []


@pytest.mark.parametrize("payload", [b"", b"[]", b"1", b"{", b"\xff", b"[" * 20_000 + b"]" * 20_000])
async def test_a_payload_that_is_no_object_is_refused_even_of_the_issuer(at: World, payload: bytes) -> None:
    token = jws.serialize_compact({"alg": "ES256", "kid": "first"}, payload, at.issuer.keys[0])
    assert await at.refusal(token) in {"the token's signature is not valid", "the token is not a signed JSON Web Token"}


@given(st.text())
@settings(deadline=None, max_examples=50)
def test_whatever_is_sent_ends_in_a_refusal(token: str) -> None:
    async def refused() -> None:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(BadToken):
                await OidcVerifier("https://issuer.invalid", AUDIENCE, session).verify(token)

    asyncio.run(refused())


# Keys come and go. ---------------------------------------------------------------------------------------------------


async def test_a_new_key_is_asked_for_and_at_most_once_a_minute(at: World) -> None:
    await at.verifier.verify(at.issuer.token())
    second = ECKey.generate_key("P-256", {"kid": "second"})
    at.issuer.keys.append(second)
    for _ in range(5):
        assert "no key that matches" in await at.refusal(at.issuer.token(second))
    assert len(at.issuer.asked) == 2
    at.later = timedelta(seconds=61)
    assert await at.subject(at.issuer.token(second))
    assert len(at.issuer.asked) == 4
    for number in range(20):
        strange = ECKey.generate_key("P-256", {"kid": f"strange {number}"})
        assert "no key that matches" in await at.refusal(at.issuer.token(strange))
    assert len(at.issuer.asked) == 4, "made up names make no requests"


async def test_a_key_that_the_issuer_has_withdrawn_ends_within_the_hour(at: World) -> None:
    old = at.issuer.keys[0]
    token = at.issuer.token(exp=int(time.time()) + 2 * HOUR)
    assert await at.subject(token)
    at.issuer.keys = [ECKey.generate_key("P-256", {"kid": "second"})]
    at.later = timedelta(minutes=59)
    assert await at.subject(token), "until then it is remembered"
    at.later = timedelta(minutes=61)
    assert old not in at.issuer.keys
    assert "no key that matches" in await at.refusal(token)


async def test_many_tokens_at_once_make_one_request(at: World) -> None:
    tokens = [at.issuer.token(sub=f"user {number}") for number in range(50)]
    found = await asyncio.gather(*map(at.verifier.verify, tokens))
    assert [each.subject for each in found] == [f"user {number}" for number in range(50)]
    assert len(at.issuer.asked) == 2


async def test_keys_that_are_of_no_use_do_not_spoil_the_others(at: World) -> None:
    odd = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"},
        {"kty": "ML-KEM", "kid": "new"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "broken"},
        {"kty": "RSA", "kid": "bare"},
        {**ECKey.generate_key("P-256").as_dict(private=False), "use": "enc", "kid": "enc"},
        {},
        None,
        "key",
    ]
    good = at.issuer.keys[0].as_dict(private=False)
    at.issuer.document["jwks_uri"] = f"{at.issuer.url}/odd"

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({"keys": [*odd, good]}) if request.path == "/odd" else await asked(request)

    asked = at.issuer.answer
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    at.issuer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    at.issuer.document["jwks_uri"] = f"{at.issuer.url}/odd"
    world = World(at.issuer, at.session)
    assert await world.subject(at.issuer.token())
    for name in ("oct", "broken", "bare", "enc"):
        stranger = ECKey.generate_key("P-256", {"kid": name})
        words = await world.refusal(at.issuer.token(stranger))
        assert words == ("the issuer's key cannot be read" if name in {"broken", "bare"} else NO_SUCH_KEY)
    await runner.cleanup()


# The issuer does not answer. -----------------------------------------------------------------------------------------

NO_USE = {
    "an error": web.Response(status=500, text="{}"),
    "no JSON": web.Response(text="<html>"),
    "no object": web.Response(text="[]"),
    "deep": web.Response(text="[" * 100_000),
    "no end": web.Response(body=b" " * (2**20 + 1)),
}


@pytest.mark.parametrize("name", NO_USE)
async def test_an_answer_that_is_of_no_use_is_no_answer(at: World, name: str) -> None:
    at.issuer.broken = NO_USE[name]
    with pytest.raises(IssuerSilent):
        await at.verifier.verify(at.issuer.token())
    assert len(at.issuer.asked) == 1


async def test_a_redirect_is_not_followed_and_not_believed(at: World) -> None:
    at.issuer.moved = True
    with pytest.raises(IssuerSilent):
        await at.verifier.verify(at.issuer.token())
    assert at.issuer.asked == ["/.well-known/openid-configuration"]


async def test_the_document_must_be_that_of_this_issuer(at: World) -> None:
    at.issuer.document["issuer"] = "https://another.example"
    with pytest.raises(IssuerSilent):
        await at.verifier.verify(at.issuer.token())
    assert at.issuer.asked == ["/.well-known/openid-configuration"]


@pytest.mark.parametrize(
    "uri",
    [
        None,
        7,
        "",
        "http://192.0.2.1/keys",
        "file:///etc/passwd",
        "ftp://x/",
        "http://127.0.0.1:9/keys",
        "//x",
        "http://[",
    ],
)
async def test_keys_are_taken_from_the_issuer_itself_or_over_https(at: World, uri: object) -> None:
    at.issuer.document["jwks_uri"] = uri
    with pytest.raises(IssuerSilent):
        await at.verifier.verify(at.issuer.token())
    assert at.issuer.asked == ["/.well-known/openid-configuration"]


async def test_an_issuer_that_hangs_is_waited_for_briefly(at: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuer_keys, "TIMEOUT", 0.2)
    at.issuer.hangs = True
    answers = await asyncio.gather(*(at.verifier.verify(at.issuer.token()) for _ in range(10)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [IssuerSilent] * 10
    assert len(at.issuer.asked) == 1


async def test_no_answer_is_not_a_no(at: World) -> None:
    token = at.issuer.token(exp=int(time.time()) + 30 * HOUR)
    other = at.issuer.token(ECKey.generate_key("P-256", {"kid": "second"}), exp=int(time.time()) + 30 * HOUR)
    assert await at.subject(token)
    at.issuer.broken = NO_USE["an error"]
    at.later = timedelta(hours=3)
    assert await at.subject(token), "what is known is used on"
    with pytest.raises(IssuerSilent) as silent:
        await at.verifier.verify(other)
    assert "127.0.0.1" not in f"{silent.value}{silent.value.zh}"
    at.later = timedelta(hours=25)
    with pytest.raises(IssuerSilent):
        await at.verifier.verify(token)
    at.issuer.broken = None
    at.later = timedelta(hours=25, seconds=61)
    assert await at.subject(token), "and it comes back by itself"


async def test_an_issuer_that_nobody_is_at() -> None:
    async with aiohttp.ClientSession() as session, an_issuer() as issuer:
        token = issuer.token(iss="http://127.0.0.1:9")
        with pytest.raises(IssuerSilent):
            await OidcVerifier("http://127.0.0.1:9", AUDIENCE, session).verify(token)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://login.example.com", True),
        ("https://login.example.com:8443/realms/a/", True),
        ("http://127.0.0.1:8080", True),
        ("http://localhost/realms/a", True),
        ("http://[::1]:8080", True),
        ("http://login.example.com", False),
        ("http://192.0.2.1", False),
        ("https://user:secret@login.example.com", False),
        ("https://login.example.com/?x=y", False),
        ("https://login.example.com/#x", False),
        ("https://login.example.com:port", False),
        ("https://", False),
        ("ftp://login.example.com", False),
        ("login.example.com", False),
        ("https://[x", False),
        ("", False),
    ],
)
async def test_which_issuers_tokens_may_come_from(url: str, safe: bool) -> None:
    async with aiohttp.ClientSession() as session:
        if safe:
            OidcVerifier(url, AUDIENCE, session)
        else:
            with pytest.raises(ValueError, match="is not an address of https"):
                OidcVerifier(url, AUDIENCE, session)
