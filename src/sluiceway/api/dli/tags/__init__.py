"""Tags of jobs and of resources."""
