"""Partners: onboarded in one go, changed, renewed, ended all at once; and what is refused."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from cryptography import x509
from msgspec.structs import replace

from stockade.certificates import Partner
from stockade.certificates.names import BadName
from stockade.certificates.requests import BadSigningRequest
from stockade.certificates.revocation import facts_of, read_lists
from stockade.identity.certificates import (
    Grant,
    list_numbers,
)
from stockade.identity.clients import Clients
from stockade.identity.ending import end_clients
from stockade.identity.partners import BadTerms, NoSuchPartner, PartnerExists, Partners, Wanted
from stockade.networks import BadNetwork
from stockade.stores import CertificateStore, Database, KeyStore, PartnerStore
from stockade.stores.audit import AUDIT, read_audit
from stockade.stores.clients import ClientStore
from stockade.stores.partners import PARTNER_CLIENTS
from stockade.stores.tokens import TokenStore
from stockade.tokens import digest_api_key
from stockade.vocabulary import FindApiKey, FindCertificate, FindPartner, StoreError
from tests.certificates.authority_kit import TRUST, csr, new_key, openssl
from tests.identity.partner_kit import ACME, AT, DAY, HASH_KEY, NAME, Office, both, desk, either, found, office, onboard

__all__ = ["desk", "either"]


# Onboarding.


def test_in_one_go(either: Office) -> None:
    got = onboard(either)
    key, certificate = got.key.record, got.certificate.record
    assert (key.owner, key.networks, key.scopes, key.expires) == (
        *("acme", ACME.networks, frozenset(ACME.scopes)),
        ACME.expires,
    )
    assert certificate.names == (f"uri:spiffe://{TRUST}/acme", "dns:client.acme.example")
    assert (certificate.networks, certificate.until) == (ACME.networks, ACME.expires)
    assert either.partners.find("acme") == replace(ACME, created=AT)
    assert found(PartnerStore(either.database), FindPartner("acme")) == replace(ACME, created=AT)
    kept = found(CertificateStore(either.database), FindCertificate(certificate.fingerprint))
    assert kept == certificate
    assert key.digest == digest_api_key(HASH_KEY, got.key.text)
    (either.folder / "leaf.pem").write_text(got.certificate.pem)
    check = ("-attime", str(int(AT)), "-crl_check_all", "-CAfile", "clients-ca.pem", "-CRLfile", "clients.crl")
    assert "OK" in openssl("verify", "-x509_strict", *check, "leaf.pem", folder=either.folder)


def test_all_or_nothing(desk: Office) -> None:
    with pytest.raises(BadSigningRequest):
        onboard(desk, wanted=Wanted(key=True, csr=csr(x509.DNSName("victim.example"))))
    assert desk.partners.all() == []
    assert desk.keys.list() == []
    onboard(desk)  # and the name is free still


def test_a_name_is_one_partners(either: Office) -> None:
    onboard(either)
    with pytest.raises(PartnerExists, match="a partner already"):
        onboard(either)
    with pytest.raises(PartnerExists, match="somebody else's"):
        either.partners.add(replace(ACME, name="evil"), AT, "test")
    either.partners.add(Partner("evil"), AT, "test")
    with pytest.raises(PartnerExists):
        either.partners.change("evil", AT, "test", names=("client.acme.example",))
    assert either.partners.find("evil").names == ()
    with pytest.raises(BadSigningRequest, match="another holder's name"):
        either.certificates.sign(csr(NAME), Grant("web", ["client.acme.example"]), AT, DAY, "test")


def test_another_partners_names_and_key(desk: Office) -> None:
    key = new_key()
    onboard(desk, wanted=both(key))
    other = Partner("other", names=("client.other.example",))
    for wanted, said in (
        (csr(NAME), "is not this holder's"),
        (csr(x509.UniformResourceIdentifier(f"spiffe://{TRUST}/acme")), "is not this holder's"),
        (csr(key=key), "another holder's already"),
    ):
        with pytest.raises(BadSigningRequest, match=said):
            desk.partners.add(other, AT, "test", Wanted(csr=wanted))
    mine = csr(x509.UniformResourceIdentifier(f"spiffe://{TRUST}/other"))
    assert desk.partners.add(other, AT, "test", Wanted(csr=mine)).certificate is not None


def test_a_name_that_others_credentials_have(desk: Office) -> None:
    """Else a key that is issued beforehand would become a partner's, with its scopes."""
    desk.keys.issue("acme", AT)
    with pytest.raises(PartnerExists, match="working credentials under that name"):
        onboard(desk)


BAD: list[tuple[str, Any, type[Exception]]] = [
    ("homoglyph", {"name": "аcme"}, BadName),
    ("NUL", {"name": "ac\0me"}, BadName),
    ("traversal", {"name": "../acme"}, BadName),
    ("case", {"name": "ACME"}, BadName),
    ("contact", {"contact": "a\nb"}, BadTerms),
    ("long contact", {"contact": "a" * 257}, BadTerms),
    ("network", {"networks": ("10.0.0",)}, BadNetwork),
    ("networks", {"networks": tuple(f"10.0.0.{n}" for n in range(101))}, BadTerms),
    ("no quota", {"quota": (0, "day")}, BadTerms),
    ("quota", {"quota": (10**13, "day")}, BadTerms),
    ("past", {"expires": AT}, BadTerms),
    ("never", {"expires": float("nan")}, BadTerms),
    ("wildcard", {"names": ("*.acme.example",)}, BadName),
    ("twice", {"names": ("a.example", "a.example")}, BadTerms),
    ("scope", {"scopes": ("a b",)}, ValueError),
]


@pytest.mark.parametrize(("terms", "error"), [pytest.param(t, e, id=n) for n, t, e in BAD])
def test_bad_terms(desk: Office, terms: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error) as raised:
        desk.partners.add(replace(ACME, **terms), AT, "test", Wanted(key=True))
    assert str(raised.value).isprintable()
    assert desk.partners.all() == []


# Changes.


def test_new_terms_reach_all_that_it_holds(either: Office) -> None:
    got = onboard(either)
    either.partners.change(
        "acme", AT + 1, "test", networks=("192.0.2.1/32",), scopes=("orders:write",), expires=AT + 5 * DAY
    )
    key = found(KeyStore(either.database), FindApiKey(got.key.record.id))
    kept = found(CertificateStore(either.database), FindCertificate(got.certificate.record.fingerprint))
    assert key is not None
    assert kept is not None
    for record in (key, kept):
        assert record.networks == ("192.0.2.1/32",)
        assert record.scopes == {"orders:write"}
        assert record.refusal(AT + 4 * DAY) is None
        assert record.refusal(AT + 5 * DAY) == "expired"


def test_renewal_overlaps(either: Office) -> None:
    old = onboard(either)
    new: Any = either.partners.renew("acme", AT + DAY, "test", both(), expires=AT + 700 * DAY, overlap=3600)
    holdings = either.partners.show("acme")
    assert holdings.partner.expires == AT + 700 * DAY
    for at, works in ((AT + DAY, 2), (AT + DAY + 3600, 1)):
        assert [len([r for r in each if r.refusal(at) is None]) for each in (holdings.keys, holdings.certificates)] == [
            works,
            works,
        ]
    assert new.key.record.id != old.key.record.id
    assert new.certificate.record.serial != old.certificate.record.serial


def test_the_time_is_over(desk: Office) -> None:
    onboard(desk)
    late = AT + 366 * DAY
    with pytest.raises(BadTerms, match="time is over"):
        desk.partners.renew("acme", late, "test", Wanted(key=True))
    assert desk.partners.renew("acme", late, "test", Wanted(key=True), expires=late + DAY).key is not None


# The end.


def test_the_end_of_all(either: Office) -> None:
    ended: list[tuple[list[str], float]] = []

    def end_clients(clients: Any, at: float) -> list[Any]:
        ended.append((list(clients), at))
        return []

    partners = Partners(PartnerStore(either.database), either.keys, either.certificates, end_clients)
    got: Any = partners.add(ACME, AT, "test", both(), clients=["acme-batch"])
    with office(either.folder, either.database.place) as other:  # another process
        keys, certificates = KeyStore(other.database), CertificateStore(other.database)
        asks = FindApiKey(got.key.record.id), FindCertificate(got.certificate.record.fingerprint)
        assert found(keys, asks[0]).refusal(AT) is found(certificates, asks[1]).refusal(AT) is None
        said = partners.remove("acme", AT + 1, "test")
        assert (said.keys, said.certificates, said.clients) == (1, 1, 1)
        assert found(keys, asks[0]).refusal(AT + 1) == found(certificates, asks[1]).refusal(AT + 1) == "revoked"
        partner = found(PartnerStore(other.database), FindPartner("acme"))
        assert partner is not None
        assert partner.refusal(AT + 1) == "ended"
    assert ended == [(["acme-batch"], AT + 1)]
    issuing, _ = read_lists(either.lists.read_bytes())
    assert [f"{each.serial_number:x}" for each in issuing] == [got.certificate.record.serial]
    with pytest.raises(NoSuchPartner, match="no partner any more"):
        partners.remove("acme", AT + 2, "test")
    assert either.database.read(sql.select(PARTNER_CLIENTS)) == []


def test_the_end_of_its_clients(either: Office) -> None:
    """Also of those that were removed meanwhile; another's are left alone."""
    clients = Clients(ClientStore(either.database), HASH_KEY)
    mine, other = (
        clients.add(name, AT, grants=["client_credentials"], audiences=["shop"]).client.id for name in ("mine", "other")
    )
    partners = Partners(PartnerStore(either.database), either.keys, either.certificates, end_clients)
    partners.add(ACME, AT, "test", clients=[mine, "gone"])
    with pytest.raises(PartnerExists):
        partners.add(Partner("thief"), AT, "test", clients=[mine])
    asked = PartnerStore(either.database)
    assert [found(asked, FindPartner(f"client:{each}")) for each in (mine, other, "")] == [
        *(partners.find("acme"), None, None)
    ]
    assert partners.remove("acme", AT + 1, "test").clients == 2
    assert found(asked, FindPartner(f"client:{mine}")) is None
    assert clients.find(mine).disabled == AT + 1
    assert clients.find(other).disabled is None
    told = TokenStore(either.database).revocations(AT + 1)
    assert {(each.name, each.before) for each in told} == {(f"client:{mine}", AT + 1), ("client:gone", AT + 1)}


def test_a_broken_hook_ends_nothing(either: Office) -> None:
    """All in one transaction: no half of an end."""
    onboard(either)
    partners = Partners(
        PartnerStore(either.database), either.keys, either.certificates, lambda *_: [sql.text("DELETE FROM nowhere")]
    )
    with pytest.raises(Exception, match="nowhere"):
        partners.remove("acme", AT, "test")
    assert either.partners.find("acme").ended is None
    assert either.keys.list()[0].refusal(AT) is None


def test_a_partner_that_comes_again(desk: Office) -> None:
    """What it once held stays ended."""
    old = onboard(desk)
    desk.partners.remove("acme", AT + 1, "test")
    desk.partners.add(ACME, AT + 2, "test", Wanted(key=True))
    keys = {record.id: record.refusal(AT + 2) for record in desk.partners.show("acme").keys}
    assert keys.pop(old.key.record.id) == "revoked"
    assert list(keys.values()) == [None]


@pytest.mark.parametrize("name", ["nobody", "../x", "", "a\0b", "x' OR '1'='1"], ids=range(5))
def test_nobody_of_that_name(either: Office, name: str) -> None:
    for act in (either.partners.find, either.partners.show):
        with pytest.raises(NoSuchPartner) as raised:
            act(name)
        assert str(raised.value).isprintable()


def test_all_is_told(desk: Office) -> None:
    onboard(desk)
    desk.partners.change("acme", AT + 1, "cli:eve", contact="new@acme.example")
    desk.partners.remove("acme", AT + 2, "key:abc")
    rows = read_audit(desk.database, "acme")
    assert [(row.action, row.actor) for row in rows] == [
        ("partner.removed", "key:abc"),
        ("partner.changed", "cli:eve"),
        ("partner.added", "test"),
        ("certificate.issued", "test"),
        ("key.issued", "test"),
    ]
    assert rows[1].details == {"contact": "new@acme.example"}
    text = str(desk.database.read(sql.select(AUDIT)))
    assert "stk_" not in text
    assert "digest" not in text


def test_many_at_once(either: Office) -> None:
    """Of several who onboard one name, or claim one DNS name, one wins; and no revocation is lost from the list."""
    serials = [either.certificates.sign(csr(), Grant(f"w{n}"), AT, DAY, "test").record.serial for n in range(6)]

    def work(number: int) -> int:
        with office(either.folder, either.database.place) as mine:
            mine.certificates.revoke(serials[number], AT, "test")
            try:
                mine.partners.add(ACME, AT, "test")
            except PartnerExists:
                return 0
            return 1

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(work, range(6))) == 1
    issuing, _ = read_lists(either.lists.read_bytes())
    assert {f"{each.serial_number:x}" for each in issuing} == set(serials)
    assert facts_of(issuing).number == list_numbers(either.certificates.store)[facts_of(issuing).issuer]


def test_a_broken_row_is_a_store_error(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        desk.partners.add(ACME, AT, "test")
        with sqlite3.connect(tmp_path / "stockade.db") as connection:
            connection.execute("UPDATE partners SET networks = '3'")
        with pytest.raises(StoreError):
            PartnerStore(desk.database).get("acme")


def test_it_stays_after_a_kill(tmp_path: Path) -> None:
    with office(tmp_path) as first:
        first.partners.add(ACME, AT, "test")
    reopened = Database(tmp_path / "stockade.db")
    assert PartnerStore(reopened).get("acme") is not None
    reopened.close()
