"""Which address in `X-Forwarded-For` to believe."""

from __future__ import annotations

from stockade.networks.sets import NetworkSet, parse_address

_MAX_HOPS = 32


def client_address(peer: str, forwarded_for: str | None, trusted: NetworkSet) -> str:
    """The client's address: walk from the peer outwards for as long as each hop is a trusted proxy.

    An entry that is no address ends the walk at the last hop that is known, for whatever stands left of it was
    written by someone we do not trust.
    """
    client = peer
    if forwarded_for is None or peer not in trusted:
        return client
    for hop in reversed(forwarded_for.split(",")[-_MAX_HOPS:]):
        address = parse_address(_without_port(hop.strip()))
        if address is None:
            return client
        client = str(address)
        if client not in trusted:
            return client
    return client


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
