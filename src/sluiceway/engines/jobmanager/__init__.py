"""A JobManager: its REST API, what it answers, and what its failures mean."""
