"""Parameters of a request (OpenAPI 3.1, section 4.8.12): from text in path, query, header or cookie to checked values."""
