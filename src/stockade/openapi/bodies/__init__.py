"""Bodies of requests: by media type from bytes to a value, and the schema that it must meet."""
