"""Where savepoints and checkpoints lie: to find them and to see whether they are whole."""
