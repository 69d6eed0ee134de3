"""What is remembered: the schema and the transactions on it, each with a name of its own."""
