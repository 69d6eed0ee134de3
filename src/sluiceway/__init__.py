"""Sluiceway: stops Apache Flink jobs in bulk, keeps a verified savepoint of each, and brings them back."""

__version__ = "0.1.0"
