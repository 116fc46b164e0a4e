"""Which address in X-Forwarded-For is believed: only what a trusted proxy wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.networks import NetworkSet, client_address

TRUSTED = NetworkSet(["10.0.0.0/8", "2001:db8:f::/48"])

TABLE = [
    # peer, X-Forwarded-For, client
    ("203.0.113.9", None, "203.0.113.9"),
    ("203.0.113.9", "198.51.100.7", "203.0.113.9"),  # forged: the peer is no proxy of ours
    ("203.0.113.9", "10.0.0.1", "203.0.113.9"),
    ("10.0.0.1", None, "10.0.0.1"),
    ("10.0.0.1", "", "10.0.0.1"),
    ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
    ("10.0.0.1", "  198.51.100.7  ", "198.51.100.7"),
    # the client wrote all but the last
    ("10.0.0.1", "1.2.3.4, 198.51.100.7", "198.51.100.7"),
    ("10.0.0.1", "10.9.9.9, 198.51.100.7", "198.51.100.7"),
    ("10.0.0.1", "127.0.0.1,::1,198.51.100.7", "198.51.100.7"),
    # chains of proxies
    ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
    ("10.0.0.1", "1.2.3.4, 198.51.100.7, 10.0.0.3, 10.0.0.2", "198.51.100.7"),
    ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),  # a client inside: the outermost that is known
    ("2001:db8:f::1", "2001:db8:1::7, 10.0.0.2", "2001:db8:1::7"),
    ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
    # forms
    ("10.0.0.1", "198.51.100.7:51234", "198.51.100.7"),
    ("10.0.0.1", "[2001:db8::7]:51234", "2001:db8::7"),
    ("10.0.0.1", "[2001:db8::7]", "2001:db8::7"),
    ("10.0.0.1", "2001:DB8:0:0::7", "2001:db8::7"),
    ("10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7"),
    ("10.0.0.1", "fe80::7%eth0", "fe80::7"),
    # garbage ends the walk at the last hop that is known
    ("10.0.0.1", "unknown", "10.0.0.1"),
    ("10.0.0.1", "_hidden, 10.0.0.2", "10.0.0.2"),
    ("10.0.0.1", "198.51.100.7, unknown, 10.0.0.2", "10.0.0.2"),
    ("10.0.0.1", "198.51.100.7, , 10.0.0.2", "10.0.0.2"),
    ("10.0.0.1", ",", "10.0.0.1"),
    ("10.0.0.1", "198.51.100.7,", "10.0.0.1"),
    ("10.0.0.1", "198.51.100.7 10.0.0.2", "10.0.0.1"),
    ("10.0.0.1", "198.51.100.256", "10.0.0.1"),
    ("10.0.0.1", "[2001:db8::7", "2001:db8::7"),
    ("10.0.0.1", "1.2.3.4\r\nx: y", "10.0.0.1"),
]


@pytest.mark.parametrize(("peer", "forwarded", "client"), TABLE)
def test_client_address(peer, forwarded, client):
    assert client_address(peer, forwarded, TRUSTED) == client


def test_without_trusted_proxies_nothing_is_believed():
    assert client_address("10.0.0.1", "198.51.100.7", NetworkSet()) == "10.0.0.1"


def test_a_chain_of_a_megabyte_is_read_from_its_end_only():
    chain = "1.2.3.4, " * 100_000 + ", ".join(["10.0.0.2"] * 31)
    assert client_address("10.0.0.1", chain, TRUSTED) == "1.2.3.4"
    chain = "1.2.3.4, " * 100_000 + ", ".join(["10.0.0.2"] * 32)
    assert client_address("10.0.0.1", chain, TRUSTED) == "10.0.0.2"


hops = st.lists(st.ip_addresses().map(str) | st.text(st.characters(exclude_characters=","), max_size=12), max_size=6)


@given(hops, st.ip_addresses(v=4).filter(lambda address: str(address) not in TRUSTED))
def test_whatever_a_client_writes_its_proxy_names_it(written, client):
    """A client may send any X-Forwarded-For; the proxy appends the client's address."""
    chain = ",".join([*written, str(client)])
    assert client_address("10.0.0.1", chain, TRUSTED) == str(client)


@given(st.text(max_size=60))
def test_the_client_is_always_an_address(forwarded):
    client = client_address("10.0.0.1", forwarded, TRUSTED)
    assert client == "10.0.0.1" or client in NetworkSet(["0.0.0.0/0", "::/0"])
