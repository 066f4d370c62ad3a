"""Networks to test in: a TURN server, bad links on real sockets, NATs in namespaces."""
