"""OpenAPI as a pure library: what an API's description says, whatever its version and however many files it has.

`reading` makes one checked OpenAPI 3.1 document of it; `posture` says where the described API is weak.
"""
