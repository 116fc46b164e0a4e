"""Parameters of a request (OpenAPI 3.1, section 4.8.12): from text in path, query, header and cookie to values."""
