"""Secrets at rest: opened by the right key and context alone, whatever else is tried; outer keys come and go."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stockade.envelopes import BadEnvelope, BadKey, Envelope, KeyRing, parse_key, sealed_under
from stockade.envelopes.ring import key_id_of

KEY, OTHER = bytes(range(32)), bytes(range(32, 64))
CONTEXT = b"users.totp:alice"


def envelope(*keys: bytes) -> Envelope:
    return Envelope(KeyRing.of(*(keys or (KEY,))))


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_was_sealed_opens(plaintext, context):
    sealed = envelope().seal(plaintext, context)
    assert envelope().open(sealed, context) == plaintext
    assert len(sealed) < len(plaintext) + 130


def test_nothing_is_readable_and_nothing_is_alike():
    one = envelope()
    first, second = one.seal(b"JBSWY3DPEHPK3PXP", CONTEXT), one.seal(b"JBSWY3DPEHPK3PXP", CONTEXT)
    assert b"JBSWY3DP" not in first
    assert first[-44:] != second[-44:]
    assert first[20:40] != second[20:40]  # each has a data key of its own


def test_another_context_does_not_open_it():
    sealed = envelope().seal(b"secret", CONTEXT)
    for context in (b"users.totp:mallory", b"", CONTEXT + b"\0", b"\x01" + CONTEXT):
        with pytest.raises(BadEnvelope, match="belongs elsewhere"):
            envelope().open(sealed, context)


def test_another_key_does_not_open_it():
    sealed = envelope().seal(b"secret", CONTEXT)
    with pytest.raises(BadEnvelope, match="which is not here") as caught:
        envelope(OTHER).open(sealed, CONTEXT)
    assert sealed_under(sealed) in str(caught.value)
    pretending = Envelope(KeyRing({sealed_under(sealed): OTHER}, sealed_under(sealed)))
    with pytest.raises(BadEnvelope, match="data key was changed"):
        pretending.open(sealed, CONTEXT)


def test_every_changed_byte_is_noticed():
    sealed = envelope().seal(b"secret", CONTEXT)
    for place in range(len(sealed)):
        for flip in (1, 0x80, 0xFF):
            changed = bytearray(sealed)
            changed[place] ^= flip
            with pytest.raises(BadEnvelope):
                envelope().open(bytes(changed), CONTEXT)


def test_every_shorter_one_is_noticed():
    sealed = envelope().seal(b"", CONTEXT)
    for length in range(len(sealed)):
        with pytest.raises(BadEnvelope):
            envelope().open(sealed[:length], CONTEXT)
    with pytest.raises(BadEnvelope):
        envelope().open(sealed + b"\0", CONTEXT)


def test_halves_of_two_make_no_third():
    one = envelope()
    first, second = one.seal(b"first!", CONTEXT), one.seal(b"second", CONTEXT)
    for cut in range(1, len(first)):
        if first[:cut] + second[cut:] not in (first, second):
            with pytest.raises(BadEnvelope):
                envelope().open(first[:cut] + second[cut:], CONTEXT)


def framed(key_id: bytes, wrapped: bytes, sealed: bytes) -> bytes:
    return b"".join((b"\x01", bytes([len(key_id)]), key_id, len(wrapped).to_bytes(2, "big"), wrapped, sealed))


KNOWN_ID = key_id_of(KEY).encode()


@given(
    st.binary(max_size=200)
    | st.binary(max_size=200).map(lambda rest: b"\x01" + rest)
    | st.builds(framed, st.just(KNOWN_ID) | st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=80))
)
def test_any_bytes_are_refused_in_our_own_words(data):
    for use in (envelope().rewrap, lambda data: envelope().open(data, b"")):
        with pytest.raises(BadEnvelope):
            use(data)
    with suppress(BadEnvelope):
        assert 1 <= len(sealed_under(data)) <= 64  # which only reads who wrapped it


SEALED = envelope().seal(b"the secret", CONTEXT)
HEAD = len(SEALED) - len(b"the secret") - 12 - 16  # with the wrapped data key: all that rewrapping looks at


@given(st.integers(0, len(SEALED)), st.integers(0, 20), st.binary(max_size=20))
def test_what_was_damaged_is_refused_in_our_own_words(at, removed, inserted):
    damaged = SEALED[:at] + inserted + SEALED[at + removed :]
    assume(damaged != SEALED)
    with pytest.raises(BadEnvelope):
        envelope().open(damaged, CONTEXT)
    if damaged[:HEAD] != SEALED[:HEAD] or len(damaged) < HEAD + 12 + 16:
        with pytest.raises(BadEnvelope):
            envelope(OTHER, KEY).rewrap(damaged)
        return
    moved = envelope(OTHER, KEY).rewrap(damaged)  # the secret is not opened for it, and is no better afterwards
    with pytest.raises(BadEnvelope):
        envelope(OTHER).open(moved, CONTEXT)


def test_a_new_outer_key_without_a_gap():
    """Old ones are read until all are rewrapped; then the old key can go."""
    before = envelope(KEY)
    sealed = before.seal(b"secret", CONTEXT)
    both = envelope(OTHER, KEY)
    assert both.open(sealed, CONTEXT) == b"secret"
    assert sealed_under(sealed) != both.ring.current
    moved = both.rewrap(sealed)
    assert sealed_under(moved) == both.ring.current
    assert sealed_under(both.seal(b"new", CONTEXT)) == both.ring.current
    assert envelope(OTHER).open(moved, CONTEXT) == b"secret"
    with pytest.raises(BadEnvelope):
        envelope(KEY).open(moved, CONTEXT)
    with pytest.raises(BadEnvelope):
        envelope(OTHER).rewrap(sealed)


class Distant:
    """A ring that counts how often it is asked, and may be down."""

    reuse = 100
    current = "distant:v1"

    def __init__(self) -> None:
        self.asked, self.down = 0, False
        self._ring = KeyRing({self.current: KEY}, self.current)

    def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        self._ask()
        return self._ring.wrap(data_key)

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        self._ask()
        return self._ring.unwrap(key_id, wrapped)

    def _ask(self) -> None:
        self.asked += 1
        if self.down:
            raise ConnectionError("down")


def test_a_distant_ring_is_asked_seldom():
    ring = Distant()
    sealing, opening = Envelope(ring), Envelope(ring)
    sealed = [sealing.seal(b"%d" % number, CONTEXT) for number in range(100)]
    assert ring.asked == 1
    assert [opening.open(each, CONTEXT) for each in sealed] == [b"%d" % number for number in range(100)]
    assert ring.asked == 2
    sealing.seal(b"one more", CONTEXT)
    assert ring.asked == 3
    ring.down = True
    assert opening.open(sealed[0], CONTEXT) == b"0"  # remembered
    with pytest.raises(ConnectionError):
        Envelope(ring).open(sealed[0], CONTEXT)


def test_remembered_data_keys_are_bounded():
    one = envelope()
    for number in range(300):
        one.open(one.seal(b"%d" % number, CONTEXT), CONTEXT)
    assert len(one._opened) == 256


def test_several_threads():
    one, wrong = Envelope(Distant()), []

    def work(number: int) -> None:
        for turn in range(200):
            text = b"%d-%d" % (number, turn)
            if one.open(one.seal(text, CONTEXT), CONTEXT) != text:
                wrong.append(text)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(
    "text",
    [
        KEY.hex(),
        KEY.hex().upper() + "\n",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    ],
)
def test_a_key_is_written_in_two_ways(text):
    assert parse_key(text) == KEY


def test_url_safe_base64_is_the_same_key():
    assert parse_key("-_" + "A" * 41) == parse_key("+/" + "A" * 41 + "=")


@pytest.mark.parametrize(
    "text", ["", "secret", KEY.hex()[:-2], KEY.hex() + "00", "g" * 64, "é" * 44, "A" * 44, "=" * 43]
)
def test_what_is_no_key(text):
    with pytest.raises(BadKey) as caught:
        parse_key(text)
    assert not text or text not in str(caught.value)


def test_a_secret_has_a_bound():
    with pytest.raises(ValueError, match="at most"):
        envelope().seal(b"x" * ((1 << 24) + 1), CONTEXT)


def test_nothing_shows_a_key():
    ring = KeyRing.of(KEY, OTHER)
    assert KEY.hex()[:8] not in repr(ring) + repr(vars(ring)) + repr(Envelope(ring))
