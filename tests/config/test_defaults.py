"""What each kind of API starts from, and that what is stated wins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from stockade.config import Api, load_text
from stockade.config.defaults import KINDS

UPSTREAM = {"url": "http://127.0.0.1:9000"}
KEY = [{"api_key": {"header": "X-API-Key"}}]


def api(**keys: Any) -> Api:
    policy = {
        "version": 1,
        "listen": [{"address": "127.0.0.1:8080"}],
        "apis": [{"name": "shop", "upstream": UPSTREAM, **keys}],
    }
    return load_text(yaml.safe_dump(policy), Path("stockade.yaml"), {}).config.apis[0]


def test_an_api_without_a_kind_is_open() -> None:
    assert api() == api(kind="open")


@pytest.mark.parametrize(
    ("kind", "authenticated", "limits", "max_body", "media_types", "private"),
    [
        ("open", False, ["per-address"], 1 << 20, [], False),
        ("partner", True, ["per-address", "per-principal", "daily"], 1 << 20, [], False),
        ("internal", True, ["per-principal"], 1 << 20, [], True),
        ("composite", True, ["per-address", "per-principal"], 256 << 10, ["application/json"], False),
    ],
)
def test_each_kind(
    kind: str, authenticated: bool, limits: list[str], max_body: int, media_types: list[str], private: bool
) -> None:
    made = api(kind=kind)
    assert (made.authentication is not None) == authenticated
    assert [limit.name for limit in made.limits] == limits
    assert made.firewall.max_body == max_body
    assert made.firewall.media_types == media_types
    assert ("10.0.0.0/8" in made.firewall.allow) == private
    assert all(section.mode == "block" for section in (made.firewall, made.exposure, *made.limits))
    assert all(section.failure == "closed" for section in (made.firewall, made.exposure, *made.limits))


def test_every_kind_is_tried() -> None:
    assert set(KINDS) == {"open", "partner", "internal", "composite"}


def test_a_stated_key_of_the_firewall_wins_and_the_others_stay() -> None:
    firewall = api(kind="composite", firewall={"max_body": "2MiB"}).firewall
    assert firewall.max_body == 2 << 20
    assert firewall.media_types == ["application/json"]


def test_a_stated_list_is_not_merged() -> None:
    assert api(kind="internal", firewall={"allow": ["192.0.2.1"]}).firewall.allow == ["192.0.2.1"]
    assert api(kind="internal", firewall={"allow": []}).firewall.allow == []


def test_stated_limits_replace_all_of_the_kinds() -> None:
    stated = [{"name": "mine", "key": "address", "rate": "1/s"}]
    assert [limit.name for limit in api(kind="partner", limits=stated).limits] == ["mine"]
    assert api(kind="partner", limits=[]).limits == []


def test_stated_authentication_replaces_all_of_the_kinds() -> None:
    token = {"jwt": {"jwks": "https://issuer.example/jwks", "issuer": "i", "audience": "a", "algorithms": ["ES256"]}}
    made = api(kind="partner", authentication={"any_of": [token]}).authentication
    assert made is not None
    assert [item.api_key for item in made.any_of] == [None]
    off = api(kind="partner", authentication={"mode": "off"}).authentication
    assert off is not None
    assert off.mode == "off"


def test_defaults_are_not_shared_between_apis() -> None:
    policy = {
        "version": 1,
        "listen": [{"address": "127.0.0.1:8080"}],
        "apis": [{"name": name, "prefix": f"/{name}", "kind": "internal", "upstream": UPSTREAM} for name in "ab"],
    }
    first, second = load_text(yaml.safe_dump(policy), Path("stockade.yaml"), {}).config.apis
    first.firewall.allow.append("0.0.0.0/0")
    assert second.firewall.allow == KINDS["internal"]["firewall"]["allow"]


def test_the_smallest_authentication() -> None:
    made = api(authentication={"any_of": [{"api_key": {}}]}).authentication
    assert made is not None
    assert made.any_of[0].api_key is not None
    assert made.any_of[0].api_key.header == "X-API-Key"


def test_a_rate_without_burst_lets_one_second_through_at_once() -> None:
    def burst(rate: str) -> Any:
        return api(limits=[{"name": "a", "key": "address", "rate": rate}]).limits[0].compiled().measure

    assert (burst("50/s").burst, burst("90/min").burst, burst("1/day").burst) == (50, 2, 1)
    assert burst("1/day").interval == 86400
