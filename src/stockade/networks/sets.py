"""`NetworkSet`: is this address in any of these networks?"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_REMEMBERED = 8192  # addresses whose answer is kept; a constant bound, whoever connects


class BadNetwork(ValueError):
    """Text that is neither an address nor a network in CIDR notation."""


class NetworkSet:
    """Membership in a set of networks: one dictionary look-up per distinct prefix length (at most 33 + 129).

    >>> deny = NetworkSet(["203.0.113.0/24", "2001:db8::/32"])
    >>> "203.0.113.9" in deny, "::ffff:203.0.113.9" in deny, "192.0.2.1" in deny
    (True, True, False)

    What is no address at all is in no set.
    """

    __slots__ = ("_answers", "_size", "_v4", "_v6")

    def __init__(self, networks: Iterable[str] = ()) -> None:
        """Raises BadNetwork naming the first text that is not a network; host bits below the prefix are accepted."""
        self._v4: dict[int, set[int]] = {}
        self._v6: dict[int, set[int]] = {}
        self._answers: dict[str, bool] = {}
        self._size = 0
        for text in networks:
            self._add(parse_network(text))

    def _add(self, network: IPv4Network | IPv6Network) -> None:
        table = self._v4 if network.version == 4 else self._v6
        shift = network.max_prefixlen - network.prefixlen
        table.setdefault(shift, set()).add(int(network.network_address) >> shift)
        self._size += 1

    def __contains__(self, address: str) -> bool:
        answer = self._answers.get(address)
        if answer is None:
            answer = self._look_up(address)
            if len(self._answers) >= _REMEMBERED:
                self._answers.clear()
            self._answers[address] = answer
        return answer

    def _look_up(self, address: str) -> bool:
        parsed = parse_address(address)
        if parsed is None:
            return False
        table = self._v4 if parsed.version == 4 else self._v6
        number = int(parsed)
        return any(number >> shift in members for shift, members in table.items())

    def __len__(self) -> int:
        return self._size


def parse_network(text: str) -> IPv4Network | IPv6Network:
    """A network from CIDR text or a single address; an IPv4-mapped IPv6 network becomes its IPv4 one."""
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError as error:
        raise BadNetwork(f"{text!r} is not an address or a network such as 192.0.2.0/24") from error
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - 96))
    return network


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address, less its zone (RFC 4007); an IPv4-mapped IPv6 address is the IPv4 address that it is.

    None for anything else.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        # A zone says which of our links the peer is on: fe80::1%eth0 is denied with fe80::/10.
        return address.ipv4_mapped or (address if address.scope_id is None else IPv6Address(int(address)))
    return address


def subject_of(address: str) -> str:
    """What one subscriber holds: the address itself for IPv4, its /64 for IPv6 (RFC 6177), for counting."""
    if ":" not in address:
        return address
    parsed = parse_address(address)
    if parsed is None or parsed.version == 4:
        return str(parsed or address)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
