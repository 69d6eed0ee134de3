"""Who is let in: the vault, identity providers, the guard against replays, and the token for metrics."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
from litestar.types import Scope

from sluiceway.api.auth.credentials import Credentials, Knows, nobody_signs_in
from sluiceway.api.auth.oidc import OidcVerifier
from sluiceway.api.auth.signature import ReplayGuard
from sluiceway.api.native.account import Provider, SigningIn
from sluiceway.api.prometheus import BadTokenFile, MetricsToken
from sluiceway.assembly.clock import clock
from sluiceway.control.denials import Denials
from sluiceway.control.sign_in import SignIn
from sluiceway.control.vault import BadKeyFile, Vault
from sluiceway.settings import KEY_FILE, BadSettings, Settings
from sluiceway.store.database import Database


@dataclass(frozen=True, slots=True)
class Door:
    """Who is let in, and who was not."""

    sign_in: SignIn
    knows: Knows
    denials: Denials
    scrapes: Callable[[Scope], bool]  # carries the token for metrics


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def must_sign_in(settings: Settings) -> bool:
    """Whether callers have to sign in: always where others could reach the service."""
    return settings.auth or not is_loopback(settings.host)


def make_door(settings: Settings, db: Database, session: aiohttp.ClientSession | None = None) -> Door:
    """Without a session no identity provider is asked. Raises `BadSettings`."""
    sign_in = SignIn(db, Vault((settings.secret_key_file or settings.data / KEY_FILE).expanduser().absolute()), clock)
    provider, guard = _provider(settings, session), ReplayGuard() if settings.refuse_replays else None
    knows = Credentials(sign_in, clock, provider, guard) if must_sign_in(settings) else nobody_signs_in
    return Door(sign_in, knows, Denials(db, clock), _scrapes(settings))


async def check_door(settings: Settings, door: Door) -> None:
    """Raises `BadSettings` where nobody could be let in."""
    if not must_sign_in(settings):
        return
    try:
        somebody = await door.sign_in.check()
    except BadKeyFile as error:
        raise BadSettings(str(error)) from error
    if not somebody:
        raise BadSettings(
            f"Callers at {settings.host} have to sign in, and there is nobody who could. Make the first user with\n"
            f"  sluiceway access users add NAME --password --data {settings.data}\n"
            f"  sluiceway access grant NAME admin --project '*' --data {settings.data}\n"
            "and start the service again. `sluiceway access keys add NAME` makes an access key for programs."
        )


def signing_in(settings: Settings) -> SigningIn:
    """What clients are told of signing in."""
    issuer, audience, client = settings.oidc_issuer, settings.oidc_audience, settings.oidc_client_id
    offered = Provider(issuer, audience, client) if issuer and audience and client else None
    return SigningIn(must_sign_in(settings), offered)


def _scrapes(settings: Settings) -> Callable[[Scope], bool]:
    if settings.metrics_token_file is None:
        return lambda _: False
    try:
        return MetricsToken.read(settings.metrics_token_file).fits
    except BadTokenFile as error:
        raise BadSettings(f"--metrics-token-file {error}.") from error


def _provider(settings: Settings, session: aiohttp.ClientSession | None) -> OidcVerifier | None:
    issuer, audience = settings.oidc_issuer, settings.oidc_audience
    if bool(issuer) != bool(audience):
        raise BadSettings("--oidc-issuer and --oidc-audience go together; one of them is missing.")
    if settings.oidc_client_id and not issuer:
        raise BadSettings("--oidc-client-id needs --oidc-issuer and --oidc-audience.")
    if not issuer or not audience or session is None:
        return None
    try:
        return OidcVerifier(issuer, audience, session, clock)
    except ValueError as error:
        raise BadSettings(f"--oidc-issuer {error}.") from error
