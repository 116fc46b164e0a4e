"""The controls in the order in which they judge a request: the whole product as one list.

Each line is a section of the policy file and what makes its controls. A response meets them in the same order.
"""

from __future__ import annotations

from collections.abc import Callable

from stockade.config.sections import (
    authentication,
    authorization,
    exposure,
    firewall,
    graphql,
    grpc,
    leaks,
    limits,
    messages,
    ownership,
    schema,
    waf,
)
from stockade.config.site import Site
from stockade.engine import Binding

Maker = Callable[[Site], list[Binding]]

CATALOGUE: tuple[tuple[str, Maker], ...] = (
    ("firewall", firewall.make),  # who may knock at all: addresses, methods, sizes, media types
    ("limits", limits.make_early),  # what an address may do, before any costly work is done for it
    ("exposure", exposure.make_early),  # other sites' pages, before anybody is asked who they are
    ("authentication", authentication.make),  # who is asking
    ("limits", limits.make_late),  # what a principal may do
    ("exposure", exposure.make_open),  # sealed bodies, before anybody reads them
    ("authorization", authorization.make),  # which operations and properties are whose
    ("schema", schema.make),  # what a valid request is
    ("graphql", graphql.make),  # which operation it is, what it may ask for and what that costs
    ("limits", limits.make_named),  # what an operation may be asked that only its body names
    ("ownership", ownership.make),  # whose the objects are that it names
    ("grpc", grpc.make),  # which methods may be called
    ("messages", messages.make),  # what a stream may carry
    ("waf", waf.make),  # what a request carries
    ("leaks", leaks.make),  # what no response body may carry out
    ("exposure", exposure.make),  # what the response may reveal
)
