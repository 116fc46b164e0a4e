"""The authority of certificates: made once, its key at rest, what it signs and revokes, and its lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stockade.certificates.authority import BadAuthority
from stockade.certificates.requests import BadSigningRequest
from stockade.certificates.revocation import facts_of, read_lists, trouble_of_lists
from stockade.envelopes import BadEnvelope, Envelope, KeyRing
from stockade.identity.certificates import (
    AuthorityExists,
    Certificates,
    Grant,
    Lists,
    NoAuthority,
    NoSuchCertificate,
    list_numbers,
)
from stockade.identity.partners import Wanted
from stockade.stores import CertificateStore
from stockade.stores.sealed import rewrap_all, sealed_columns
from stockade.vocabulary import StoreError
from tests.certificates.authority_kit import csr, new_key
from tests.identity.partner_kit import ACME, AT, DAY, ENVELOPE, Office, begin, desk, either, office

__all__ = ["desk", "either"]


def test_the_authority_is_made_once(desk: Office) -> None:
    with pytest.raises(AuthorityExists):
        begin(desk)
    assert oct((desk.folder / "clients-ca.pem").stat().st_mode)[-3:] == "644"
    assert trouble_of_lists((desk.folder / "clients-ca.pem").read_bytes(), desk.lists.read_bytes(), AT, {}) == []


def test_nothing_without_an_authority(tmp_path: Path) -> None:
    with office(tmp_path) as bare:
        with pytest.raises(NoAuthority, match="stockade certs init"):
            bare.certificates.sign(csr(), Grant("web"), AT, DAY, "test")
        assert bare.partners.add(ACME, AT, "test", Wanted(key=True)).key is not None
        assert bare.partners.remove("acme", AT, "test").keys == 1


def test_no_private_key_at_rest(desk: Office) -> None:
    """Neither in the database nor in a file; and what is sealed opens in its own place alone."""
    rows = desk.certificates.authorities()
    sealed = {role: row.sealed_key for role, row in rows.items()}
    plain = ENVELOPE.open(sealed["issuing"], b"certificate-authority:issuing")
    for file in desk.folder.iterdir():
        data = file.read_bytes()
        assert plain[-40:] not in data
        assert b"PRIVATE KEY" not in data
    with pytest.raises(BadEnvelope):
        ENVELOPE.open(sealed["root"], b"certificate-authority:issuing")
    assert str(sealed["root"][:8])[2:-1] not in repr(rows)


def test_another_master_key(desk: Office) -> None:
    """The authority is there and cannot sign: nothing is signed by another."""
    other = Envelope(KeyRing.of(bytes(32)))
    lists = Lists(desk.folder / "ca.pem", desk.folder / "crl")
    locked = Certificates(CertificateStore(desk.database), lambda: other, lists)
    with pytest.raises(StoreError, match="has the key of `secrets` changed"):
        locked.sign(csr(), Grant("web"), AT, DAY, "test")


def test_the_master_key_is_exchanged(either: Office) -> None:
    old = bytes(range(32))
    both = Envelope(KeyRing.of(bytes(32), old))
    assert rewrap_all(either.database, sealed_columns(), both) == 2
    lists = Lists(either.folder / "ca.pem", either.folder / "crl")
    fresh = Certificates(CertificateStore(either.database), lambda: Envelope(KeyRing.of(bytes(32))), lists)
    assert fresh.sign(csr(), Grant("web"), AT, DAY, "test").record.holder == "web"


# Certificates of services, and lists.


def signed(desk: Office, at: float = AT, **fields: Any) -> Any:
    return desk.certificates.sign(csr(**fields), Grant("web"), at, 90 * DAY, "test").record


def test_renewing_a_certificate(desk: Office) -> None:
    old = signed(desk)
    new = desk.certificates.renew(old.serial.upper(), AT + DAY, 90 * DAY, 3600, "test").record
    assert new.key_digest == old.key_digest
    assert new.names == old.names
    assert desk.certificates.get(old.serial).refusal(AT + DAY + 3600) == "revoked"
    with pytest.raises(NoSuchCertificate, match="does not work any more"):
        desk.certificates.renew(old.serial, AT + 2 * DAY, DAY, 0, "test")
    fresh = desk.certificates.renew(new.serial, AT + DAY, DAY, 0, "test", csr(key=new_key())).record
    assert fresh.key_digest != new.key_digest


def test_a_compromised_key_is_not_signed_again(desk: Office) -> None:
    key = new_key()
    desk.certificates.revoke(signed(desk, key=key).serial, AT, "test", "key-compromise")
    with pytest.raises(BadSigningRequest, match="compromised"):
        signed(desk, key=key)


def test_revocation_is_not_taken_back(desk: Office) -> None:
    """A second one neither moves the first nor weakens its reason."""
    record = signed(desk)
    desk.certificates.revoke(record.serial, AT + 5, "test", "key-compromise")
    again = desk.certificates.revoke(record.serial, AT + 9, "test")
    assert (again.revoked, again.reason) == (AT + 5, "key-compromise")


@pytest.mark.parametrize("serial", ["", "00", "zz", "-1", "1' OR 1=1", "9" * 500], ids=range(6))
def test_no_such_serial(desk: Office, serial: str) -> None:
    with pytest.raises(NoSuchCertificate):
        desk.certificates.revoke(serial, AT, "test")
    with pytest.raises(ValueError, match="is no reason"):
        desk.certificates.revoke("1", AT, "test", "because")


def test_numbers_rise_and_old_entries_go(either: Office) -> None:
    def facts() -> Any:
        return facts_of(read_lists(either.lists.read_bytes())[0])

    first = facts().number
    record = signed(either)
    either.certificates.revoke(record.serial, AT, "test")
    assert (facts().number, facts().entries) == (first + 1, 1)
    either.certificates.write_lists(record.end + 1)
    assert (facts().number, facts().entries) == (first + 2, 0)


def test_an_older_list_is_noticed(desk: Office) -> None:
    old = desk.lists.read_bytes()
    record = signed(desk)
    desk.certificates.revoke(record.serial, AT, "test")
    trouble = trouble_of_lists(
        (desk.folder / "clients-ca.pem").read_bytes(), old, AT, list_numbers(desk.certificates.store)
    )
    assert len(trouble) == 2
    assert "an older list would let revoked certificates in again" in trouble[0]


def test_a_list_that_cannot_be_written_revokes_all_the_same(desk: Office) -> None:
    record = signed(desk)
    nowhere = Lists(desk.folder / "none" / "ca.pem", desk.folder / "none" / "crl")
    broken = Certificates(CertificateStore(desk.database), lambda: ENVELOPE, nowhere)
    with pytest.raises(OSError, match="none"):
        broken.revoke(record.serial, AT, "test")
    assert desk.certificates.get(record.serial).refusal(AT) == "revoked"


def test_lifetimes_are_bounded(desk: Office) -> None:
    for lifetime in (0.0, -1.0, 400 * DAY, float("inf")):
        with pytest.raises(BadAuthority):
            desk.certificates.sign(csr(), Grant("web"), AT, lifetime, "test")
