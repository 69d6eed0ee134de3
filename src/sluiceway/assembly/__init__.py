"""The one place where settings become objects. Nobody else constructs a store, an engine or a use case."""
