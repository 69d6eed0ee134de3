"""Translators to the places where Flink runs. They never decide, retry, sleep or touch rows."""
