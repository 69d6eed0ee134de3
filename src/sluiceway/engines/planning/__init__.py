"""Plans SQL in a Java process of its own, and submits it."""
