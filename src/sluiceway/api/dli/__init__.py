"""Huawei Cloud DLI's Flink job API: its paths, its fields, its codes and its words."""

from litestar.types import ExceptionHandlersMap

from sluiceway.api.dli.body import FOR_APPLICATION
from sluiceway.api.dli.jobs.routes import routes

__all__ = ["exception_handlers", "routes"]


def exception_handlers() -> ExceptionHandlersMap:
    """For the whole application: unknown paths and methods, and faults, answered as DLI's gateway does."""
    return dict(FOR_APPLICATION)
