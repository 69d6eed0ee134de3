"""The caller of a request: the name once it is proven, and otherwise the address."""

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from litestar.types import Scope

_KEY = "sluiceway.caller"


def called_by(scope: "Scope", key: str) -> None:
    """Name the caller of this request, once that is proven; later counts are theirs.

    Never from an unchecked header: its sender would use up somebody else's rate.
    """
    scope[_KEY] = key  # type: ignore[literal-required]  # ASGI allows keys of one's own


def caller_of(scope: "Scope") -> str | None:
    """The caller of this request; None where that was not proven."""
    caller: str | None = scope.get(_KEY)  # type: ignore[assignment]
    return caller


def address_of(scope: "Scope") -> str:
    """The address of the request; for IPv6 its network of 64 bits."""
    return f"address {network_of((scope.get('client') or ('', 0))[0])}"


@lru_cache(1024)
def network_of(host: str) -> str:
    """What counts as one address: an IPv4 address, or the network of 64 bits that an IPv6 address is in."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:64]
    if address.version == 6 and address.ipv4_mapped is None:
        address = ipaddress.ip_network((address, 64), strict=False).network_address
    return str(address)
