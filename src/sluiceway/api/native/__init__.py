"""Our own API, for what DLI's has no words for: batches of stops, what became of each job, and the way back."""

from sluiceway.api.native.routes import routes

__all__ = ["routes"]
