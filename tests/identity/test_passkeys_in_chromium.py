"""Passkeys with a real browser: Chromium and its virtual authenticator, on a page of ours."""

from __future__ import annotations

import json
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from stockade.identity.passkeys import Passkeys
from stockade.second_factors import BadPasskey, Methods, RelyingParty
from tests.chromium import Page, chromium
from tests.identity.conftest import AT, OTHER, World

PAGE = b"""<!doctype html><meta charset="utf-8"><title>Passkeys</title><script>
async function make(options) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return JSON.stringify((await navigator.credentials.create({publicKey})).toJSON());
}
async function show(options) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return JSON.stringify((await navigator.credentials.get({publicKey})).toJSON());
}
</script>"""


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, origin: str) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("chromium")) as page:
        page.go(f"{origin}/")
        yield page


@pytest.fixture
def authenticator(page: Page) -> Iterator[str]:
    made = page.add_authenticator()
    yield made
    page.remove_authenticator(made)


@pytest.fixture
def passkeys(world: World, origin: str) -> Passkeys:
    return of(world, RelyingParty("localhost", (origin,), "The Shop"))


def of(world: World, party: RelyingParty) -> Passkeys:
    return Passkeys(world.factors, world.factor_store, party)


def make(page: Page, options: str) -> str:
    return str(page.run(f"make({options})"))


def show(page: Page, options: str) -> str:
    return str(page.run(f"show({options})"))


def enrol(page: Page, passkeys: Passkeys, world: World, name: str = "alice") -> None:
    user = world.users.find(name)
    challenge = passkeys.begin(user, AT)
    passkeys.finish(user, challenge.id, make(page, challenge.options), AT, "test", "laptop")


def test_enrolled_and_shown(page: Page, authenticator: str, passkeys: Passkeys, world: World) -> None:
    enrol(page, passkeys, world)
    user = world.users.find("alice")
    assert user.factors == {"passkey"}
    for at in (AT + 1, AT + 2):
        challenge = passkeys.challenge(at, user)
        login = passkeys.check(challenge.id, show(page, challenge.options), at)
        assert (login.user.name, login.proof) == ("alice", "passkey")
    methods = Methods.of(login.proof)
    assert (methods.acr, sorted(methods.amr)) == ("phr", ["mfa", "swk", "user"])
    (factor,) = world.factors.of(user)
    kept = page.call("WebAuthn.getCredentials", authenticatorId=authenticator)["credentials"]
    assert factor.counter == kept[0]["signCount"] > 0


def test_without_a_name(page: Page, authenticator: str, passkeys: Passkeys, world: World) -> None:
    """The browser says who it is."""
    enrol(page, passkeys, world)
    challenge = passkeys.challenge(AT)
    assert json.loads(challenge.options)["allowCredentials"] == []
    assert passkeys.check(challenge.id, show(page, challenge.options), AT).user.name == "alice"


def test_an_answer_is_good_once_and_for_its_challenge(
    page: Page, authenticator: str, passkeys: Passkeys, world: World
) -> None:
    enrol(page, passkeys, world)
    first, second = passkeys.challenge(AT), passkeys.challenge(AT)
    answer = show(page, first.options)
    with pytest.raises(BadPasskey):
        passkeys.check(second.id, answer, AT)
    passkeys.check(first.id, answer, AT)
    with pytest.raises(BadPasskey, match="no such challenge"):
        passkeys.check(first.id, answer, AT)
    late = passkeys.challenge(AT)
    answer = show(page, late.options)
    with pytest.raises(BadPasskey, match="none any more"):
        passkeys.check(late.id, answer, AT + 301)


def test_a_copied_authenticator_is_noticed(page: Page, authenticator: str, passkeys: Passkeys, world: World) -> None:
    """The copy has signed less than the original: its count stands behind."""
    enrol(page, passkeys, world)
    (kept,) = page.call("WebAuthn.getCredentials", authenticatorId=authenticator)["credentials"]
    for _ in range(3):
        challenge = passkeys.challenge(AT)
        passkeys.check(challenge.id, show(page, challenge.options), AT)
    page.call("WebAuthn.clearCredentials", authenticatorId=authenticator)
    page.call("WebAuthn.addCredential", authenticatorId=authenticator, credential=kept)
    challenge = passkeys.challenge(AT)
    answer = show(page, challenge.options)
    with pytest.raises(BadPasskey, match="sign count"):
        passkeys.check(challenge.id, answer, AT)


def test_an_authenticator_makes_one_passkey_for_a_user(
    page: Page, authenticator: str, passkeys: Passkeys, world: World
) -> None:
    enrol(page, passkeys, world)
    challenge = passkeys.begin(world.users.find("alice"), AT)
    with pytest.raises(RuntimeError, match="InvalidStateError"):
        make(page, challenge.options)


def test_another_site_and_another_origin(page: Page, authenticator: str, world: World, origin: str) -> None:
    elsewhere = of(world, RelyingParty("localhost", ("http://localhost:1",)))
    challenge = elsewhere.begin(world.users.find("alice"), AT)
    answer = make(page, challenge.options)
    with pytest.raises(BadPasskey, match="origin"):
        elsewhere.finish(world.users.find("alice"), challenge.id, answer, AT, "test")
    other_site = of(world, RelyingParty("example.com", (origin,)))
    challenge = other_site.begin(world.users.find("alice"), AT)
    with pytest.raises(RuntimeError, match="SecurityError"):
        make(page, challenge.options)


def test_a_user_who_did_not_show_themselves(page: Page, world: World, origin: str) -> None:
    """An authenticator without PIN or finger: refused where that is asked for, a lesser proof where it is not."""
    made = page.add_authenticator(hasUserVerification=False, isUserVerified=False)
    try:
        strict = of(world, RelyingParty("localhost", (origin,)))
        lenient = of(world, RelyingParty("localhost", (origin,), verified=False))
        enrol(page, lenient, world)
        challenge = lenient.challenge(AT, world.users.find("alice"))
        login = lenient.check(challenge.id, show(page, challenge.options), AT)
        assert login.proof == "passkey-unverified"
        assert "mfa" not in Methods.of(login.proof).amr
        challenge = lenient.challenge(AT, world.users.find("alice"))
        answer = show(page, challenge.options)
        with pytest.raises(BadPasskey, match="verification is required"):
            strict.check(challenge.id, answer, AT)
    finally:
        page.remove_authenticator(made)


def test_whose_it_is(page: Page, authenticator: str, passkeys: Passkeys, world: World) -> None:
    enrol(page, passkeys, world)
    bob = world.users.add("bob", AT, "test", password=OTHER)
    challenge = passkeys.challenge(AT, bob)
    assert json.loads(challenge.options)["allowCredentials"] == []
    answer = show(page, challenge.options)
    with pytest.raises(BadPasskey, match="another user"):
        passkeys.check(challenge.id, answer, AT)
    challenge = passkeys.begin(bob, AT)
    with pytest.raises(BadPasskey, match="no such challenge"):
        passkeys.finish(world.users.find("alice"), challenge.id, make(page, challenge.options), AT, "test")
    world.users.disable("alice", AT, "test")
    challenge = passkeys.challenge(AT)
    answer = show(page, challenge.options)
    with pytest.raises(BadPasskey):
        passkeys.check(challenge.id, answer, AT)


def test_every_bit_counts(page: Page, authenticator: str, passkeys: Passkeys, world: World) -> None:
    """An answer in which one byte of one part was changed proves nothing, and nothing but BadPasskey is raised."""
    enrol(page, passkeys, world)
    tried = 0
    challenge = passkeys.challenge(AT)
    good = json.loads(show(page, challenge.options))
    judged(passkeys, challenge.id, good)  # as it is it proves what it says
    for part in ("authenticatorData", "clientDataJSON", "signature"):
        data = urlsafe_b64decode(good["response"][part] + "==")
        for place in range(0, len(data), max(len(data) // 12, 1)):
            spoiled = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
            response = {**good["response"], part: urlsafe_b64encode(spoiled).rstrip(b"=").decode()}
            with pytest.raises(BadPasskey):
                judged(passkeys, challenge.id, {**good, "response": response})
            tried += 1
    assert tried >= 36


def judged(passkeys: Passkeys, challenge_id: str, answer: Any) -> None:
    """Judged beside the challenge's own life, which one wrong answer would end."""
    from stockade.second_factors import Passkey, verify_authentication

    once = passkeys._store.once(challenge_id)
    assert once is not None
    factor = passkeys._store.by_handle(urlsafe_b64decode(answer["rawId"] + "=="))
    assert factor is not None
    assert factor.handle is not None
    known = Passkey(factor.handle, factor.public_key or b"", factor.counter)
    verify_authentication(passkeys._party, json.dumps(answer), once.digest, known)


@pytest.mark.parametrize(
    "answer",
    ["", "{}", "null", "[]", "[" * 100_000, '{"id": 1}', '{"id":"x","rawId":"x","response":{},"type":"public-key"}'],
    ids=["empty", "nothing", "null", "list", "deep", "number", "hollow"],
)
def test_hostile_answers(passkeys: Passkeys, world: World, answer: str) -> None:
    user = world.users.find("alice")
    with pytest.raises(BadPasskey):
        passkeys.finish(user, passkeys.begin(user, AT).id, answer, AT, "test")
    with pytest.raises(BadPasskey):
        passkeys.check(passkeys.challenge(AT).id, answer, AT)
