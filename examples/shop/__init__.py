"""A small web shop, deliberately careless inside: what Stockade protects in the demo and in the end-to-end tests."""
