"""Export and import of jobs."""
