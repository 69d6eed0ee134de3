"""Templates: SQL that jobs can be made of."""
