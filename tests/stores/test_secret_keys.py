"""Where the key of all secrets comes from: a file that may be changed under running processes, or Vault (a stub)."""

from __future__ import annotations

import stat
import threading

import pytest

from stockade.envelopes import BadEnvelope, Envelope, KeyRing, sealed_under
from stockade.stores.key_file import KeyFile
from stockade.stores.vault import VaultPlace, VaultTransit
from stockade.vocabulary import StoreError
from tests.stores.vault_stub import Vault, running_vault

KEY, OTHER = bytes(range(32)), bytes(range(32, 64))
CONTEXT = b"clients.secret:42"


# A file.


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "stockade.secret-key"
    path.write_text(f"# of the shop\n{KEY.hex()}\n")
    path.chmod(0o600)
    return path


def test_the_first_line_seals_and_all_open(path):
    old = Envelope(KeyFile(path)).seal(b"secret", CONTEXT)
    path.write_text(f"{OTHER.hex()}\n\n# before November\n{KEY.hex()}\n")
    both = Envelope(KeyFile(path))
    assert both.open(old, CONTEXT) == b"secret"
    assert both.ring.current == KeyRing.of(OTHER).current


def test_a_running_process_notices_a_new_key(path):
    running, other = Envelope(KeyFile(path)), KeyFile(path)
    before = running.seal(b"before", CONTEXT)
    fresh = other.rotate()
    assert fresh == running.ring.current
    assert sealed_under(before) != running.ring.current
    sealed = running.seal(b"after", CONTEXT)
    assert sealed_under(sealed) == fresh
    assert Envelope(KeyFile(path)).open(sealed, CONTEXT) == b"after"
    assert running.open(before, CONTEXT) == b"before"
    assert path.read_text().splitlines()[1:] == ["# of the shop", KEY.hex()]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_rotations_at_once_lose_no_key(path):
    ids, ready = [], threading.Barrier(4, timeout=10)

    def rotate():
        ready.wait()
        KeyFile(path).rotate()

    threads = [threading.Thread(target=rotate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert len(set(ids)) == 5
    assert ids[-1] == KEY.hex()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "there is no key"),
        (b"# nothing\n", "there is no key"),
        (b"secret\n", "32 random bytes"),
        (KEY.hex().encode() + b"\nrubbish\n", "32 random bytes"),
        (b"\xff" * 32, "is a text"),
        (b"a" * 70_000, "at most"),
    ],
    ids=["empty", "comment", "short", "second-line", "raw", "long"],
)
def test_a_file_that_holds_no_key(path, content, said):
    envelope = Envelope(KeyFile(path))
    envelope.seal(b"x", CONTEXT)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=said) as caught:
        envelope.seal(b"x", CONTEXT)
    assert "rubbish" not in str(caught.value)
    with pytest.raises(StoreError):
        KeyFile(path).rotate()
    assert path.read_bytes() == content


def test_a_file_that_is_gone(path):
    envelope = Envelope(KeyFile(path))
    sealed = envelope.seal(b"x", CONTEXT)
    content = path.read_bytes()
    path.unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        envelope.open(sealed, CONTEXT)
    path.write_bytes(content)
    assert envelope.open(sealed, CONTEXT) == b"x"


# Vault.


@pytest.fixture
def vault():
    with running_vault() as vault:
        yield vault


def transit(vault: Vault) -> VaultTransit:
    return VaultTransit(VaultPlace(vault.url, "stockade", token=lambda: "root-token"))


def test_vault_wraps_and_unwraps(vault):
    sealed = Envelope(transit(vault)).seal(b"secret", CONTEXT)
    assert sealed_under(sealed) == "vault:stockade:v1"
    assert Envelope(transit(vault)).open(sealed, CONTEXT) == b"secret"
    with pytest.raises(BadEnvelope):
        Envelope(transit(vault)).open(sealed, b"another")


def test_vault_never_sees_a_secret_and_is_asked_seldom(vault):
    envelope = Envelope(transit(vault))
    sealed = [envelope.seal(b"%d" % number, CONTEXT) for number in range(50)]
    assert [envelope.open(each, CONTEXT) for each in sealed] == [b"%d" % number for number in range(50)]
    assert len(vault.asked) <= 3


def test_vaults_key_is_rotated(vault):
    ring = transit(vault)
    envelope = Envelope(ring)
    old = envelope.seal(b"secret", CONTEXT)
    assert transit(vault).rotate() == "vault:stockade:v2"
    assert ring.rotate() == "vault:stockade:v3"
    assert sealed_under(old) != envelope.ring.current
    fresh = envelope.rewrap(old)
    assert sealed_under(fresh) == envelope.ring.current
    assert sealed_under(envelope.seal(b"new", CONTEXT)) == "vault:stockade:v3"
    vault.keys["transit/stockade"][:2] = [b"\0" * 32, b"\0" * 32]
    assert Envelope(transit(vault)).open(fresh, CONTEXT) == b"secret"
    with pytest.raises(BadEnvelope):
        Envelope(transit(vault)).open(old, CONTEXT)


def test_a_token_that_has_run_out_is_read_again(vault):
    tokens = ["root-token"]
    ring = VaultTransit(VaultPlace(vault.url, "stockade", token=lambda: tokens[0]))
    ring.wrap(KEY)
    vault.tokens = {"second"}
    tokens[0] = "second"
    ring.wrap(KEY)
    vault.tokens = set()
    with pytest.raises(StoreError, match="Forbidden") as caught:
        ring.wrap(KEY)
    assert "second" not in str(caught.value) + repr(ring)


def test_an_approle_logs_in_again(vault):
    vault.roles["role"] = "its-secret"
    ring = VaultTransit(VaultPlace(vault.url, "stockade", role_id="role", secret_id=lambda: "its-secret"))
    ring.wrap(KEY)
    vault.tokens.clear()
    ring.wrap(KEY)
    assert vault.asked.count("/v1/auth/approle/login") == 2


def test_another_mount_and_key(vault):
    vault.keys["keys/shop"] = [KEY]
    ring = VaultTransit(VaultPlace(vault.url, "shop", "keys", token=lambda: "root-token"))
    key_id, wrapped = ring.wrap(OTHER)
    assert key_id == "vault:shop:v1"
    assert ring.unwrap(key_id, wrapped) == OTHER
    with pytest.raises(LookupError):
        transit(vault).unwrap(key_id, wrapped)
    with pytest.raises(ValueError, match="does not take it"):
        transit(vault).unwrap("vault:stockade:v1", wrapped)


def test_a_vault_that_is_sealed_or_gone(vault):
    envelope = Envelope(transit(vault))
    sealed = envelope.seal(b"secret", CONTEXT)
    vault.sealed = True
    with pytest.raises(StoreError, match="VaultDown"):
        Envelope(transit(vault)).open(sealed, CONTEXT)
    vault.sealed = False
    assert Envelope(transit(vault)).open(sealed, CONTEXT) == b"secret"
    nowhere = VaultTransit(VaultPlace("http://127.0.0.1:9", "stockade", token=lambda: "root-token"))
    with pytest.raises(StoreError, match="ConnectionError"):
        nowhere.wrap(KEY)


@pytest.mark.parametrize("wrapped", [b"", b"vault:v1", b"vault:v1:\xff", b"vault:v0:AAAA", b"vault:v1:" + b"A" * 3000])
def test_what_vault_did_not_wrap(vault, wrapped):
    ring = transit(vault)
    with pytest.raises(ValueError, match="not wrapped by Vault"):
        ring.unwrap("vault:stockade:v1", wrapped)
    assert vault.asked == []


@pytest.mark.parametrize(
    "data", [{}, {"ciphertext": 7}, {"ciphertext": "nonsense"}, []], ids=["none", "number", "odd", "list"]
)
def test_answers_that_are_none(vault, data, monkeypatch):
    monkeypatch.setattr(vault, "answer", lambda path, token, body: (200, {"data": data} if data != [] else data))
    with pytest.raises(StoreError):
        transit(vault).wrap(KEY)
