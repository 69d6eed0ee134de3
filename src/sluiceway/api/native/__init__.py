"""Our own API, for what DLI's lacks: batches of stops, the outcome of each job, and the way back."""

from sluiceway.api.native.account import routes as account_routes
from sluiceway.api.native.routes import routes

__all__ = ["account_routes", "routes"]
