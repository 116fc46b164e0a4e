"""API keys: made, recognised, stored, compared, and never shown."""

from __future__ import annotations

import re
from hashlib import blake2b
from zlib import crc32

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.tokens import (
    ApiKeyRecord,
    ParsedApiKey,
    api_key,
    api_key_digester,
    digest_api_key,
    make_api_key,
    matches,
    parse_api_key,
)

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
HASH_KEY = b"h" * 32
KEY = make_api_key(bytes(range(16)), bytes(range(32)))
made_keys = st.builds(make_api_key, st.binary(min_size=16, max_size=16), st.binary(min_size=32, max_size=32))


def record(text: str = KEY, expires: float | None = None, revoked: float | None = None) -> ApiKeyRecord:
    return ApiKeyRecord(text[4:16], "billing", digest_api_key(HASH_KEY, text), expires=expires, revoked=revoked)


def test_shape_and_checksum() -> None:
    """The checksum can be computed by anyone from this line: CRC-32 of what precedes, in base62, six digits."""
    assert re.fullmatch(r"stk_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}", KEY)
    number = 0
    for char in KEY[-6:]:
        number = number * 62 + BASE62.index(char)
    assert number == crc32(KEY[:-6].encode())


def test_the_example_in_the_manual_is_a_key() -> None:
    (example,) = re.findall(r"stk_\w{12}_\w+", api_key.__doc__ or "")
    assert parse_api_key(example) is not None


@given(made_keys)
def test_made_keys_parse(text: str) -> None:
    assert parse_api_key(text) == ParsedApiKey(text[4:16], text)


def test_extreme_bytes_keep_the_length() -> None:
    for fill in (b"\0", b"\xff"):
        assert parse_api_key(make_api_key(fill * 16, fill * 32)) is not None


@pytest.mark.parametrize(("id_bytes", "secret_bytes"), [(15, 32), (17, 32), (16, 31), (16, 33), (0, 0)])
def test_other_amounts_of_randomness_are_refused(id_bytes: int, secret_bytes: int) -> None:
    with pytest.raises(ValueError, match="16 and 32 random bytes"):
        make_api_key(bytes(id_bytes), bytes(secret_bytes))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "stk_",
        KEY[:-1],
        KEY + "0",
        KEY + "\n",
        " " + KEY,
        KEY.replace("stk_", "STK_"),
        KEY.replace("stk_", "skt_"),
        KEY.replace("_", "-"),
        KEY[:-6] + "000000",
        KEY[:-1] + "é",
        KEY[:-1] + "１",
        KEY[:-1] + "\ud800",
        KEY[:-1] + "\0",
        KEY[:16] + KEY[17:] + "0",
        "stk_" + "_" * 51,
        "x" * 1_000_000,
    ],
)
def test_malformed(text: str) -> None:
    assert parse_api_key(text) is None


@pytest.mark.parametrize(
    "body",
    [
        "skt_" + KEY[4:-6],
        KEY[:16] + "-" + KEY[17:-6],
        KEY[:20] + "_" + KEY[21:-6],
        KEY[:20] + "é" + KEY[21:-6],
        KEY[:20] + "\n" + KEY[21:-6],
        KEY[:20] + "١" + KEY[21:-6],  # a digit, in Arabic
    ],
)
def test_a_right_checksum_does_not_make_a_key(body: str) -> None:
    number = crc32(body.encode())
    digits = "".join(BASE62[number // 62**place % 62] for place in reversed(range(6)))
    assert parse_api_key(body + digits) is None


@given(st.text() | st.from_regex("stk_[0-9A-Za-z]{12}_[0-9A-Za-z]+"))
def test_garbage_never_raises(text: str) -> None:
    parsed = parse_api_key(text)
    assert parsed is None or parsed.text == text


@given(made_keys, st.integers(0, 54), st.characters() | st.sampled_from(BASE62))
def test_one_changed_character_is_no_key(text: str, at: int, char: str) -> None:
    changed = text[:at] + char + text[at + 1 :]
    if changed != text:
        assert parse_api_key(changed) is None
        assert not matches(record(text), HASH_KEY, changed)


@given(made_keys, st.integers(0, 53))
def test_two_neighbours_exchanged_are_no_key(text: str, at: int) -> None:
    changed = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    assert changed == text or parse_api_key(changed) is None


def test_digest_and_match() -> None:
    assert matches(record(), HASH_KEY, KEY)
    assert len(record().digest) == 32
    assert not matches(record(), b"i" * 32, KEY)
    assert not matches(record(make_api_key(bytes(16), bytes(32))), HASH_KEY, KEY)
    assert not matches(ApiKeyRecord("", "", b""), HASH_KEY, KEY)
    assert not matches(record(), HASH_KEY, "\ud800")


@given(st.binary(min_size=16, max_size=100), st.text(st.characters(), max_size=200))
def test_a_digester_is_made_once_for_many_keys(hash_key, text):
    """RFC 7693 itself is hashlib's; a hash key that is too long for it stands for its own digest."""
    digest = api_key_digester(hash_key)
    key = hash_key if len(hash_key) <= 64 else blake2b(hash_key).digest()
    wanted = blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=32).digest()
    assert [digest("another"), digest(text), digest(text)][1:] == [wanted, wanted]
    assert digest_api_key(hash_key, text) == wanted


def test_a_short_hash_key_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer than 16 bytes"):
        digest_api_key(b"h" * 15, KEY)


@pytest.mark.parametrize(
    ("expires", "revoked", "at", "expected"),
    [
        (None, None, 1e12, None),
        (100.0, None, 99.9, None),
        (100.0, None, 100.0, "expired"),
        (None, 100.0, 99.9, None),  # rotated: it still works to the end of the overlap
        (None, 100.0, 100.0, "revoked"),
        (50.0, 100.0, 200.0, "revoked"),
        (50.0, 100.0, 60.0, "expired"),
        (None, 0.0, 0.0, "revoked"),
        (100.0, None, float("nan"), "expired"),
        (None, float("nan"), 1.0, "revoked"),
    ],
)
def test_refusal(expires: float | None, revoked: float | None, at: float, expected: str | None) -> None:
    assert record(expires=expires, revoked=revoked).refusal(at) == expected


def test_nothing_secret_is_shown() -> None:
    stored = record()
    parsed = parse_api_key(KEY)
    assert parsed is not None
    for shown in (repr(stored), str(stored.__rich_repr__()), repr(parsed), str(parsed.__rich_repr__())):
        assert KEY[17:49] not in shown
        assert "digest" not in shown
        assert repr(stored.digest) not in shown
        assert KEY[4:16] in shown
    assert "owner='billing'" in repr(stored)


def test_a_record_survives_storage() -> None:
    stored = record(expires=5.5)
    assert msgspec.json.decode(msgspec.json.encode(stored), type=ApiKeyRecord) == stored
