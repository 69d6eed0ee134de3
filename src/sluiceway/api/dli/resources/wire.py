"""The wire form of resources: packages that jobs are made of. `null` is the same as absent."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from sluiceway.api.dli.fields import Kind, MaybeGroup, Owner, Paths
from sluiceway.api.dli.tags.wire import Tags


class UploadGroup(Struct, frozen=True):
    """Files of storage that become resources of one kind, perhaps in a group."""

    paths: Paths
    group: MaybeGroup = None


class UploadResources(Struct, frozen=True):
    """Files of storage that become resources."""

    paths: Paths
    kind: Kind
    group: MaybeGroup = None
    is_async: bool | None = None
    tags: Tags = None


class GiveResource(Struct, frozen=True):
    """The new owner of a resource, or of a group."""

    new_owner: Owner
    group_name: str | None = None
    resource_name: str | None = None


class ResourceView(Struct, frozen=True):
    """A resource. Times are epoch milliseconds."""

    create_time: int
    update_time: int
    resource_type: str
    resource_name: str
    underlying_name: str
    owner: str
    status: Literal["READY"] = "READY"
    is_async: bool = False


class GroupView(Struct, frozen=True):
    """Resources of one group. Uploads answer with it, too, where also the names of a module stand for the group."""

    group_name: str
    module_name: str
    module_type: str
    resources: Sequence[str]
    resource_names: Sequence[str]  # the same, which clients read where there is no group
    details: Sequence[ResourceView]
    create_time: int
    update_time: int
    owner: str
    status: Literal["READY"] = "READY"
    description: str = ""
    is_async: bool = False


class ResourceList(Struct, frozen=True):
    """All resources of a project. There are no modules that come with the service."""

    resources: Sequence[ResourceView]
    groups: Sequence[GroupView]
    total: int
    modules: Sequence[str] = ()


class Removed(Struct, frozen=True):
    """A resource is gone, which leaves nothing to say."""


class Given(Struct, frozen=True):
    """Answer to a change of owner. `is_success` is a boolean here."""

    message: str
    is_success: Literal[True] = True
