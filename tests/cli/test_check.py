"""`stockade check` and `stockade schema`."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import yaml

from tests.cli.conftest import POLICY, Stockade


def test_the_effective_protection(shop: Path, stockade: Stockade) -> None:
    ended = stockade("check")
    assert ended.status == 0
    title, columns, *rows, last = ended.out.split("\n")[:-1]
    assert title == "shop (open): / → http://127.0.0.1:9000"
    assert columns.split() == ["control", "mode", "on", "failure", "effect", "policy"]
    assert [(row.split()[0], row.split()[-1]) for row in rows] == [
        ("firewall", "stockade.yaml:7"),
        ("limits", "stockade.yaml:16"),
        ("authentication", "stockade.yaml:12"),
        ("schema", "stockade.yaml:4"),
        ("exposure", "stockade.yaml:4"),
        ("authorization", "stockade.yaml:4"),
        ("waf", "stockade.yaml:4"),
    ]
    assert last == ""


def test_for_machines(shop: Path, stockade: Stockade) -> None:
    answer = stockade("check", "stockade.yaml", "--json").json()
    assert answer["warnings"] == []
    assert [row["control"] for row in answer["protection"]] == [
        "firewall",
        "limits",
        "authentication",
        "schema",
        "exposure",
        "authorization",
        "waf",
    ]
    assert answer["protection"][1] == {
        "api": "shop",
        "kind": "open",
        "control": "limits",
        "mode": "block",
        "failure": "closed",
        "effect": answer["protection"][1]["effect"],
        "policy": "stockade.yaml:16",
    }
    assert "logins" in answer["protection"][1]["effect"]


def test_what_is_missing_is_shown(shop: Path, stockade: Stockade) -> None:
    (shop / "stockade.yaml").write_text(POLICY.replace("    firewall:\n", "    firewall:\n      mode: off\n"))
    assert "any address, method and size is let in" in stockade("check").out


def test_warnings_go_to_the_other_stream(shop: Path, stockade: Stockade) -> None:
    (shop / "stockade.yaml").write_text(f"keys: {{hash_key: {'k' * 32}}}\n{POLICY}")
    ended = stockade("check")
    assert ended.status == 0
    assert ended.err.startswith("warning: stockade.yaml:1: the hash key is written in the policy")
    assert "kkk" not in ended.out + ended.err
    assert len(stockade("check", "--json").json()["warnings"]) == 1


def test_errors_stand_alone_and_all_together(shop: Path, stockade: Stockade) -> None:
    (shop / "stockade.yaml").write_text(POLICY.replace("kind: open", "kind: opn").replace("1KiB", "1"))
    ended = stockade("check")
    assert (ended.status, ended.out) == (2, "")
    assert [line.split(": ")[0] for line in ended.err.splitlines()] == ["stockade.yaml:5", "stockade.yaml:10"]


def test_certificates_are_looked_at(shop: Path, stockade: Stockade) -> None:
    tls = 'listen: [{address: "127.0.0.1:8443", tls: {certificate: cert.pem, key: key.pem}}]'
    (shop / "stockade.yaml").write_text(POLICY.replace('listen: [{address: "127.0.0.1:8080"}]', tls))
    ended = stockade("check")
    assert ended.status == 2
    assert "cert.pem cannot be read" in ended.err


SHADOWED = """\
version: 1
listen: [{address: "127.0.0.1:8080"}]
identity: {issuer: "https://auth.example.com"}
apis:
  - name: other
    hosts: [auth.example.com]
    prefix: /oauth2
    upstream: {url: "http://127.0.0.1:9000"}
  - name: shop
    upstream: {url: "http://127.0.0.1:9000"}
    authentication:
      any_of: [{oidc: {issuer: https://id.example, client_id: shop, url: https://shop.example.com}}]
  - name: pages
    hosts: [shop.example.com]
    prefix: /.stockade
    upstream: {url: "http://127.0.0.1:9000"}
"""


def test_what_would_be_taken_from_the_token_service_and_from_logins(shop: Path, stockade: Stockade) -> None:
    (shop / "stockade.yaml").write_text(SHADOWED)
    ended = stockade("check")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "stockade.yaml:7: the API 'other' takes /oauth2/authorize, /oauth2/consent, /oauth2/device and 11 more on "
        "auth.example.com, which Stockade serves itself as the token service: give 'other' another prefix or host",
        "stockade.yaml:15: the API 'pages' takes /.stockade/backchannel-logout, /.stockade/callback, /.stockade/login "
        "and 1 more on shop.example.com, which Stockade serves itself as the login pages of 'shop': give 'pages' "
        "another prefix or host, or give 'shop' other paths in its oidc.paths",
    ]


def test_no_policy(shop: Path, stockade: Stockade) -> None:
    ended = stockade("check", "nowhere.yaml")
    assert ended == (2, "", "nowhere.yaml: cannot be read: No such file or directory; make one with `stockade init`\n")


def test_the_schema(shop: Path, stockade: Stockade) -> None:
    ended = stockade("schema")
    schema = ended.json()
    assert ended.status == 0
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(yaml.safe_load(POLICY))
    assert not validator.is_valid(yaml.safe_load(POLICY.replace("1KiB", "1")))
    assert not validator.is_valid(yaml.safe_load(POLICY.replace("kind: open", "kinds: open")))


def test_the_schema_is_clean(stockade: Stockade) -> None:
    """What an editor shows: no null that would be refused, no Python names."""
    text = stockade("schema").out
    assert '"null"' not in text
    assert '"default": null' not in text
    assert text.count('"title"') == 1


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(folder.iterdir())}


def test_nothing_is_made_or_changed(shop: Path, stockade: Stockade) -> None:
    """Neither the log, nor the database, nor a key: it says what would be."""
    policy = shop / "stockade.yaml"
    policy.write_text("log: {path: decisions.log}\nsecrets: {}\n" + policy.read_text())
    before = everything(shop)
    made = ["stockade.hash-key", "stockade.secret-key", "decisions.log", "stockade.db"]
    found = stockade("check", "--json").json()["would_make"]
    assert sorted(Path(each).name for each in found) == sorted(made)
    ended = stockade("check")
    assert ended.status == 0
    assert all(name in ended.err for name in made)
    assert everything(shop) == before
    stockade("keys", "issue", "--owner", "alice")
    before = everything(shop)
    assert "stockade.db" in before
    assert "stockade.db" not in str(stockade("check", "--json").json()["would_make"])
    assert everything(shop) == before


def test_what_could_not_be_made_is_told(shop: Path, stockade: Stockade) -> None:
    policy = shop / "stockade.yaml"
    text = policy.read_text()
    (shop / "broken.db").write_text("no database " * 100)
    for section, said in (
        ("log: {path: nowhere/decisions.log}", "cannot be written: No such file or directory"),
        ("log: {path: .}", "cannot be written: Is a directory"),
        ("keys: {path: nowhere/keys.db}", "the database cannot be written"),
        ("keys: {path: broken.db}", "the database cannot be opened: file is not a database"),
    ):
        policy.write_text(f"{section}\n{text}")
        ended = stockade("check")
        assert (ended.status, said in ended.err + ended.out) == (2, True), (section, ended)
    assert not (shop / "nowhere").exists()


def test_a_file_without_an_end_is_too_large(stockade: Stockade) -> None:
    ended = stockade("check", "/dev/zero")
    assert ended.status == 2
    assert "too large for a policy" in ended.err
