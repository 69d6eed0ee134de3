"""The files of a certificate: which are taken, and what is said of the others."""

import ssl
from pathlib import Path

import pytest
from tests.support.doubles.certificates import self_made

from sluiceway.cli.tls import in_clear, tls_context
from sluiceway.settings import BadSettings


def test_without_files_there_is_no_tls() -> None:
    assert tls_context(None, None) is None


def test_a_certificate_and_its_key_are_taken_for_tls_of_today(tmp_path: Path) -> None:
    context = tls_context(*self_made(tmp_path))
    assert context is not None
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_the_key_of_another_certificate(tmp_path: Path) -> None:
    cert, _ = self_made(tmp_path / "one")
    _, key = self_made(tmp_path / "two")
    with pytest.raises(
        BadSettings, match=r"two/key.pem is not the key of the certificate in --tls-cert .*one/cert.pem"
    ):
        tls_context(cert, key)


def test_a_key_with_a_password_is_refused_without_asking_for_it(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="in PEM form, without a password"):
        tls_context(*self_made(tmp_path, b"secret"))


def test_files_in_the_wrong_order_or_that_are_none(tmp_path: Path) -> None:
    cert, key = self_made(tmp_path)
    text = tmp_path / "text"
    text.write_text("certificate")
    for wrong in ((key, cert), (text, key), (cert, text)):
        with pytest.raises(BadSettings, match="are not a certificate and its private key in PEM form"):
            tls_context(*wrong)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    cert, key = self_made(tmp_path)
    with pytest.raises(BadSettings, match=r"--tls-cert .*none cannot be read: No such file"):
        tls_context(tmp_path / "none", key)
    with pytest.raises(BadSettings, match=r"--tls-key .* cannot be read: Is a directory"):
        tls_context(cert, tmp_path)
    with pytest.raises(BadSettings, match=r"--tls-key ~no-such-user/key cannot be read: .*home directory"):
        tls_context(cert, Path("~no-such-user/key"))


@pytest.mark.parametrize("given", [(Path("a"), None), (None, Path("a"))])
def test_one_file_alone(given: tuple[Path | None, Path | None]) -> None:
    with pytest.raises(BadSettings, match=r"--tls-\w+ needs --tls-\w+, too"):
        tls_context(*given)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "sluiceway.example"])
def test_secrets_in_clear_are_warned_of(host: str, tmp_path: Path) -> None:
    assert f"unencrypted to {host}" in in_clear(host, None)
    assert in_clear(host, tls_context(*self_made(tmp_path))) == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_on_loopback_nothing_travels(host: str) -> None:
    assert in_clear(host, None) == ""
