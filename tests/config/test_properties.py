"""Nothing that is written may end in a traceback: loading and building give `Built`, or BadConfig with a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stockade.config import BadConfig, Built, build, load_text
from stockade.config.schema import policy_schema

ENVIRONMENT = {"A": "x"}
POLICY: dict[str, Any] = {
    "version": 1,
    "listen": [{"address": "127.0.0.1:8080", "tls": {"certificate": "c.pem", "key": "k.pem", "min_version": "1.3"}}],
    "admin": {"address": "127.0.0.1:9700"},
    "log": {"path": "decisions.jsonl", "headers": ["x-tag"]},
    "keys": {"path": "stockade.db", "hash_key": "0123456789abcdef0123456789abcdef"},
    "workers": 1,
    "timeouts": {"headers": "10s", "request": "0s"},
    "connections": 100,
    "max_headers": "32KiB",
    "drain": "15s",
    "apis": [
        {
            "name": "shop",
            "kind": "partner",
            "hosts": ["shop.example", "*.shop.example"],
            "prefix": "/v1",
            "upstream": {
                "url": "https://127.0.0.1:9000",
                "timeout": "30s",
                "tls": {"ca": "ca.pem", "verify": False},
                "health": {"path": "/health", "interval": "5s"},
            },
            "operations": ["GET /v1/orders/{id}"],
            "firewall": {
                "mode": "block",
                "allow": ["10.0.0.0/8"],
                "deny": ["203.0.113.0/24"],
                "feeds": ["feed.txt"],
                "methods": ["GET"],
                "max_body": "1MiB",
                "media_types": ["application/json"],
                "trusted_proxies": ["127.0.0.1"],
            },
            "authentication": {
                "any_of": [
                    {"api_key": {"header": "X-API-Key"}},
                    {"jwt": {"jwks": "issuer.json", "issuer": "i", "audience": "a", "algorithms": ["ES256"]}},
                    {
                        "jwt": {
                            "secret": "0123456789abcdef0123456789abcdef",
                            "issuer": "i",
                            "audience": "a",
                            "algorithms": ["HS256"],
                            "leeway": "5s",
                        }
                    },
                ],
                "anonymous": ["GET /health"],
            },
            "limits": [
                {"name": "a", "key": "address", "rate": "50/s", "burst": 100},
                {"name": "b", "key": ["principal", "header:X-Tenant"], "quota": "10000/day", "mode": "monitor"},
            ],
            "exposure": {"security_headers": True, "remove_headers": ["server"]},
        },
        {"name": "rest", "upstream": {"url": "http://127.0.0.1:9001"}},
    ],
}


def outcome(text: str | bytes) -> Built | BadConfig:
    """What became of it; whatever else is raised fails the test."""
    try:
        made = build(load_text(text, Path("stockade.yaml"), ENVIRONMENT))
    except BadConfig as error:
        _check_problems(error)
        return error
    for route in made.policy.routes:
        for binding in route.bindings:
            assert binding.control.describe()
            assert binding.line.startswith("stockade.yaml:")
    return made


def _check_problems(error: BadConfig) -> None:
    assert error.problems
    assert all(problem.text and problem.file == "stockade.yaml" for problem in error.problems)
    assert str(error).encode("utf-8", "backslashreplace")


def places(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield place
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*place, key))


PLACES = [place for place in places(POLICY) if place]
WORDS = st.sampled_from(
    [
        *("off", "on", "yes", "block", "monitor", "open", "closed", "partner", "auto", "address", "principal"),
        *("operation", "header:X", "0/s", "1/s", "5/week", "1/day", "0s", "1ms", "999999999999999d", "1e9s", "1MiB"),
        *("99999999999999GiB", "1B", "0B", "-1", "0", "/", "/a/../b", "/%", "*", "*.", "a..b", "GET", "GET /", "{}"),
        *("${A}", "${", "${B}", ".", "..", "\\", "'", '"', "10.0.0.0/8", "::/0", "::1", "1.2.3", "300.1.1.1/40", "::"),
        *("fe80::1%eth0", "127.0.0.1:80", "[::]:80", ":80", ":0", "http://a", "https://a:0", "http://[", "http://a@b"),
        *("http://a/b", "HS256", "none", "ES256", "feed.txt", "issuer.json", "short.txt", "text/*", "*/*", "a/b;c=d"),
        *("x-tag", "cookie", "é", "\ud800", "\x00", "\x85", "\u2028", "\xa0", ""),
    ]
)
SCALARS = st.one_of(
    WORDS,
    st.text(max_size=20),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    st.just("x" * 5000),
    st.just(10**400),
)
KEYS = st.one_of(WORDS, st.sampled_from(["mode", "name", "key", "url", "tls", "jwt", "file", "limits", "quota"]))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
MUTATIONS = st.lists(
    st.tuples(st.sampled_from(PLACES), st.sampled_from(["replace", "remove", "add", "double"]), VALUES, KEYS),
    min_size=1,
    max_size=4,
)


def mutated(mutations: list[tuple[tuple[str | int, ...], str, Any, str]]) -> dict[str, Any]:
    policy: dict[str, Any] = json.loads(json.dumps(POLICY))
    for place, how, value, key in mutations:
        around: Any = policy
        try:
            for part in place[:-1]:
                around = around[part]
            if how == "remove":
                del around[place[-1]]
            elif how == "replace":
                around[place[-1]] = value
            elif isinstance(around, list):
                around.append(value if how == "add" else around[-1])
            else:
                around[key] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier mutation took the place away
    return policy


quick = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def test_the_policy_that_is_mutated_is_good(folder: Path) -> None:
    (folder / "ca.pem").touch()
    assert isinstance(outcome(json.dumps(POLICY)), Built)


@pytest.mark.usefixtures("folder")
@settings(quick, max_examples=400)
@given(MUTATIONS)
def test_mutated_policies(mutations: list[tuple[tuple[str | int, ...], str, Any, str]]) -> None:
    outcome(json.dumps(mutated(mutations)))  # JSON is YAML


@pytest.mark.usefixtures("folder")
@quick
@given(st.text(alphabet=st.one_of(st.sampled_from(" \t\n-:[]{},&*!|>'\"%@`#?~<"), st.characters()), max_size=200))
def test_random_text(text: str) -> None:
    assert isinstance(outcome(text), BadConfig)


@quick
@given(st.binary(max_size=200))
def test_random_bytes(data: bytes) -> None:
    assert isinstance(outcome(data), BadConfig)


TEXT = json.dumps(POLICY, indent=1)


@pytest.mark.usefixtures("folder")
@quick
@given(
    st.integers(0, len(TEXT)),
    st.integers(0, 30),
    st.text(alphabet="\t\n -:[]{},&*!|>'\"%@`#?~<\\$0aé\x00\x85", max_size=5),
)
def test_damaged_text(start: int, length: int, text: str) -> None:
    outcome(TEXT[:start] + text + TEXT[start + length :])


def test_every_default_may_be_written(folder: Path) -> None:
    """The schema shows defaults as the operator would write them; written, they change nothing."""
    schema = policy_schema()
    api = {"name": "shop", "upstream": {"url": "http://127.0.0.1:9000"}, "kind": "open"}
    config: dict[str, Any] = {"version": 1, "listen": [{"address": "127.0.0.1:8080"}], "apis": [api]}
    bare = load_text(json.dumps(config), Path("stockade.yaml")).config
    written: list[tuple[dict[str, Any], str]] = [(config, ""), (api, "Api"), (api["upstream"], "Upstream")]  # type: ignore[list-item]
    for key, name in (("admin", "Admin"), ("log", "Log"), ("keys", "Keys"), ("timeouts", "Timeouts")):
        config[key] = {}
        written.append((config[key], name))
    for key, name in (("firewall", "FirewallSection"), ("exposure", "ExposureSection")):
        api[key] = {}
        written.append((api[key], name))  # type: ignore[arg-type]
    count = 0
    for mapping, name in written:
        properties = schema["$defs"][name]["properties"] if name else schema["properties"]
        defaults = {key: value["default"] for key, value in properties.items() if "default" in value}
        count += len(defaults.keys() - mapping.keys())
        for key, value in defaults.items():
            mapping.setdefault(key, value)
    api.pop("limits", None)  # the schema's default is the empty list, the kind's is not
    loaded = load_text(json.dumps(config), Path("stockade.yaml")).config
    assert count >= 25
    assert loaded == bare
