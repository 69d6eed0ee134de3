"""What we do to a run that lives: stops and savepoints. Each is one attempt after another, or one alone."""
