"""A Flink beside the service."""
