"""JSON Schema 2020-12 as OpenAPI 3.1 uses it, compiled: one folder for what makes a schema ready and what it says."""
