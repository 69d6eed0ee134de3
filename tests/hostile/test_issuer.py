"""An OIDC issuer's set of keys: an odd key disables itself and no other, a weak one is refused by name."""

import warnings
from typing import Any

import aiohttp
import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey
from structlog.testing import capture_logs
from tests.support.doubles.issuer import AUDIENCE, an_issuer

from sluiceway.api.auth import issuer_keys
from sluiceway.api.auth.issuer_keys import BadKey, IssuerSilent, KeySet, imported
from sluiceway.api.auth.oidc import BadToken, OidcVerifier

GOOD = ECKey.generate_key("P-256", {"kid": "good"}).as_dict(private=False)
RSA = RSAKey.generate_key(2048, {"kid": "odd"}).as_dict(private=False)
EC = ECKey.generate_key("P-256", {"kid": "odd"}).as_dict(private=False)
ED = OKPKey.generate_key("Ed25519", {"kid": "odd"}).as_dict(private=False)
ODD: list[Any] = [
    None,
    7,
    "key",
    [],
    {},
    {"kty": ["RSA"]},
    {"kty": {"a": 1}},
    {"kty": "oct", "k": "AAAA", "kid": "odd"},
    {"kty": "dilithium", "kid": "odd"},
    RSA | {"n": 5},
    RSA | {"n": "!"},
    RSA | {"n": ""},
    RSA | {"n": "\ud800"},
    RSA | {"e": "AQ"},
    RSA | {"e": RSA["n"]},
    RSA | {"kid": 5},
    RSA | {"kid": ["a"]},
    RSA | {"alg": 5},
    RSA | {"use": ["sig"]},
    RSA | {"key_ops": ["encrypt"]},
    RSA | {"x5c": 5},
    {key: value for key, value in RSA.items() if key != "n"},
    EC | {"crv": "P-999"},
    EC | {"crv": ["P-256"]},
    EC | {"x": EC["y"]},
    EC | {"x": "A" * 200_000},
    RSA | {"n": "_" * 200_000},
    ED | {"crv": "X25519", "use": "enc"},
    ED | {"x": ""},
    ED | {"crv": "Ed448"},
    RSAKey.generate_key(2048, {"kid": "odd"}).as_dict(private=True),
    ECKey.generate_key("P-256", {"kid": "odd"}).as_dict(private=True),
]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_an_odd_key_disables_itself_and_no_other(odd: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = imported({"keys": [odd, GOOD, odd]})
    assert (key := found.find("good", "ES256")) is not None
    assert key.kid == "good"
    for algorithm in ("RS256", "ES256", "EdDSA"):
        with pytest.raises(BadKey):
            raise_or_none(found, algorithm)


def raise_or_none(found: KeySet, algorithm: str) -> None:
    """No key of that name is found, however that is said."""
    if found.find("odd", algorithm) is None:
        raise BadKey("there is none", "")


def rsa(bits: int, kid: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its size
        return RSAKey.generate_key(bits, {"kid": kid})


async def test_a_token_signed_with_a_weak_key_is_refused_by_name() -> None:
    weak, strong = rsa(1024, "weak"), rsa(2048, "strong")
    async with an_issuer() as issuer, aiohttp.ClientSession() as session:
        issuer.keys = [weak, strong]
        verifier = OidcVerifier(issuer.url, AUDIENCE, session)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            token = issuer.token(weak, "RS256")
        with capture_logs() as logs, pytest.raises(BadToken, match="has 1024 bits; 2048 to 8192 are taken") as refused:
            await verifier.verify(token)
        assert "1024 bits" in refused.value.audit
        assert "1024" in refused.value.zh
        assert [(line["key"], "1024 bits" in line["why"]) for line in logs] == [("weak", True)]
        assert (await verifier.verify(issuer.token(strong, "RS256"))).subject == "ann"


async def test_keys_that_share_a_name_are_told_apart_by_what_they_are_for() -> None:
    first, second = rsa(2048, "same"), ECKey.generate_key("P-256", {"kid": "same"})
    async with an_issuer() as issuer, aiohttp.ClientSession() as session:
        issuer.keys = [first, second, first]
        verifier = OidcVerifier(issuer.url, AUDIENCE, session)
        assert (await verifier.verify(issuer.token(first, "RS256"))).subject == "ann"
        assert (await verifier.verify(issuer.token(second, "ES256"))).subject == "ann"


def test_of_two_keys_of_one_name_and_kind_neither_is_taken() -> None:
    other = ECKey.generate_key("P-256", {"kid": "good"}).as_dict(private=False)
    with pytest.raises(BadKey, match="several"):
        imported({"keys": [GOOD, other]}).find("good", "ES256")
    assert imported({"keys": [GOOD, GOOD]}).find("good", "ES256") is not None


def test_a_key_is_for_its_own_algorithm() -> None:
    found = imported({"keys": [RSA | {"alg": "RS256"}, GOOD]})
    assert found.find("odd", "RS256") is not None
    assert [found.find("odd", other) for other in ("PS256", "RS512", "ES256", "EdDSA")] == [None] * 4
    assert found.find(None, "ES256") is not None, "of no name, the only one for it"
    assert found.find(None, "Ed25519") is None


def test_more_keys_than_are_looked_at_are_told() -> None:
    many = [GOOD | {"kid": str(number)} for number in range(issuer_keys._MAX_KEYS + 5)]
    with capture_logs() as logs:
        found = imported({"keys": many})
    assert len(found.keys) == issuer_keys._MAX_KEYS
    assert [line["keys"] for line in logs] == [len(many)]


@pytest.mark.parametrize("document", [b"[" * 200_000, b'{"keys": 5}', b'{"keys": [' + b"{}," * 400_000 + b"{}]}"])
async def test_a_set_that_cannot_be_read_says_nothing_of_the_token(document: bytes) -> None:
    """Deeply nested, of another shape, and longer than is read."""
    async with an_issuer() as issuer, aiohttp.ClientSession() as session:
        token = issuer.token()
        verifier = OidcVerifier(issuer.url, AUDIENCE, session)
        issuer.raw_keys = document
        with pytest.raises(IssuerSilent):
            await verifier.verify(token)
