"""How long tests wait for what should happen at any moment.

A wait ends as soon as the thing has happened, so this costs nothing where it does; and a machine whose every core is
busy with something else, or that stands still for a while, is no failure. What is to be shown not to wait for something
is shown by an order of events, never by a time that is shorter than this.
"""

PATIENCE = 60.0  # seconds
