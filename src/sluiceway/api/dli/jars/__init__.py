"""Jar jobs: jobs whose program is in a jar."""
