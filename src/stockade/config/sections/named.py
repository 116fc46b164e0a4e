"""Where only the body says which operation a request is: GraphQL's and SOAP's endpoints."""

from __future__ import annotations

from collections.abc import Callable

from stockade.config.sections import graphql, soap
from stockade.config.site import Site


def place_of(site: Site) -> Callable[[str], bool] | None:
    """Which paths are such; None where there are none."""
    found = [place for place in (graphql.place_of(site), soap.place_of(site)) if place is not None]
    if len(found) < 2:
        return found[0] if found else None
    return lambda path: any(place(path) for place in found)
