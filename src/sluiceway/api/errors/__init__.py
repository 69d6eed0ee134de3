"""The refusals of both APIs: the codes, their meanings, and the form of a refusal."""
