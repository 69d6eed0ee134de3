"""The trusted proxies before the service, which say where a request comes from: those of a setting."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Proxies:
    """Networks of proxies. Without any, `X-Forwarded-For` and `X-Forwarded-Proto` are not looked at."""

    networks: tuple[Network, ...] = ()

    @staticmethod
    def named(given: Iterable[str]) -> "Proxies":
        """Those of a setting, each an address or a network. Raises `ValueError`, with words."""
        return Proxies(tuple(map(_network, given)))

    def trusts(self, host: str) -> bool:
        """Whether the address is that of one of them."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self.networks)


def _network(given: str) -> Network:
    try:
        network = ipaddress.ip_network(given)
    except ValueError as error:
        raise ValueError(f"{given} is no address and no network of a proxy: {error}") from error
    if network.prefixlen == 0:
        raise ValueError(f"{given} is everybody: any caller could then claim any address")
    return network
