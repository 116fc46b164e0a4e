"""OpenAPI: from a description to what it demands of every request. Pure: no I/O, no clock."""
