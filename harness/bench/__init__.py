"""How fast we are, as ratios to other implementations run in turn on the same machine in the same session.

A benchmark is a name, a unit and its contestants; each contestant is a function that does one round and returns its
figure. Rounds alternate between contestants, so that whatever else the machine does falls on all of them; the medians
are compared. Nothing here is a test: a figure is printed, never asserted.

`model` runs and reports; `datachannel` moves bytes between two processes; the other modules time one thing in one
process. Competitors come with the `bench` extra; one that is not installed is left out and named.
"""
