"""Secrets of people and of clients, at every place that takes them, through a real Envoy: none is written down.

Passwords and one-time passcodes at an API, codes and state of a login at a provider, and all that the token service is
told: they must not be in the decision log, the table of events (nor anywhere else in the database), the metrics, what
is printed, nor in our own errors.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from http.cookies import SimpleCookie
from typing import Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

import httpx
import pyotp
import pytest

from stockade.grants import challenge_of
from stockade.identity.opening import opened
from stockade.passwords import make_basic
from tests.chromium import Page, chromium
from tests.controls.openid_provider import CLIENT, SECRET, OpenIdProvider, providing
from tests.gateway.client import Reply
from tests.gateway.harness import Gateway, api, free_port, policy, running, wait_until
from tests.gateway.test_token_service_gateway import PATH, Registered, post, register, robot, shop
from tests.gateway.test_token_service_login import BACK, base, submit
from tests.gateway.upstreams import Upstream

pytestmark = pytest.mark.envoy

PASSWORD = "canary battery of seven quiet otters"
VERIFIER = "canary-verifier-3f8a2d417c9b40e6a5d1c7f2b8e94036"
ROOMY = [{"name": "per-address", "key": "address", "rate": "1000/s", "burst": 1000}]
ATTACK = "' UNION SELECT canary, pw FROM users WHERE 1=1 --"  # as a password
PAGE = {"accept": "text/html,*/*;q=0.8", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
WRONG = {
    name: f"canary-{name}-9d3e5b7a1f2c4860"
    for name in (
        "password",
        "otp",
        "code",
        "state",
        "described",
        "secret",
        "basic",
        "refresh",
        "grant-code",
        "token",
        "assertion",
        "passkey",
        "factor",
        "login",
        "typed-as-name",
        "query",
        "device",
        "ticket",
        "cookie",
        "hint",
    )
}
WRONG_RECOVERY = "0CAN-ARY0-0CAN-ARY1"


class World(NamedTuple):
    gateway: Gateway
    provider: OpenIdProvider
    web: Registered
    robot: Registered
    app: pyotp.TOTP
    recovery: list[str]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, echoing: Upstream) -> Iterator[World]:
    folder, door, port = tmp_path_factory.mktemp("canaries"), free_port(), echoing.port
    issuer = f"http://localhost:{door}{PATH}"
    with ExitStack() as stack:
        provider = stack.enter_context(providing())
        oidc = {"issuer": provider.url, "client_id": CLIENT, "client_secret": SECRET, "url": f"http://localhost:{door}"}
        started = policy(
            api(
                port,
                authentication={"any_of": [{"basic": {}}, {"oauth2": {"issuer": issuer, "audience": "shop"}}]},
                waf={},
            ),
            api(port, "desk", prefix="/desk", authentication={"any_of": [{"oidc": oidc}]}),
            listen={"address": f"127.0.0.1:{door}"},
            identity={"issuer": issuer, "limits": ROOMY, "enrolment": True},
            users={"lockout": {"address": 10_000}},
            log={"headers": ["x-tag", "referer", "user-agent"]},
        )
        gateway = Gateway(folder, started)
        with opened(folder / "stockade.yaml") as identity:
            for name in ("alice", "erin"):
                identity.users.add(name, time.time(), "test", password=PASSWORD, scopes=["orders:read"])
            identity.users.add("mallory", time.time(), "test", password=ATTACK)
            carol = identity.users.add("carol", time.time(), "test", password=PASSWORD, scopes=["orders:read"])
            app = identity.factors.enrol_totp(carol, time.time())
            past = time.time() - 120
            assert identity.factors.confirm_totp(carol, app.id, pyotp.TOTP(app.secret).at(int(past)), past, "test")
            recovery = identity.factors.make_recovery(carol, time.time(), "test")
        stack.enter_context(running(gateway))
        rights = ("--scope", "openid", "--scope", "orders:read", "--audience", "shop", "--redirect", BACK)
        grants = ("--grant", "authorization_code", "--grant", "refresh_token", "--grant", "device_code")
        web = register(gateway, "Shop front", *grants, *rights)
        yield World(gateway, provider, web, robot(gateway), pyotp.TOTP(app.secret), recovery)


def told(world: World) -> dict[str, str]:
    """All that outlives a request, and what is printed."""
    gateway = world.gateway
    database = b"".join(path.read_bytes() for path in sorted(gateway.folder.glob("stockade.db*")))
    return {
        "log": (gateway.folder / "decisions.jsonl").read_text(),
        "stderr": gateway.stderr,
        "stdout": gateway.stdout,
        "metrics": "\n".join(gateway.metrics()),
        "readyz": str(gateway.ready()),
        "database": database.decode("latin-1"),
    }


def forms(secret: str) -> list[str]:
    """As it was sent, and as it may be written on the way."""
    raw = secret.encode()
    padded = [base64.b64encode(raw), base64.urlsafe_b64encode(raw)]
    return [secret, quote(secret, safe=""), *(each.rstrip(b"=").decode() for each in padded)]


def found(secrets: dict[str, str], places: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (name, place)
        for name, secret in secrets.items()
        for place, text in places.items()
        if (
            re.search(rf"(?<![\d.]){secret}(?!\d)", text)
            if secret.isdigit() and place != "database"
            else not secret.isdigit() and any(each in text for each in forms(secret))
        )
    ]


def nothing_is_told(world: World, secrets: dict[str, str], replies: Sequence[Reply | httpx.Response]) -> None:
    assert all(len(secret) >= 6 for secret in secrets.values()), secrets
    problems = [
        reply.body.decode() if isinstance(reply, Reply) else reply.text
        for reply in replies
        if "json" in ((reply.header if isinstance(reply, Reply) else reply.headers.get)("content-type") or "")
        and (reply.status if isinstance(reply, Reply) else reply.status_code) >= 400
    ]
    assert found(secrets, {**told(world), "errors": "\n".join(problems)}) == []


# At APIs.


def test_passwords_and_passcodes(world: World) -> None:
    gateway, wrong = world.gateway, WRONG
    code = world.app.at(int(time.time()))
    good = make_basic("carol", PASSWORD)
    sent = [
        {"authorization": make_basic("alice", PASSWORD)},
        {"authorization": make_basic("alice", wrong["password"])},
        {"authorization": make_basic("nobody", wrong["password"])},
        {"authorization": make_basic(wrong["typed-as-name"], wrong["password"])},
        {"authorization": "Basic " + wrong["basic"]},
        {"authorization": f"basic  {wrong['basic']}"},
        {"authorization": wrong["basic"]},
        {"authorization": make_basic("alice", PASSWORD), "proxy-authorization": make_basic("alice", wrong["basic"])},
        {"authorization": good},
        {"authorization": good, "x-otp": wrong["otp"]},
        {"authorization": good, "x-otp": code},
        {"authorization": good, "x-otp": code},  # used up
        {"authorization": good, "x-otp": world.recovery[0]},
        {"authorization": good, "x-otp": world.recovery[0].lower()},  # used up
        {"authorization": good, "x-otp": WRONG_RECOVERY},
        {"authorization": make_basic("alice", wrong["password"]), "x-otp": world.recovery[1]},
        {"authorization": f"Bearer {wrong['token']}"},
        {"authorization": "Bearer x", "referer": f"Basic {wrong['basic']}"},
    ]
    replies = [gateway.ask("GET", "/orders/7", {**headers, "x-tag": "basic"}) for headers in sent]
    gateway.records("basic", len(sent))
    assert {reply.status for reply in replies} >= {200, 401}
    assert [replies[number].status for number in (0, 10, 11, 12, 13)] == [200, 200, 401, 200, 401]
    secrets = {**wrong, "right": PASSWORD, "code": code, "recovery 0": world.recovery[0], "wrong code": WRONG_RECOVERY}
    secrets |= {f"header {n}": each["authorization"].partition(" ")[2] for n, each in enumerate(sent[:4])}
    secrets |= {"recovery, small": world.recovery[0].lower(), "recovery 1": world.recovery[1]}
    nothing_is_told(world, secrets, replies)


def test_a_password_that_the_firewall_takes_for_an_attack(world: World) -> None:
    """What a rule matched is shown to the operator, but not of a credential."""
    credential = make_basic("mallory", ATTACK)
    reply = world.gateway.ask("GET", "/orders/7", {"authorization": credential, "x-tag": "attack"})
    assert reply.status == 403
    record = world.gateway.record("attack")
    shown = [finding for finding in record["findings"] if finding["where"] == "REQUEST_HEADERS:authorization"]
    assert {finding["evidence"] for finding in shown} == {f"…({len(credential)})"}
    whole = credential.removeprefix("Basic ")
    secrets = {f"piece {at}": whole[at : at + 8] for at in range(12, len(whole) - 8, 4)}
    nothing_is_told(world, {**secrets, "right": ATTACK, "part": "UNION SELECT canary"}, [reply])


def test_what_a_provider_sends_back(world: World) -> None:
    """The code, the state, the cookies, the tokens; and callbacks that nobody asked for."""
    gateway, wrong, secrets = world.gateway, WRONG, dict(WRONG)
    host = {"host": f"localhost:{gateway.port}", "x-tag": "callback"}
    begun = gateway.ask("GET", "/desk/orders", {**host, **PAGE})
    assert begun.status == 302
    asked = begun.header("location") or ""
    secrets |= {
        f"asked {name}": value for name, value in parse_qsl(urlsplit(asked).query) if name in ("state", "nonce")
    }
    back = urlsplit(httpx.get(asked, follow_redirects=False, trust_env=False).headers["location"])
    answer = dict(parse_qsl(back.query))
    secrets |= {"code": answer["code"], "state": answer["state"], **cookies_of(begun, "binding")}
    binding = "; ".join(f"{name}={value}" for name, value in jar(begun).items())
    targets = [
        f"{back.path}?{back.query}",
        f"{back.path}?{urlencode({'code': wrong['code'], 'state': wrong['state']})}",
        f"{back.path}?{urlencode({**answer, 'code': wrong['code']})}",
        f"{back.path}?{urlencode({'error': wrong['described'], 'error_description': wrong['described'], **answer})}",
        f"{back.path}/{answer['code']}?{back.query}",
        f"/desk/.stockade/login?return_to=/{wrong['query']}",
        f"/desk/.stockade/logout?id_token_hint={wrong['hint']}",
    ]
    replies = [gateway.ask("GET", each, {**host, **PAGE, "cookie": binding}) for each in targets]
    assert replies[0].status == 303, replies[0].body
    secrets |= cookies_of(replies[0], "session")
    session = "; ".join(f"{name}={value}" for name, value in jar(replies[0]).items() if value)
    form = {**host, "content-type": "application/x-www-form-urlencoded"}
    logout = world.provider.logout_token()
    replies += [
        gateway.ask("GET", "/desk/orders", {**host, "cookie": session}),
        gateway.ask("GET", targets[0], {**host, **PAGE, "cookie": binding}),  # a second time, as are some above
        gateway.ask("GET", "/desk/orders", {**host, "cookie": f"desk-session={wrong['cookie']}"}),
        gateway.ask("POST", f"{back.path}", form, back.query.encode()),
        gateway.ask("POST", "/desk/.stockade/backchannel-logout", form, f"logout_token={wrong['token']}".encode()),
        gateway.ask("POST", "/desk/.stockade/backchannel-logout", form, f"logout_token={logout}".encode()),
    ]
    assert replies[len(targets)].status == 200
    secrets |= {f"access {number}": token for number, token in enumerate(world.provider.access_tokens)}
    secrets |= {f"refresh {number}": token for number, token in enumerate(world.provider.refresh_tokens)}
    gateway.records("callback", len(replies) + 1)
    nothing_is_told(world, {**secrets, "logout": logout.split(".")[1], "client": SECRET}, replies)


def jar(reply: Reply) -> dict[str, str]:
    lines = [value for name, value in reply.headers if name == "set-cookie"]
    return {name: morsel.value for line in lines for name, morsel in SimpleCookie(line).items()}


def cookies_of(reply: Reply, what: str) -> dict[str, str]:
    found = {f"{what} {name}": value for name, value in jar(reply).items() if value}
    assert found
    return found


# At the token service.


def test_what_clients_send(world: World) -> None:
    gateway, wrong, own = world.gateway, WRONG, world.robot
    grant = {"grant_type": "client_credentials"}
    bad = {"client_id": own.id, "client_secret": wrong["secret"]}
    basic = "Basic " + base64.b64encode(f"{own.id}:{wrong['basic']}".encode()).decode()
    jwt_bearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    header = base64.urlsafe_b64encode(b'{"alg":"ES256"}').decode()
    sent: list[tuple[str, dict[str, str], dict[str, str]]] = [
        ("token", grant, {"authorization": own.basic}),
        ("token", {**grant, "client_id": own.id, "client_secret": own.secret}, {}),
        ("token", {**grant, **bad}, {}),
        ("token", {**grant, "client_id": wrong["typed-as-name"], "client_secret": wrong["secret"]}, {}),
        ("token", {**grant, wrong["secret"]: wrong["secret"]}, {"authorization": own.basic}),
        ("token", {"grant_type": wrong["secret"]}, {"authorization": own.basic}),
        ("token", {**grant, "scope": wrong["secret"]}, {"authorization": own.basic}),
        ("token", {**grant, "resource": wrong["secret"]}, {"authorization": own.basic}),
        ("token", grant, {"authorization": basic}),
        ("token", grant, {"authorization": f"Basic {wrong['basic']}"}),
        ("token", {**grant, "client_assertion_type": jwt_bearer, "client_assertion": wrong["assertion"]}, {}),
        (
            "token",
            {**grant, "client_assertion_type": jwt_bearer, "client_assertion": f"{header}.{wrong['assertion']}.x"},
            {},
        ),
        ("token", grant, {"authorization": own.basic, "dpop": wrong["assertion"]}),
        (
            "token",
            {"grant_type": "refresh_token", "refresh_token": wrong["refresh"]},
            {"authorization": world.web.basic},
        ),
        (
            "token",
            {"grant_type": "authorization_code", "code": wrong["grant-code"], "code_verifier": VERIFIER},
            {"authorization": world.web.basic},
        ),
        (
            "token",
            {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": wrong["device"]},
            {"authorization": world.web.basic},
        ),
        ("introspect", {"token": wrong["token"]}, {"authorization": own.basic}),
        ("revoke", {"token": wrong["token"], "token_type_hint": wrong["hint"]}, {"authorization": own.basic}),
        (f"token?client_secret={wrong['query']}&code={wrong['grant-code']}", grant, {"authorization": own.basic}),
        (f"token/{wrong['secret']}", grant, {"authorization": own.basic}),
    ]
    replies = [post(gateway, f"/oauth2/{path}", form, **{**headers, "x-tag": "client"}) for path, form, headers in sent]
    assert [reply.status for reply in replies[:4]] == [200, 200, 401, 401]
    json_body = {"content-type": "application/json", "x-tag": "client"}
    replies.append(gateway.ask("POST", f"{PATH}/oauth2/token", json_body, f'{{"a": "{wrong["secret"]}"}}'.encode()))
    gateway.records("client", len(replies))
    tokens = {f"token {n}": str(reply.json()["access_token"]).rpartition(".")[2] for n, reply in enumerate(replies[:2])}
    nothing_is_told(world, {**wrong, **tokens, "own": own.secret, "verifier": VERIFIER}, replies)


def test_what_people_send(world: World) -> None:
    """A login with everything wrong first; then the code, its tokens, and each of them a second time."""
    gateway, wrong, client = world.gateway, WRONG, world.web
    elsewhere = "https://x/" + wrong["query"]
    asked = {
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": BACK,
        "scope": "openid orders:read",
        "state": wrong["state"],
        "nonce": "a nonce is no secret",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        "login_hint": wrong["query"],
    }
    url = f"{base(gateway)}/oauth2/authorize?{urlencode(asked)}"
    code = world.app.at(int(time.time()) + 30)
    replies: list[Reply | httpx.Response] = []
    with httpx.Client(trust_env=False, headers={"x-tag": "people"}) as browser:
        begun = browser.get(url)
        secrets = {**wrong, "own": client.secret, "right": PASSWORD, "verifier": VERIFIER, "code": code}
        secrets["cookie"] = browser.cookies["stockade"]
        secrets["ticket"] = hidden(begun)["ticket"]
        replies += [
            submit(browser, begun, username="alice", password=wrong["login"]),
            submit(browser, begun, username=wrong["typed-as-name"], password=wrong["login"]),
            submit(browser, begun, username="alice", password=PASSWORD, ticket=wrong["ticket"]),
            browser.get(f"{base(gateway)}/oauth2/authorize?{urlencode({**asked, 'redirect_uri': elsewhere})}"),
            browser.post(
                f"{base(gateway)}/oauth2/passkey", data={"ticket": wrong["ticket"], "answer": wrong["passkey"]}
            ),
        ]
        factor = submit(browser, begun, username="carol", password=PASSWORD)
        assert 'name="code"' in factor.text
        secrets["second ticket"] = hidden(factor)["ticket"]
        replies += [
            submit(browser, factor, code=wrong["factor"]),
            submit(browser, factor, code=WRONG_RECOVERY),
            browser.post(f"{base(gateway)}/oauth2/passkey", data={**hidden(factor), "answer": wrong["passkey"]}),
        ]
        consent = submit(browser, factor, code=world.recovery[2])
        assert "Allow access?" in consent.text, consent.text
        replies.append(submit(browser, factor, code=world.recovery[2]))
        allowed = submit(browser, consent, decision="allow")
    answer = parse_qs(urlsplit(allowed.headers["location"]).query)
    secrets |= {"grant code": answer["code"][0], "recovery": world.recovery[2], "wrong recovery": WRONG_RECOVERY}
    grant = {"grant_type": "authorization_code", "code": answer["code"][0], "redirect_uri": BACK}
    authorization, tag = client.basic, "tokens"
    replies.append(post(gateway, "/oauth2/token", {**grant, "code_verifier": "w" * 43}, authorization=authorization))
    # A code that was tried with another verifier may be gone; so another is fetched.
    tokens = code_flow(world, asked)
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    fresh = post(gateway, "/oauth2/token", refresh, authorization=authorization)
    assert fresh.status == 200, fresh.body
    again = post(gateway, "/oauth2/token", refresh, authorization=authorization, **{"x-tag": tag})
    assert again.status == 400
    dead = {"grant_type": "refresh_token", "refresh_token": fresh.json()["refresh_token"]}
    replies += [
        again,
        post(gateway, "/oauth2/token", dead, authorization=authorization, **{"x-tag": tag}),
        post(gateway, "/oauth2/revoke", {"token": tokens["access_token"]}, authorization=authorization),
        shop(gateway, tokens["access_token"]),
    ]
    for number, each in enumerate((tokens, fresh.json())):
        secrets |= {
            f"refresh {number}": each["refresh_token"],
            f"access {number}": each["access_token"].rpartition(".")[2],
        }
    secrets["identity"] = tokens["id_token"].rpartition(".")[2]
    wait_until(lambda: "refresh.reused" in told(world)["database"], "the events of guesses", 30.0)
    wait_until(lambda: "login.failed" in told(world)["database"], "the events of guesses", 30.0)
    nothing_is_told(world, secrets, replies)


def hidden(page: httpx.Response) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))


def code_flow(world: World, asked: dict[str, str]) -> dict[str, Any]:
    gateway = world.gateway
    with httpx.Client(trust_env=False) as browser:
        page = browser.get(f"{base(gateway)}/oauth2/authorize?{urlencode(asked)}")
        page = submit(browser, page, username="alice", password=PASSWORD)
        location = submit(browser, page, decision="allow").headers["location"]
    code = parse_qs(urlsplit(location).query)["code"][0]
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    reply = post(gateway, "/oauth2/token", grant, authorization=world.web.basic)
    assert reply.status == 200, reply.body
    found: dict[str, Any] = reply.json()
    return found


def test_devices(world: World) -> None:
    gateway, client = world.gateway, world.web
    reply = post(gateway, "/oauth2/device_authorization", {"scope": "orders:read"}, authorization=client.basic)
    assert reply.status == 200, reply.body
    codes = reply.json()
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": codes["device_code"]}
    with httpx.Client(trust_env=False, headers={"x-tag": "device"}) as browser:
        page = browser.get(codes["verification_uri_complete"])
        page = submit(browser, page, user_code=codes["user_code"])
        page = submit(browser, page, username="alice", password=PASSWORD)
        done = submit(browser, page, decision="allow")
    assert done.status_code == 200, done.text
    time.sleep(1)
    replies = [post(gateway, "/oauth2/token", grant, authorization=client.basic) for _ in range(2)]
    secrets = {"device": codes["device_code"], "user": codes["user_code"], "right": PASSWORD}
    nothing_is_told(world, secrets, [reply, *replies])


KEEP = """(() => { const submit = HTMLFormElement.prototype.submit;
HTMLFormElement.prototype.submit = function () {
window.name += this.elements.answer.value + "\\n"; submit.call(this); };
})()"""


def test_passkeys(world: World, tmp_path: Any) -> None:
    """What a real authenticator answered, at enrolment and at a login, and the same once more."""
    gateway = world.gateway
    asked = {
        "response_type": "code",
        "client_id": world.web.id,
        "redirect_uri": BACK,
        "scope": "orders:read",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    with chromium(tmp_path) as page:
        page.add_authenticator()
        enter(page, f"{base(gateway)}/oauth2/passkeys")
        assert "Add a passkey" in page.text
        page.run(KEEP)
        page.click("form[data-passkey] button")
        assert "The passkey is yours" in page.text
        enter(page, f"{base(gateway)}/oauth2/authorize?{urlencode(asked)}")
        assert "Second factor" in page.text
        page.run(KEEP)
        ticket = page.run("document.querySelector('form[data-passkey] [name=ticket]').value")
        page.click("form[data-passkey] button")
        assert "Allow access?" in page.text
        answers = [json.loads(line) for line in page.run("window.name").splitlines()]
        cookie = page.cookies()["stockade"]["value"]
    assert len(answers) == 2, "of the enrolment, and of the login"
    reply = httpx.post(
        f"{base(gateway)}/oauth2/passkey",
        data={"ticket": ticket, "answer": json.dumps(answers[1])},
        cookies={"stockade": cookie},
        headers={"x-tag": "passkey"},
        trust_env=False,
    )
    assert "Allow access?" not in reply.text
    gateway.records("passkey", 1)
    secrets = {"signature": answers[1]["response"]["signature"], "ticket": ticket, "cookie": cookie}
    for number, answer in enumerate(answers):
        secrets[f"said {number}"] = answer["response"]["clientDataJSON"]
    secrets["attested"] = answers[0]["response"]["attestationObject"]
    nothing_is_told(world, secrets, [reply])


def enter(page: Page, url: str) -> None:
    page.go(url)
    page.fill(username="erin", password=PASSWORD)
    page.click()


def test_the_search_finds_what_is_there(world: World) -> None:
    """Else it would prove nothing: a name, an id and an address are where they may be."""
    world.gateway.ask("GET", "/orders/7", {"authorization": make_basic("alice", PASSWORD), "x-tag": "known-by-its-tag"})
    world.gateway.records("known-by-its-tag")
    places = told(world)
    hits = found({"tag": "known-by-its-tag", "client": world.robot.id, "user": "alice"}, places)
    assert {("tag", "log"), ("client", "database"), ("user", "database"), ("user", "log")} <= set(hits)
