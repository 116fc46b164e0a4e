"""The Envoy door: a filter module inside Envoy (`filter.c`, `bridge`, `worker`), and its keeper outside (`supervisor`)."""
