"""OpenAPI as a pure library: what an API's description says, and what it demands of every request.

`reading` makes one checked OpenAPI 3.1 document of it, whatever its version and however many files it has; `posture`
says where the described API is weak; `contract` compiles it to checks of requests.
"""
