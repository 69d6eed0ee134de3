"""What can be wrong with storage, and with what somebody asks of it. All are findings, so none is called an error."""


class BadStorage(Exception):  # noqa: N818
    """The storage root cannot be used."""


class StorageUnreadable(Exception):  # noqa: N818
    """Storage could not be read (or written), so nobody can say what lies there."""


class NotASavepoint(Exception):  # noqa: N818
    """What lies at a path is not a savepoint under the root, and is not touched."""


class BadPath(Exception):  # noqa: N818
    """A path that names nothing under the root."""


class NoSuchFile(Exception):  # noqa: N818
    """Storage was read, and there is no such file."""


class FileTooLarge(Exception):  # noqa: N818
    """A file has more bytes than are wanted of it."""
