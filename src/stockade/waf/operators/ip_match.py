"""ipMatch, and ipMatchFromFile (ipMatchF): the value is an address within one of the networks.

    SecRule REMOTE_ADDR "@ipMatch 192.0.2.0/24,2001:db8::1"
    SecRule REMOTE_ADDR "@ipMatchFromFile networks.data"        lines of networks; what follows # is a comment

Bits beyond the prefix are ignored. IPv4 addresses within IPv6 ones (`::ffff:192.0.2.1`) match IPv6 networks only, as in
ModSecurity. A value that is no address matches nothing. Files are not fetched from the net.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address, NetmaskValueError, ip_network

from stockade.waf.operators.base import SOMEWHERE, BadArgument, Files, Hit, Test

_MOST_KNOWN = 4096  # addresses that are kept read
_LONGEST = 45  # of an address as text


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    return _test(argument.split(b","))


def make_from_file(argument: bytes, files: Files) -> Test:
    if argument.startswith((b"https://", b"http://")):
        raise BadArgument("networks are not fetched from the net: download the file and name it here")
    lines = files.lines(argument.decode(errors="surrogateescape"))
    return _test(entry for line in lines for entry in line.partition(b"#")[0].split(b","))


def _test(entries: Iterable[bytes]) -> Test:
    networks: dict[tuple[int, int], set[int]] = {}  # by size of the address and bits beyond the prefix
    for entry in entries:
        if text := entry.decode(errors="replace").strip():
            version, beyond, prefix = _network(text)
            networks.setdefault((version, beyond), set()).add(prefix)
    table = [(version, beyond, frozenset(prefixes)) for (version, beyond), prefixes in networks.items()]

    def test(value: bytes) -> Hit | None:
        version, number = _address(value)
        for kind, beyond, prefixes in table:
            if kind == version and number >> beyond in prefixes:
                return SOMEWHERE
        return None

    return test


def _network(text: str) -> tuple[int, int, int]:
    try:
        network = ip_network(text, strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        raise BadArgument(f"{text!r} is no network: write 192.0.2.0/24 or 2001:db8::/32") from None
    beyond = network.max_prefixlen - network.prefixlen
    return network.version, beyond, int(network.network_address) >> beyond


@lru_cache(_MOST_KNOWN)
def _address(value: bytes) -> tuple[int, int]:
    """Version and number; (0, 0) for what is no address."""
    if len(value) > _LONGEST:
        return 0, 0
    try:
        text = value.decode("ascii")
        if ":" in text:
            return (6, int(IPv6Address(text))) if "%" not in text else (0, 0)
        return 4, int(IPv4Address(text))
    except ValueError:
        return 0, 0
