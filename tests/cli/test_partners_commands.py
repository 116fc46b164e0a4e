"""`stockade certs` and `stockade partners`: from an authority to an end."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from stockade.tokens import parse_api_key
from tests.certificates.authority_kit import csr
from tests.cli.conftest import Stockade


@pytest.fixture
def authority(shop: Path, stockade: Stockade) -> Path:
    """A folder with an authority and a CSR, acme.csr."""
    assert stockade("certs", "init", "--name", "Shop").status == 0
    (shop / "acme.csr").write_bytes(csr())
    return shop


def test_an_authority(authority: Path, stockade: Stockade) -> None:
    for name in ("clients-ca.pem", "clients.crl"):
        assert (authority / name).read_text().count("BEGIN") == 2
    assert stat.S_IMODE((authority / "stockade.secret-key").stat().st_mode) == 0o600
    assert stockade("certs", "export").out == (authority / "clients-ca.pem").read_text()
    again = stockade("certs", "init", "--name", "Other")
    assert again.status == 2
    assert "there is a certificate authority already" in again.err


def test_a_certificate(authority: Path, stockade: Stockade) -> None:
    signed = stockade("certs", "sign", "acme.csr", "--holder", "web", "--expires", "30d")
    assert signed.status == 0
    assert signed.out.startswith("-----BEGIN CERTIFICATE-----")
    assert signed.out.count("BEGIN") == 2
    (row,) = stockade("certs", "list", "--json").json()
    assert f"serial {row['serial']}" in signed.err
    assert (row["holder"], row["state"]) == ("web", "active")
    renewed = stockade("certs", "renew", row["serial"], "--overlap", "1h", "--out", "web.pem")
    assert renewed.status == 0
    assert (authority / "web.pem").read_text().count("BEGIN") == 2
    rows = {each["serial"]: each for each in stockade("certs", "list", "--holder", "web", "--json").json()}
    assert rows[row["serial"]]["state"] == "renewed"
    assert len(rows) == 2
    colons = re.sub(r"(..)(?=.)", r"\1:", row["serial"].upper().zfill(32))
    assert stockade("certs", "revoke", colons, "--reason", "superseded").out == f"revoked {row['serial']} of web\n"
    assert "web" in stockade("certs", "list").out
    assert stockade("certs", "export", row["serial"]).out.count("BEGIN") == 1
    assert stockade("certs", "crl").status == 0


def test_a_partner(authority: Path, stockade: Stockade) -> None:
    options = ("--contact", "ops@acme.example", "--networks", "192.0.2.0/24,198.51.100.1", "--quota", "10/day")
    more = ("--expires", "365d", "--csr", "acme.csr", "--out", "acme.pem", "--key")
    added = stockade("partners", "add", "acme", *options, *more)
    assert added.status == 0, added.err
    assert parse_api_key(added.out.strip()) is not None, "the key alone, so that it can be piped"
    assert (authority / "acme.pem").read_text().count("BEGIN") == 2
    key = ("-H", f"X-API-Key: {added.out.strip()}")
    assert stockade("explain", "GET", "/a", *key, "--client", "192.0.2.7").status == 0
    assert stockade("explain", "GET", "/a", *key, "--client", "192.0.3.7").status == 1
    shown = stockade("partners", "show", "acme", "--json").json()
    assert shown["networks"] == ["192.0.2.0/24", "198.51.100.1"]
    assert (shown["quota"], len(shown["keys"]), len(shown["certificates"])) == ("10/day", 1, 1)
    assert {row["action"] for row in shown["audit"]} == {"partner.added", "key.issued", "certificate.issued"}
    assert all(row["actor"].startswith("cli") for row in shown["audit"])
    for text in (stockade("partners", "show", "acme").out, stockade("partners", "list").out):
        assert "acme" in text
        assert added.out.strip() not in text
    assert stockade("partners", "change", "acme", "--quota", "none", "--network", "192.0.3.0/24").status == 0
    assert stockade("explain", "GET", "/a", *key, "--client", "192.0.3.7").status == 0
    renewed = stockade("partners", "renew", "acme", "--key", "--overlap", "0s", "--json").json()
    assert stockade("explain", "GET", "/a", *key, "--client", "192.0.3.7").status == 1
    fresh = ("-H", f"X-API-Key: {renewed['key']}")
    assert stockade("explain", "GET", "/a", *fresh, "--client", "192.0.3.7").status == 0
    ended = stockade("partners", "remove", "acme")
    assert ended.out == "removed acme: 1 key(s), 1 certificate(s), 0 client(s) ended\n"
    assert stockade("explain", "GET", "/a", *fresh, "--client", "192.0.3.7").status == 1
    assert stockade("partners", "list", "--json").json()[0]["state"] == "ended"


def test_partners_without_certificates_need_no_authority(shop: Path, stockade: Stockade) -> None:
    assert stockade("partners", "add", "acme", "--key").status == 0
    assert not (shop / "stockade.secret-key").exists()
    assert not (shop / "clients.crl").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("certs sign acme.csr --holder web", "there is no certificate authority yet: stockade certs init"),
        ("certs crl", "there is no certificate authority yet"),
        ("certs init", "Missing option '--name'"),
        ("certs init --name Shop --trust-domain Shop", "is not a DNS name"),
        ("certs init --name Shop --domain *.example", "is not a DNS name"),
        ("certs init --name Shop --lifetime 1h", "an issuing CA lives from a day"),
        ("certs init --name Shop --lifetime 4000d", "an issuing CA lives from a day"),
        ("certs sign nowhere.csr --holder web", "nowhere.csr cannot be read"),
        ("certs revoke 99", "no certificate has the serial number '99'"),
        ("certs revoke 99 --reason because", "'because' is no reason; one of unspecified, key-compromise"),
        ("partners add ../etc", "'../etc' is not a name"),
        ("partners add acme --quota 5", "'5' is not a quota"),
        ("partners add acme --quota 0/day", "allows nothing"),
        ("partners add acme --network here", "'here' is not an address"),
        ("partners add acme --expires 0s", "'0s' is too short"),
        ("partners add acme --csr acme.csr", "there is no certificate authority yet"),
        ("partners add acme --scope a\\b", "is no scope"),
        ("partners change acme", "say what shall change"),
        ("partners change acme --contact x", "nobody of the name 'acme' is a partner"),
        ("partners show acme", "nobody of the name 'acme' is a partner"),
        ("partners remove acme", "nobody of the name 'acme' is a partner"),
        ("partners list --policy nowhere.yaml", "nowhere.yaml: cannot be read"),
    ],
)
def test_what_cannot_be_done(shop: Path, stockade: Stockade, arguments: str, said: str) -> None:
    (shop / "acme.csr").write_bytes(csr())
    ended = stockade(*arguments.split())
    assert (ended.status, ended.out) == (2, "")
    assert said in " ".join(ended.err.replace("│", " ").split())
    assert stockade("partners", "list", "--json").json() == []


def test_a_csr_that_is_none(authority: Path, stockade: Stockade) -> None:
    """All that is wrong with it, and nothing of it repeated."""
    (authority / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n")
    ended = stockade("partners", "add", "acme", "--csr", "key.pem", "--key")
    assert ended.status == 2
    assert "this is no CSR" in ended.err
    assert "secret" not in ended.err
    assert stockade("keys", "list", "--json").json() == []
    assert stockade("certs", "sign", "/dev/zero", "--holder", "x").status == 2


def test_a_partner_is_not_a_service(authority: Path, stockade: Stockade) -> None:
    assert stockade("partners", "add", "acme").status == 0
    ended = stockade("certs", "sign", "acme.csr", "--holder", "acme")
    assert ended.status == 2
    assert "acme is a partner: stockade partners renew acme --csr" in ended.err
