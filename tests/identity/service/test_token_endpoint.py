"""The token endpoint: who a client is, what it may ask for, and forms that are none."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Route

from stockade.config.sections.identity import IdentitySection, own_paths
from stockade.grants import MAX_FORM, BadClient, Refusal, read_form
from stockade.identity.clients import Registered
from tests.identity.service.test_code_flow import claims
from tests.identity.service.token_service import ISSUER, TokenService, serving

CLIENT = {"grant_type": "client_credentials"}


def error(reply: httpx.Response) -> tuple[int, str]:
    assert reply.headers["cache-control"] == "no-store"
    return reply.status_code, str(reply.json()["error"])


def test_client_credentials(served: TokenService) -> None:
    robot = served.robot()
    reply = served.token(robot, CLIENT)
    said = claims(reply.json()["access_token"])
    assert said | {"jti": "", "grant": ""} == {
        "iss": ISSUER,
        "sub": f"client:{robot.client.id}",
        "aud": "shop",
        "client_id": robot.client.id,
        "scope": "read write",
        "iat": int(served.now),
        "exp": int(served.now) + 300,
        "jti": "",
        "grant": "",
    }
    assert "refresh_token" not in reply.json()


def test_the_secret_in_the_form(served: TokenService) -> None:
    robot = served.robot()
    form = {**CLIENT, "client_id": robot.client.id, "client_secret": robot.secret}
    assert served.post("token", form).status_code == 200
    assert error(served.post("token", {**form, "client_secret": "x"})) == (401, "invalid_client")


def test_nothing_readable_is_kept(served: TokenService) -> None:
    robot, web = served.robot(tokens="opaque"), served.web()
    code = served.code(web)
    shown = [robot.secret, code, served.token(robot, CLIENT).json()["access_token"]]
    shown.append(served.exchange(web, code).json()["refresh_token"])
    folder = served.tokens.database.path.parent
    stored = b"".join(path.read_bytes() for path in folder.iterdir() if path.name.startswith("stockade.db"))
    assert robot.client.id.encode() in stored
    assert [secret for secret in shown if secret.encode() in stored or secret[4:].encode() in stored] == []
    assert b'"d":' not in stored  # the private half of a signing key
    assert robot.secret not in repr(robot)


def test_a_new_secret_and_the_old_one_for_a_while(served: TokenService) -> None:
    robot = served.robot()
    fresh = served.clients.rotate(robot.client.id, served.now, 60.0)
    assert [served.token(each, CLIENT).status_code for each in (robot, fresh)] == [200, 200]
    served.now += 61
    assert [served.token(each, CLIENT).status_code for each in (robot, fresh)] == [401, 200]


def test_all_that_fail_are_told_the_same(served: TokenService) -> None:
    robot, disabled = served.robot(), served.robot()
    served.clients.disable(disabled.client.id, served.now)
    nobody = Registered(robot.client, "sts_wrong")
    replies = [
        served.token(nobody, CLIENT),
        served.token(disabled, CLIENT),
        served.post("token", CLIENT, auth=("unknown", robot.secret)),
        served.post("token", CLIENT, auth=("", "")),
        served.post("token", CLIENT, auth=("x" * 5000, "y")),
    ]
    assert {(reply.status_code, reply.text, reply.headers["www-authenticate"]) for reply in replies} == {
        (401, replies[0].text, replies[0].headers["www-authenticate"])
    }
    assert error(served.post("token", {**CLIENT, "client_id": robot.client.id})) == (401, "invalid_client")
    assert error(served.post("token", CLIENT)) == (401, "invalid_client")


def test_the_same_work_for_a_client_that_there_is_not(served: TokenService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by the clock, which lies in a test: the same look-ups, digests and comparisons."""
    import hmac

    robot = served.robot()
    counts = []
    for name in (robot.client.id, "unknown"):
        seen: list[int] = []
        monkeypatch.setattr(
            "stockade.identity.service.authenticating.hmac.compare_digest",
            lambda a, b, seen=seen, real=hmac.compare_digest: seen.append(len(a)) or real(a, b),
        )
        assert served.post("token", CLIENT, auth=(name, "wrong")).status_code == 401
        monkeypatch.undo()
        counts.append(seen)
    assert counts[0] == counts[1] != []


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({**CLIENT, "scope": "read admin"}, (400, "invalid_scope")),
        ({**CLIENT, "scope": " "}, (400, "invalid_scope")),
        ({**CLIENT, "scope": "READ"}, (400, "invalid_scope")),
        ({**CLIENT, "resource": "https://other.example"}, (400, "invalid_target")),
        ({**CLIENT, "audience": "admin"}, (400, "invalid_target")),
        ({"grant_type": "password", "username": "alice", "password": "x"}, (400, "unsupported_grant_type")),
        ({"grant_type": "implicit"}, (400, "unsupported_grant_type")),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, (400, "unsupported_grant_type")),
        ({"grant_type": "authorization_code", "code": "x"}, (400, "unauthorized_client")),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, (400, "unauthorized_client")),
        ({"scope": "read"}, (400, "invalid_request")),
        ({**CLIENT, "client_id": "somebody-else"}, (400, "invalid_request")),
        ({**CLIENT, "client_secret": "x"}, (400, "invalid_request")),
    ],
    ids=lambda value: " ".join(value.values()) if isinstance(value, dict) else None,
)
def test_more_than_a_client_may(served: TokenService, form: dict[str, str], expected: tuple[int, str]) -> None:
    assert error(served.token(served.robot(), form)) == expected


def test_several_audiences(served: TokenService) -> None:
    robot = served.robot(audiences=["shop", "https://stock.example"])
    assert error(served.token(robot, CLIENT)) == (400, "invalid_target")
    reply = served.token(robot, {**CLIENT, "resource": "https://stock.example"})
    assert claims(reply.json()["access_token"])["aud"] == "https://stock.example"


def test_one_token_for_several_apis(served: TokenService) -> None:
    """RFC 8707, section 2: `resource` may stand there more than once."""
    for form in ("jwt", "opaque"):
        robot = served.robot(audiences=["shop", "https://stock.example", "mail"], tokens=form)
        reply = served.token(robot, {**CLIENT, "resource": ["shop", "https://stock.example", "shop"]})
        assert reply.status_code == 200, reply.text
        told = served.active(reply.json()["access_token"])  # as "shop" asks
        assert told["aud"] == ["shop", "https://stock.example"]
        other = served.robot(audiences=["mail"])
        asked = served.post("introspect", {"token": reply.json()["access_token"]}, auth=(other.client.id, other.secret))
        assert asked.json() == {"active": False}


@pytest.mark.parametrize(
    "resources",
    [
        ["shop", "elsewhere"],
        ["shop", ""],
        ["", ""],
        ["shop\nmail"],
        [f"r{number}" for number in range(9)],
        ["x" * 200, "y" * 200],
    ],
    ids=["foreign", "empty", "both empty", "joined", "many", "long"],
)
def test_audiences_that_no_token_has(served: TokenService, resources: list[str]) -> None:
    known = ["shop", "mail", "x" * 200, "y" * 200, *(f"r{number}" for number in range(9))]
    reply = served.token(served.robot(audiences=known), {**CLIENT, "resource": resources})
    assert error(reply) in ((400, "invalid_target"), (400, "invalid_request"))


def test_nothing_else_may_stand_twice(served: TokenService) -> None:
    robot = served.robot()
    for name in ("audience", "scope", "client_id", "grant_type", "Resource"):
        assert error(served.token(robot, {**CLIENT, name: ["shop", "shop"]})) == (400, "invalid_request")
    # Whatever is posted beside them is still counted.
    reply = served.token(robot, {**CLIENT, "resource": ["shop"] * 40})
    assert error(reply) == (400, "invalid_request")


@pytest.mark.parametrize(
    "body",
    [
        b"grant_type=client_credentials&grant_type=client_credentials",
        b"grant_type=client_credentials&scope=read&scope=write",
        b"grant%5ftype=client_credentials&grant_type=client_credentials",
        b"grant_type=client_credentials&scope=%zz",
        b"grant_type=client_credentials&scope=%",
        b"grant_type=client_credentials&scope=%ff%fe",
        b"grant_type=client_credentials&scope=read%00",
        b"grant_type=client_credentials&scope=read%0d%0aset-cookie:x",
        b"&".join(b"p%d=1" % n for n in range(33)),
        b"grant_type=client_credentials&scope=" + b"a" * 9000,
        b"{}",
        b"",
    ],
    ids=lambda body: repr(body[:60]),
)
def test_forms_that_are_none(served: TokenService, body: bytes) -> None:
    robot = served.robot()
    reply = served.post("token", body, auth=(robot.client.id, robot.secret))
    assert error(reply) == (400, "invalid_request")


def test_other_ways_to_send_a_form(served: TokenService) -> None:
    robot = served.robot()
    auth = (robot.client.id, robot.secret)
    assert error(served.post("token", b"x=" + b"a" * MAX_FORM, auth=auth)) == (413, "invalid_request")
    assert error(served.post("token?grant_type=client_credentials", CLIENT, auth=auth)) == (400, "invalid_request")
    body = json.dumps(CLIENT).encode()
    reply = served.post("token", body, auth=auth, headers={"content-type": "application/json"})
    assert error(reply) == (400, "invalid_request")
    with served.http() as client:
        assert client.get("/id/oauth2/token", params=CLIENT).status_code == 405
        assert client.get("/id/oauth2/unknown").status_code == 404


@given(st.binary(max_size=300))
def test_any_bytes_are_a_form_or_refused(data: bytes) -> None:
    with contextlib.suppress(Refusal):
        assert all(read_form(data).values())


@pytest.mark.parametrize("authorization", ["Basic", "Basic !!", "Basic eA==", "Bearer abc", "Basic " + "A" * 9000, "é"])
def test_headers_that_are_no_credential(served: TokenService, authorization: str) -> None:
    reply = served.post("token", CLIENT, headers={"authorization": authorization.encode()})
    assert reply.status_code in (400, 401)
    assert reply.json()["error"] in ("invalid_client", "invalid_request")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"grants": []}, "a grant at least"),
        ({"grants": ["password"]}, "unknown grant password"),
        ({"audiences": []}, "state an audience"),
        ({"scopes": ["a b"]}, "is no scope"),
        ({"grants": ["authorization_code"]}, "belong together"),
        ({"grants": ["authorization_code"], "redirects": ["http://app.example/"]}, "https"),
        ({"grants": ["authorization_code"], "redirects": ["javascript:alert(1)"]}, "private scheme"),
        ({"grants": ["authorization_code"], "redirects": ["https://*.example/"]}, "wildcard"),
        ({"grants": ["authorization_code"], "redirects": ["https://a.example/#x"]}, "fragment"),
        ({"grants": ["authorization_code"], "redirects": ["https://u@a.example/"]}, "no user"),
        ({"grants": ["authorization_code"], "redirects": ["https://a;script-src/"]}, "the host is"),
        ({"grants": ["refresh_token"]}, "another grant"),
        ({"authentication": "none"}, "without a credential"),
        ({"authentication": "private_key_jwt"}, "--jwks"),
        ({"authentication": "tls"}, "--certificate"),
        ({"authentication": "tls", "certificate": "CN=x"}, "subject:"),
        ({"jwks": b"{}"}, "keys"),
        ({"jwks": b'{"keys":[{"kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U"}]}'}, "public keys"),
        ({"client_id": "a b"}, "an id is"),
        ({"tokens": "saml"}, "token format"),
        ({"bound": "ip"}, "unknown binding"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value)[:60],
)
def test_clients_that_cannot_be(served: TokenService, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(BadClient, match=words.replace("--", "")):
        served.robot(**fields)


def test_metadata_and_keys(served: TokenService) -> None:
    served.robot()
    with served.http() as client:
        first = client.get("/id/.well-known/openid-configuration")
        second = client.get("/.well-known/oauth-authorization-server/id")
        keys = client.get("/id/oauth2/jwks").json()["keys"]
    assert first.json() == second.json()
    document = first.json()
    assert (document["issuer"], document["code_challenge_methods_supported"]) == (ISSUER, ["S256"])
    assert document["token_endpoint"] == ISSUER + "/oauth2/token"
    assert [sorted(key) for key in keys] == [["alg", "crv", "kid", "kty", "use", "x", "y"]]


def test_a_database_that_is_gone(served: TokenService) -> None:
    robot = served.robot()
    served.tokens.database.path.unlink()
    reply = served.token(robot, CLIENT)
    assert error(reply) == (503, "temporarily_unavailable")


def test_what_is_served_is_known_to_the_policy(tmp_path: Path) -> None:
    """A path that the policy does not know of could be taken by another API."""
    with serving(tmp_path, enrolment=True) as service:
        section = IdentitySection(issuer=service.settings.issuer)
        assert {route.path for route in service.app.routes if isinstance(route, Route)} == own_paths(section)
