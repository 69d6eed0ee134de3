"""Says why the certificate of a service is not trusted, which one it is, and how to trust it."""

import contextlib
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sluiceway.cli.language import t
from sluiceway.cli.output import Failed, one_line

LOOKING: Final = 5.0  # seconds to get the certificate once more, to name it
LONGEST: Final = 300  # characters of names that others have written
_ANOTHER_HOST: Final = 62  # X509_V_ERR_HOSTNAME_MISMATCH of OpenSSL
_ANOTHER_ADDRESS: Final = 64  # X509_V_ERR_IP_ADDRESS_MISMATCH


def trusting(authority: Path | None) -> ssl.SSLContext:
    """Trusts what the system trusts, and the certificates in this file (PEM). Raises `Failed`."""
    context = ssl.create_default_context()
    try:
        if authority is not None:
            context.load_verify_locations(authority)
    except (OSError, ValueError) as error:  # of ssl, too
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise Failed(
            t("The certificate authority {authority} cannot be read: {why}.", authority=authority, why=why), code=2
        ) from error
    return context


def not_trusted(server: str, host: str, port: int, error: ssl.SSLCertVerificationError) -> str:
    """The whole story of a refused certificate."""
    about, names = _named(host, port)
    said = error.verify_message or error.reason
    why = t("The certificate of {server} is not trusted: {said}{about}", server=server, said=said, about=about)
    if error.verify_code in {_ANOTHER_HOST, _ANOTHER_ADDRESS} and names:
        known = ", ".join(names)[:LONGEST]
        return one_line(t("{why} Give --server with a name that it is for: {names}.", why=why, names=known))
    return one_line(
        t(
            "{why} If this is your service, have its issuer's certificate trusted: set SSL_CERT_FILE "
            "to a file with it, as in SSL_CERT_FILE=ca.pem, or name the file in a context (sluiceway "
            "contexts add NAME --ca ca.pem).",
            why=why,
        )
    )


def _named(host: str, port: int) -> tuple[str, Sequence[str]]:
    """Who the certificate is for, who made it and until when; empty where it cannot be had. And its names."""
    # Only here, where something has failed already: the library takes a while to load.
    from cryptography import x509

    names: list[str] = []
    try:
        made = x509.load_pem_x509_certificate(ssl.get_server_certificate((host, port), timeout=LOOKING).encode())
        with contextlib.suppress(x509.ExtensionNotFound):
            others = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            names = [str(name.value) for name in others]
        subject, issuer = (one.rfc4514_string()[:LONGEST] for one in (made.subject, made.issuer))
        until = made.not_valid_after_utc.date().isoformat()
    except (OSError, ValueError):
        return t("."), ()
    subject, issuer = subject or t("nobody"), issuer or t("nobody")
    return t(
        " (it is for {subject}, made by {issuer}, and valid until {until}).",
        subject=subject,
        issuer=issuer,
        until=until,
    ), names
