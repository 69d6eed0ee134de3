"""Jobs: what all have in common, and those of SQL."""
