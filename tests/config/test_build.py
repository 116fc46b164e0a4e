"""From `Loaded` to `Built`: modes, failure, the lines of findings, what is watched, the hash key."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from stockade.config import BadConfig, Built, build, load, load_text
from stockade.config.build import cluster_name
from stockade.config.hash_key import read_hash_key
from stockade.engine import Binding
from stockade.stores import DatabasePlace

HEAD = 'version: 1\nlisten: [{address: "127.0.0.1:8080"}]\napis:\n'
API = '  - name: shop\n    upstream: {url: "http://127.0.0.1:9000"}\n'


def built(text: str) -> Built:
    return build(load_text(text, Path("stockade.yaml"), {}))


def bindings(text: str) -> dict[str, Binding]:
    (route,) = built(HEAD + API + text).policy.routes
    return {binding.control.name: binding for binding in route.bindings}


def test_the_highest_level_is_for_what_is_not_described(folder: Path) -> None:
    def told(text: str) -> str:
        return bindings(text)["waf"].control.describe()

    described = "    openapi: openapi.yaml\n"
    assert told(f"{described}    waf: {{}}\n").endswith("level 1, 4 for undescribed arguments")
    assert told(f"{described}    waf: {{undescribed_paranoia: 1}}\n").endswith("level 1")
    assert told(f"{described}    schema: {{strict: true}}\n    waf: {{}}\n").endswith("level 1")
    assert told(f"{described}    schema: {{mode: off}}\n    waf: {{}}\n").endswith("level 1")
    assert told("    waf: {}\n").endswith("level 1")


MODES = """\
    firewall: {mode: monitor, failure: open}
    authentication: {mode: monitor, any_of: [{api_key: {}}]}
    limits:
      - {name: early, key: address, rate: 1/s, mode: block, failure: open}
    exposure: {failure: open}
"""


def test_mode_and_failure_reach_the_bindings(folder: Path) -> None:
    made = bindings(MODES)
    assert {name: (binding.monitor, binding.failure) for name, binding in made.items()} == {
        "firewall": (True, "open"),
        "authentication": (True, "closed"),
        "limits": (False, "open"),
        "schema": (False, "closed"),
        "exposure": (False, "open"),
    }


def test_limits_of_a_principal_come_after_authentication(folder: Path) -> None:
    text = """\
    kind: partner
    limits:
      - {name: late, key: [address, principal], rate: 1/s}
      - {name: early, key: "header:X-Tenant", rate: 1/s}
"""
    (route,) = built(HEAD + API + text).policy.routes
    told = [binding.control.describe().partition(":")[0] for binding in route.bindings]
    assert [binding.control.name for binding in route.bindings] == [
        *("firewall", "limits", "authentication", "limits", "schema", "exposure")
    ]
    assert (told[1], told[3]) == ("early", "late")


LINES = """\
    firewall:
      max_body: 1KiB
      deny:
        - 192.0.2.1
      methods: [GET]
    exposure:
      mode: block
      hide_errors: true
"""


@pytest.mark.parametrize(
    ("control", "rule", "line"),
    [
        ("firewall", "address-denied", 8),
        ("firewall", "address-not-allowed", 6),  # allow is not written: the section's line
        ("firewall", "method", 10),
        ("firewall", "too-large", 7),
        ("firewall", "media-type", 6),
        ("firewall", "no-such-rule", 6),
        ("exposure", "error-hidden", 13),
        ("limits", "per-address", 4),  # the kind's default: the API's line
    ],
)
def test_a_finding_names_the_line_that_made_it_so(control: str, rule: str, line: int) -> None:
    assert bindings(LINES)[control].where(rule) == f"stockade.yaml:{line}"


def test_an_address_denied_by_a_feed_names_the_feed(folder: Path) -> None:
    text = "    firewall:\n      mode: block\n      feeds:\n        - feed.txt\n"
    assert bindings(text)["firewall"].where("address-denied") == "stockade.yaml:8"


def test_each_limit_has_its_own_line() -> None:
    text = """\
    limits:
      - {name: a, key: address, rate: 1/s}
      - name: b
        key: operation
        quota: 1/day
"""
    limits = bindings(text)["limits"]
    assert [limits.where(name) for name in ("a", "b")] == ["stockade.yaml:7", "stockade.yaml:8"]
    assert limits.line == "stockade.yaml:7"


def test_limits_that_are_enforced_alike_are_judged_together() -> None:
    text = """\
    limits:
      - {name: a, key: address, rate: 1/s}
      - {name: b, key: address, rate: 1/s, mode: monitor}
      - {name: c, key: operation, quota: 1/day}
      - {name: d, key: principal, rate: 1/s}
      - {name: e, key: address, rate: 1/s, failure: open}
      - {name: f, key: address, rate: 1/s, mode: off}
      - {name: g, key: [principal, operation], rate: 1/s}
"""
    (route,) = built(HEAD + API + text).policy.routes
    groups = [
        (sorted(binding.lines), binding.monitor, binding.failure)
        for binding in route.bindings
        if binding.control.name == "limits"
    ]
    assert groups == [
        (["a", "c"], False, "closed"),
        (["b"], True, "closed"),
        (["e"], False, "open"),
        (["d", "g"], False, "closed"),
    ]


def test_own_responses_carry_security_headers_unless_exposure_only_watches() -> None:
    def headers(text: str) -> int:
        return len(built(HEAD + API + text).policy.routes[0].own_headers)

    assert headers("") == 6
    assert headers("    exposure: {security_headers: false}\n") == 0
    assert headers("    exposure: {mode: monitor}\n") == 0
    assert headers("    exposure: {mode: off}\n") == 0


def test_what_is_watched(folder: Path) -> None:
    text = (
        API
        + """\
    firewall: {feeds: [feed.txt]}
    authentication:
      any_of:
        - jwt: {jwks: issuer.json, issuer: i, audience: a, algorithms: [ES256]}
        - jwt: {secret: {file: secret.txt}, issuer: i, audience: a, algorithms: [HS256]}
"""
    )
    made = built(HEAD + text)
    assert made.watched == {folder / name for name in ("stockade.yaml", "feed.txt", "issuer.json", "secret.txt")}
    assert made.database is None
    assert [source.url for source in made.sources] == ["", ""]


def test_a_control_that_is_off_reads_no_file() -> None:
    text = """\
    firewall: {mode: off, feeds: [nowhere.txt], trusted_proxies: [192.0.2.1]}
    authentication:
      mode: off
      any_of: [{jwt: {jwks: nowhere.json, issuer: i, audience: a, algorithms: [ES256]}}]
"""
    (route,) = built(HEAD + API + text).policy.routes
    assert [binding.control.name for binding in route.bindings] == ["limits", "schema", "exposure"]
    assert "192.0.2.1" in route.trusted_proxies


def test_relative_paths_begin_at_the_policy(tmp_path: Path) -> None:
    (tmp_path / "feed.txt").write_text("192.0.2.0/24\n")
    policy = tmp_path / "stockade.yaml"
    policy.write_text(HEAD + API + "    kind: partner\n    firewall: {feeds: [feed.txt]}\n")
    made = build(load(policy, {}))
    assert made.database == DatabasePlace(tmp_path / "stockade.db")
    assert tmp_path / "feed.txt" in made.watched
    assert (tmp_path / "stockade.hash-key").exists()


def test_a_cluster_changes_its_name_with_its_upstream() -> None:
    def name(upstream: str) -> str:
        return cluster_name(load_text(f"{HEAD}  - name: shop\n    upstream: {upstream}\n", Path("p")).config.apis[0])

    first = name('{url: "http://a"}')
    assert first == name('{url: "http://a/", timeout: 30s}')
    assert first != name('{url: "http://a", timeout: 31s}')


# The hash key.


def test_the_default_hash_key_is_made_once_and_for_us_alone(folder: Path) -> None:
    policy = HEAD + API + "    kind: partner\n"
    built(policy)
    path = folder / "stockade.hash-key"
    made = path.read_text()
    assert len(made.strip()) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    built(policy)
    assert path.read_text() == made
    assert not list(folder.glob(".stockade.hash-key*")), "nothing is left beside it"


def test_no_hash_key_is_made_that_nobody_needs(folder: Path) -> None:
    built(HEAD + API)
    assert not (folder / "stockade.hash-key").exists()


def test_a_hash_key_that_the_operator_named_is_never_made(folder: Path) -> None:
    with pytest.raises(BadConfig, match="cannot be read: No such file"):
        built("keys: {hash_key: {file: mine}}\n" + HEAD + API + "    kind: partner\n")
    assert not (folder / "mine").exists()


def test_a_hash_key_from_the_environment(folder: Path) -> None:
    text = "keys: {hash_key: '${KEY}'}\n" + HEAD + API + "    kind: partner\n"
    loaded = load_text(text, Path("stockade.yaml"), {"KEY": "k" * 32})
    assert read_hash_key(loaded) == b"k" * 32
    assert build(loaded).warnings == ()
    assert "kkk" not in repr(loaded.config)


def test_a_hash_key_where_nothing_can_be_written(folder: Path) -> None:
    text = HEAD + API + "    kind: partner\n"
    with pytest.raises(BadConfig, match=r"nowhere/stockade.hash-key cannot be read: No such file"):
        build(load_text(text, folder / "nowhere" / "stockade.yaml", {}))
