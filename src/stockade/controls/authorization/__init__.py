"""`authorization`: who may call which operation, and write which property: by rules, and by Cedar policies."""

from stockade.controls.authorization.actions import GROUPS, Action, Actions, canonical, covers, is_pattern
from stockade.controls.authorization.cedar import Cedar, CedarOfBodies
from stockade.controls.authorization.control import Authorization, AuthorizationOfProperties

__all__ = [
    "GROUPS",
    "Action",
    "Actions",
    "Authorization",
    "AuthorizationOfProperties",
    "Cedar",
    "CedarOfBodies",
    "canonical",
    "covers",
    "is_pattern",
]
