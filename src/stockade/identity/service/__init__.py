"""The token service: OAuth 2 and OpenID Connect for those without an identity provider. Start reading in `service`."""
