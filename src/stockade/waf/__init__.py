"""A web application firewall that knows nothing of Stockade: rules in SecLang, requests in, matches out.

    rules = RuleSet.load(["crs-setup.conf", "rules/*.conf"])
    seen = rules.inspect(request)

From the file to the request: `seclang` reads the text, `reader` compiles each rule, `folding` finds out what is known
of the rules before any request, `gates` which rules a request's values could concern, `program` runs those.
"""

from stockade.waf.actions.ctl import Selector
from stockade.waf.inspection import Inspection, Match
from stockade.waf.persistent import Collections, MemoryCollections
from stockade.waf.proofs import Proofs
from stockade.waf.ruleset import BadRules, RuleSet
from stockade.waf.secrecy import Secrecy
from stockade.waf.targets import Exclusions
from stockade.waf.transaction import Transaction

__all__ = [
    "BadRules",
    "Collections",
    "Exclusions",
    "Inspection",
    "Match",
    "MemoryCollections",
    "Proofs",
    "RuleSet",
    "Secrecy",
    "Selector",
    "Transaction",
]
