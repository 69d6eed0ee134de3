"""Our own API, for what DLI's lacks: batches of stops, the outcome of each job, and the way back."""

from sluiceway.api.native.routes import routes

__all__ = ["routes"]
