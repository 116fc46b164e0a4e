"""Sets of IP networks whose look-up cost does not grow with their number. Pure; IPv4 (RFC 4632) and IPv6 (RFC 4291)."""

from stockade.networks.forwarded import client_address
from stockade.networks.sets import BadNetwork, NetworkSet, subject_of

__all__ = ["BadNetwork", "NetworkSet", "client_address", "subject_of"]
