"""Hours of channels that open, talk and close at random, between the reference peer and a browser."""
