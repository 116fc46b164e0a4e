"""Cedar policies, decided in microseconds. Knows nothing of Stockade. Pure: no I/O, no clock.

Cedar's own engine (`cedarpy`) reads and validates policies and schemas; `compiling` makes its parse tree into Python
closures, of those of `operators` and `members`, and `slices` hands a request only to those policies whose scope can
fit. `peer` asks the engine itself, by which tests prove that both decide alike. The language is that of
https://docs.cedarpolicy.com (version 4).
"""

from stockade.cedar.errors import BadPolicy, BadSchema, Fault
from stockade.cedar.policies import Policy, Scope, read_policies
from stockade.cedar.slices import Decision, PolicySet, Slice
from stockade.cedar.values import Entity, Request, Set, Uid, Value, from_json, quoted

__all__ = [
    "BadPolicy",
    "BadSchema",
    "Decision",
    "Entity",
    "Fault",
    "Policy",
    "PolicySet",
    "Request",
    "Scope",
    "Set",
    "Slice",
    "Uid",
    "Value",
    "from_json",
    "quoted",
    "read_policies",
]
