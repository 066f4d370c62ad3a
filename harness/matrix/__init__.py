"""The interop matrix: every ordered pair of endpoints connects, exchanges messages and parts."""
