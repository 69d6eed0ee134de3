"""Session clusters, which others run: observes and commands the jobs there."""
