"""Huawei Cloud DLI's Flink job API: its paths, its fields, its codes and its words."""

from sluiceway.api.dli.router import routes

__all__ = ["routes"]
