"""Packs programs in jars, and has a cluster run them."""
