"""The Envoy door: a filter inside Envoy (`filter.c`, `bridge`, `worker`), and its keeper outside (`supervisor`)."""
