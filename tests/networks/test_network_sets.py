"""Sets of networks, against the standard library's `ipaddress`."""

from __future__ import annotations

import random
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.networks import BadNetwork, NetworkSet, sets, subject_of
from stockade.networks.sets import parse_address, parse_network

IN = [
    (["203.0.113.0/24"], "203.0.113.0"),
    (["203.0.113.0/24"], "203.0.113.255"),
    (["203.0.113.7/24"], "203.0.113.9"),  # host bits are accepted
    (["203.0.113.7"], "203.0.113.7"),
    (["203.0.113.7/32"], "203.0.113.7"),
    (["203.0.113.7/255.255.255.0"], "203.0.113.9"),
    (["0.0.0.0/0"], "198.51.100.1"),
    (["0.0.0.0/0"], "0.0.0.0"),
    (["0.0.0.0/0"], "255.255.255.255"),
    ([" 203.0.113.0/24 "], "203.0.113.9"),
    (["2001:db8::/32"], "2001:db8:ffff::1"),
    (["2001:DB8::1/128"], "2001:0db8:0:0::1"),
    (["2001:db8::1"], "2001:db8::1"),
    (["::/0"], "2001:db8::1"),
    (["::1"], "::1"),
    # an IPv4-mapped address is the IPv4 address, on either side (RFC 4291, section 2.5.5.2)
    (["203.0.113.0/24"], "::ffff:203.0.113.9"),
    (["203.0.113.0/24"], "::ffff:cb00:7109"),
    (["::ffff:203.0.113.0/120"], "203.0.113.9"),
    (["::ffff:203.0.113.9"], "203.0.113.9"),
    (["::ffff:0:0/96"], "203.0.113.9"),
    # the zone says on which of our links the peer is, not who it is
    (["fe80::/10"], "fe80::1%eth0"),
    (["fe80::1%eth0/128"], "fe80::1"),
    (["10.0.0.0/8", "192.168.0.0/16", "2001:db8::/32"], "192.168.1.1"),
]
OUT = [
    ([], "203.0.113.9"),
    (["203.0.113.0/24"], "203.0.114.0"),
    (["203.0.113.0/24"], "203.0.112.255"),
    (["203.0.113.7/32"], "203.0.113.8"),
    (["0.0.0.0/0"], "2001:db8::1"),
    (["::/0"], "203.0.113.9"),
    (["::/0"], "::ffff:203.0.113.9"),
    (["::/80"], "::ffff:203.0.113.9"),
    (["2001:db8::/32"], "2001:db9::"),
    (["2001:db8::1/128"], "2001:db8::2"),
    (["203.0.113.0/24"], "::203.0.113.9"),  # IPv4-compatible addresses are long deprecated and no IPv4 address
    # what is no address is in no set
    (["0.0.0.0/0", "::/0"], ""),
    (["0.0.0.0/0", "::/0"], "unknown"),
    (["0.0.0.0/0", "::/0"], "203.0.113.9:80"),
    (["0.0.0.0/0", "::/0"], "203.0.113.09"),  # octal to some
    (["0.0.0.0/0", "::/0"], "0x7f.1"),
    (["0.0.0.0/0", "::/0"], "2130706433"),
    (["0.0.0.0/0", "::/0"], "127.1"),
    (["0.0.0.0/0", "::/0"], "203.0.113.0/24"),
    (["0.0.0.0/0", "::/0"], " 203.0.113.9"),
    (["0.0.0.0/0", "::/0"], "١.١.١.١"),
    (["0.0.0.0/0", "::/0"], "[::1]"),
    (["0.0.0.0/0", "::/0"], "203.0.113.9%eth0"),
]


@pytest.mark.parametrize(("networks", "address"), IN)
def test_in(networks, address):
    assert address in NetworkSet(networks)


@pytest.mark.parametrize(("networks", "address"), OUT)
def test_out(networks, address):
    assert address not in NetworkSet(networks)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "203.0.113",
        "203.0.113.0/33",
        "203.0.113.0/-1",
        "::/129",
        "203.0.113.0/",
        "203.0.113.256",
        "1.2.3.4 # x",
    ],
)
def test_what_is_no_network_is_named(text):
    with pytest.raises(BadNetwork) as caught:
        NetworkSet(["203.0.113.0/24", text])
    assert repr(text) in str(caught.value)


addresses = st.ip_addresses(v=4) | st.ip_addresses(v=6)
# Prefixes of a few addresses, so that hits are as common as misses.
near = st.builds(lambda low: IPv4Address(0xCB007100 | low), st.integers(0, 0xFFF)) | st.builds(
    lambda low: IPv6Address((0x20010DB8 << 96) | low), st.integers(0, 0xFFF)
)
networks = st.builds(
    lambda address, length: ip_network((address, min(length, address.max_prefixlen)), strict=False),
    near | addresses,
    st.integers(0, 128),
)


@given(st.lists(networks, max_size=8), near | addresses)
def test_membership_is_that_of_the_standard_library(listed, address):
    real = getattr(address, "ipv4_mapped", None) or address
    expected = any(real in parse_network(str(network)) for network in listed)
    found = NetworkSet(map(str, listed))
    assert (str(address) in found) is expected
    assert (str(address) in found) is expected  # remembered now
    assert len(found) == len(listed)


@given(networks)
def test_a_network_holds_its_first_and_last_address_and_not_their_neighbours(network):
    network = parse_network(str(network))
    found = NetworkSet([str(network)])
    first, last = int(network.network_address), int(network.broadcast_address)
    for number in (first - 1, first, last, last + 1):
        if 0 <= number < 2**network.max_prefixlen:
            address = parse_address(str(type(network.network_address)(number)))
            assert address is not None
            # Of IPv6 networks only ::/80 and wider reach the IPv4-mapped addresses, which are none of theirs.
            assert (str(address) in found) is (first <= number <= last and address.version == network.version)


def test_thousands_of_networks(monkeypatch):
    """A feed's worth; and more addresses than are remembered, so that forgetting is exercised too."""
    monkeypatch.setattr(sets, "_REMEMBERED", 200)
    source = random.Random(7)
    listed = [ip_network((source.getrandbits(32), source.randint(12, 32)), strict=False) for _ in range(1500)]
    listed += [ip_network((source.getrandbits(128), source.randint(24, 128)), strict=False) for _ in range(1500)]
    found = NetworkSet(map(str, listed))
    assert len(found) == 3000
    assert all(str(network.network_address) in found for network in listed)
    tables: dict[tuple[int, int], set[int]] = {}
    for network in listed:
        tables.setdefault((network.version, network.prefixlen), set()).add(int(network.network_address))
    hits = 0
    for number in range(1500):
        address = ip_address(source.getrandbits(32 if number % 2 else 128) | 1)
        bits = address.max_prefixlen
        expected = any(
            version == address.version and int(address) >> (bits - length) << (bits - length) in members
            for (version, length), members in tables.items()
        )
        assert (str(address) in found) is expected
        hits += expected
    assert 0 < hits < 1500
    assert len(found._answers) <= 200


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::6", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("not:an:address", "not:an:address"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_the_subject_of_an_address(address, subject):
    assert subject_of(address) == subject


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_a_subscriber_cannot_become_another_by_changing_the_lower_half(address, low):
    other = IPv6Address(int(address) >> 64 << 64 | low)
    if address.ipv4_mapped is None and other.ipv4_mapped is None:
        assert subject_of(str(address)) == subject_of(str(other))
