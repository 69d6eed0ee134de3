"""What a registered cluster may be: names, addresses, labels, what opens it, and who may use it."""

from dataclasses import replace

import pytest

from sluiceway.control.queues import Queues
from sluiceway.domain.clusters import (
    MOST_ADDRESSES,
    MOST_HEADERS,
    MOST_LABELS,
    BadCluster,
    Cluster,
    Credentials,
    Kind,
    Listed,
    Source,
    address,
    check_credentials,
    checked,
    merged,
    shown,
)

PROD = Cluster(name="prod", addresses=("http://a:8081",))
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("http://a:8081", "http://a:8081"),
        ("http://a:8081/", "http://a:8081"),
        ("https://flink.example.com/prod/jm/", "https://flink.example.com/prod/jm"),  # a prefix of an ingress
        ("http://[::1]:8081", "http://[::1]:8081"),
        ("http://10.0.0.7:80", "http://10.0.0.7:80"),
    ],
)
def test_an_address_is_kept_with_its_path(given: str, plain: str) -> None:
    assert address(given) == plain


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("a:8081", "begins with http"),
        ("ftp://a/", "begins with http"),
        ("file:///etc/passwd", "begins with http"),
        ("http://", "not the URL of a host"),
        ("http://a:0", "not the URL of a host"),
        ("http://a:99999", "not a URL"),
        ("http://a b", "not the URL of a host"),
        ("http://a\\b", "not the URL of a host"),
        ("http://a/\n", "not the URL of a host"),
        ("http://ann:secret@a", "no place in it"),
        ("http://a?x=1", "ends with its path"),
        ("http://a/#x", "ends with its path"),
        ("http://a?", "ends with its path"),
        ("http://a/" + "x" * 2000, "longer than"),
    ],
)
def test_what_is_no_address_is_refused_with_what_would_be_one(given: str, why: str) -> None:
    with pytest.raises(BadCluster, match=why) as refused:
        address(given)
    assert "http://jobmanager:8081" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_password_in_an_address_is_not_repeated() -> None:
    assert shown("http://ann:secret@a/b") == "http://…@a/b"
    assert shown("ann:secret@a") == "…@a"
    assert shown("http://a/b") == "http://a/b"


@pytest.mark.parametrize(
    ("cluster", "why"),
    [
        (replace(PROD, name=""), "name"),
        (replace(PROD, name="a/b"), "name"),
        (replace(PROD, name="x" * 129), "name"),
        (replace(PROD, name="embedded"), "runs itself"),
        (replace(PROD, addresses=()), "addresses"),
        (replace(PROD, addresses=tuple(f"http://a{n}" for n in range(MOST_ADDRESSES + 1))), "addresses"),
        (replace(PROD, labels={f"k{n}": "" for n in range(MOST_LABELS + 1)}), "labels"),
        (replace(PROD, labels={"a b": ""}), "labels"),
        (replace(PROD, labels={"a": "x" * 256}), "labels"),
        (replace(PROD, labels={"a": "\x1b[2J"}), "labels"),
        (replace(PROD, projects=frozenset({"a b"})), "projects"),
        (replace(PROD, max_savepoints=0), "max_savepoints"),
        (replace(PROD, guards=Credentials(ca=PEM).guards), "https alone"),
    ],
)
def test_what_a_cluster_cannot_be(cluster: Cluster, why: str) -> None:
    with pytest.raises(BadCluster, match=why):
        checked(cluster)


def test_an_address_that_is_given_twice_is_one() -> None:
    assert checked(replace(PROD, addresses=("http://a:8081", "http://a:8081/"))).addresses == ("http://a:8081",)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (Credentials({"X Y": "1"}), "no name of a header"),
        (Credentials({"X-Y": "a\r\nHost: b"}), "plain ASCII"),
        (Credentials({"X-Y": "é"}), "plain ASCII"),
        (Credentials({"Host": "b"}), "not yours to set"),
        (Credentials({"Transfer-Encoding": "chunked"}), "not yours to set"),
        (Credentials({f"X-{n}": "" for n in range(MOST_HEADERS + 1)}), "at most"),
        (Credentials({"authorization": "x"}, "ann", "secret"), "one of the two"),
        (Credentials({}, "a:b", "secret"), "no colon"),
        (Credentials({}, "", "secret"), "needs the user"),
        (Credentials(certificate=PEM), "one of them is missing"),
        (Credentials(key=PEM), "one of them is missing"),
        (Credentials(ca="nothing"), "PEM"),
    ],
)
def test_what_cannot_open_a_cluster(given: Credentials, why: str) -> None:
    with pytest.raises(BadCluster, match=why) as refused:
        check_credentials(given)
    assert "secret" not in str(refused.value)


def test_nothing_secret_is_shown_of_what_opens_a_cluster() -> None:
    given = Credentials({"X-Token": "secret-1"}, "ann", "secret-2", PEM, "secret-3", "secret-4")
    assert "secret" not in repr(given)
    assert "MIIB" not in repr(given)
    assert (given.guards.headers, given.guards.user, given.guards.ca, given.guards.certificate) == (
        ("X-Token",),
        "ann",
        True,
        True,
    )


def test_the_first_source_of_a_name_has_it() -> None:
    mine, theirs = Listed(PROD, Source.SETTINGS), Listed(PROD, Source.DATABASE)
    other = Listed(replace(PROD, name="other"), Source.DATABASE)
    found, left_out = merged([mine], [theirs, other])
    assert list(found.values()) == [mine, other]
    assert left_out == [theirs]


def test_who_may_use_a_cluster_and_for_what() -> None:
    queues = Queues((), lambda _: None, lambda _: None)
    private = replace(PROD, name="private", projects=frozenset({"a"}))
    leaving = replace(PROD, name="leaving", draining=True)
    alone = replace(PROD, name="alone", kind=Kind.APPLICATION)
    queues.publish({each.name: each for each in (private, PROD, leaving, alone)})
    assert (queues.resolve(None, "a"), queues.resolve(None, "b")) == ("private", "prod")
    assert (queues.resolve("private", "a"), queues.resolve("private", "b")) == ("private", None)
    assert (queues.resolve("none", "a"), queues.names_for("b")) == (None, ("prod", "leaving", "alone"))
    assert queues.why_no_start("prod") == ""
    assert "being drained" in queues.why_no_start("leaving")
    assert "application cluster" in queues.why_no_start("alone")
