"""Checks the files of a certificate before anything starts."""

import ssl
from pathlib import Path

from sluiceway.assembly.door import is_loopback
from sluiceway.cli.language import t
from sluiceway.settings import BadSettings


def tls_context(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """The TLS context of the service; `None` when no files are given. Raises `BadSettings`."""
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        given, missing = ("--tls-key", "--tls-cert") if cert is None else ("--tls-cert", "--tls-key")
        raise BadSettings(
            t(
                "{given} needs {missing}, too: https takes a certificate and its private key.",
                given=given,
                missing=missing,
            )
        )
    cert, key = _readable("--tls-cert", cert), _readable("--tls-key", key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise BadSettings(
                t("--tls-key {key} is not the key of the certificate in --tls-cert {cert}.", key=key, cert=cert)
            ) from error
        raise BadSettings(
            t(
                "--tls-cert {cert} and --tls-key {key} are not a certificate and its private key in PEM form, without "
                "a password: {why}",
                cert=cert,
                key=key,
                why=error.reason or error,
            )
        ) from error
    return context


def in_clear(host: str, tls: ssl.SSLContext | None) -> str:
    """A warning where traffic to the service can be read on the way; empty where it cannot."""
    if tls is not None or is_loopback(host):
        return ""
    return t(
        "Tokens and data are sent unencrypted to {host}. Give --tls-cert and --tls-key, or let nobody but a proxy "
        "with https reach this address.",
        host=host,
    )


def _readable(option: str, path: Path) -> Path:
    try:
        path = path.expanduser()
        path.read_bytes()
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", error)
        raise BadSettings(t("{option} {path} cannot be read: {why}", option=option, path=path, why=why)) from error
    return path


def _no_password() -> str:
    """Refuses to ask for a password: a service has nobody at a terminal."""
    return ""
