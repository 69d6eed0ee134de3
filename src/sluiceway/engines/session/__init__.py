"""Observes and commands the jobs of a session cluster."""
