"""Principals and their credentials, from issue to revocation."""

from stockade.identity.api_keys import ApiKeys, Issued, NoSuchKey
from stockade.identity.factors import NoSuchFactor
from stockade.identity.users import BadChoice, BadUser, NoSuchUser, Users

__all__ = ["ApiKeys", "BadChoice", "BadUser", "Issued", "NoSuchFactor", "NoSuchKey", "NoSuchUser", "Users"]
