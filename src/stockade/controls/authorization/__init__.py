"""Authorization: who may call which operation, and write which property."""

from stockade.controls.authorization.control import Authorization, AuthorizationOfProperties

__all__ = ["Authorization", "AuthorizationOfProperties"]
