"""Doors for traffic (Envoy, ASGI, replay) and the one composition root (`runtime`). The gateway never judges."""
