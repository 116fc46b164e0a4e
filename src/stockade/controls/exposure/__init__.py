"""Exposure: only what was promised leaves. One file per concern; `control` puts them in order.

headers     security and cache headers, headers that tell of the machinery
errors      bodies of upstream errors, stack traces
browsers    redirects, cookies, CORS, cross-site requests
contract    the response against the description
fields      which fields of a JSON body who may see
envelopes   signed and encrypted bodies (JOSE)
"""

from stockade.controls.exposure.control import Exposure

__all__ = ["Exposure"]
