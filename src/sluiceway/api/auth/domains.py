"""The vendor's IAM has domains, which are accounts; here there is one. Clients ask for its id to scope tokens to it."""

from litestar import get
from msgspec import Struct

from sluiceway.api.permit import PermitGiven

DOMAIN_NAME = "sluiceway"  # there are no accounts above users here


class Domain(Struct, frozen=True):
    """The same for all."""

    id: str = DOMAIN_NAME
    name: str = DOMAIN_NAME


class DomainView(Struct, frozen=True):
    """The domain as a list shows it."""

    id: str = DOMAIN_NAME
    name: str = DOMAIN_NAME
    enabled: bool = True
    description: str = ""


class DomainLinks(Struct, frozen=True):
    """Where this is."""

    self: str = "/v3/auth/domains"


class DomainAnswer(Struct, frozen=True):
    """The domains that there are."""

    domains: tuple[DomainView, ...] = (DomainView(),)
    links: DomainLinks = DomainLinks()


@get("/auth/domains", summary="The caller's domain")
async def list_domains(permit: PermitGiven) -> DomainAnswer:  # noqa: ARG001 - whoever is signed in may ask
    """The one domain that everybody is in."""
    return DomainAnswer()
