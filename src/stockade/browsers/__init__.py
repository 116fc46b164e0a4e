"""What browsers do with responses, and what they tell with requests: origins, CORS, Fetch Metadata, cookies, redirects.

Pure, and strict where browsers are lenient: what two of them could read differently is refused.
"""

from stockade.browsers.cookies import CookieRules, hardened
from stockade.browsers.cors import Cors, Preflight
from stockade.browsers.cross_site import CrossSite
from stockade.browsers.hosts import HostSet
from stockade.browsers.origins import BadOrigin, OriginSet
from stockade.browsers.redirects import Targets

__all__ = [
    "BadOrigin",
    "CookieRules",
    "Cors",
    "CrossSite",
    "HostSet",
    "OriginSet",
    "Preflight",
    "Targets",
    "hardened",
]
