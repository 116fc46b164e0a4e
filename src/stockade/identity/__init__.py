"""Principals and their credentials, from issue to revocation."""

from stockade.identity.api_keys import ApiKeys, Issued, NoSuchKey

__all__ = ["ApiKeys", "Issued", "NoSuchKey"]
