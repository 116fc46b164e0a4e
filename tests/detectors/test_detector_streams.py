"""Any division into pieces equals the whole; masks keep JSON JSON; nothing seeded is left, nothing else is changed."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stockade.detectors import DETECTORS, REACH, Action, BadCoding, Borders, Inflater, Leak, Stream, scanner
from tests.detectors.examples import examples

ALL = frozenset(DETECTORS)
MASK: dict[str, Action] = dict.fromkeys(DETECTORS, "mask")
TRUE = [example.text for name in DETECTORS for example in examples(name) if example.spans]
EVERY = [example.text for name in DETECTORS for example in examples(name)]
SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

texts = st.lists(
    st.one_of(
        st.integers(0, len(EVERY) - 1).map(EVERY.__getitem__),
        st.binary(max_size=12),
        st.sampled_from([b'"', b"\\", b"\\n", b" ", b"\n", b"4"]),
    ),
    max_size=8,
).map(b"".join)


def whole(text: bytes, actions: dict[str, Action], *, is_json: bool) -> tuple[bytes, list[Leak]]:
    return Stream(scanner(ALL), actions, json=is_json).whole(text)


def pieces(text: bytes, cuts: list[int], actions: dict[str, Action], *, is_json: bool) -> tuple[bytes, list[Leak]]:
    stream, passed = Stream(scanner(ALL), actions, json=is_json), b""
    leaks: list[Leak] = []
    places = sorted({cut % (len(text) + 1) for cut in cuts})
    for start, end in zip([0, *places], [*places, len(text)], strict=True):
        part, found = stream.feed(text[start:end])
        passed, leaks = passed + part, leaks + found
    part, found = stream.finish()
    return passed + part, leaks + found


@SLOW
@given(texts, st.lists(st.integers(0, 5000), max_size=30), st.booleans(), st.sampled_from(["mask", "remove"]))
def test_pieces_equal_the_whole(text: bytes, cuts: list[int], is_json: bool, action: Action) -> None:
    actions: dict[str, Action] = {**MASK, "emails": action, "tokens": action, "cards": action}
    assert pieces(text, cuts, actions, is_json=is_json) == whole(text, actions, is_json=is_json)


@pytest.mark.parametrize("name", DETECTORS)
def test_every_border(name: str) -> None:
    """Each true example cut in two at every place, with enough before and after it to be streamed."""
    for example in examples(name)[:12]:
        text = b". " * REACH + example.text + b" ." * REACH
        expected = whole(text, MASK, is_json=False)
        for cut in range(2 * REACH, 2 * REACH + len(example.text) + 1, 7):
            assert pieces(text, [cut], MASK, is_json=False) == expected


@pytest.mark.parametrize("step", [1, 3, 100, 1000])
def test_small_pieces(step: int) -> None:
    text = b"\n".join(TRUE[:: 5 if step > 1 else 40])
    assert pieces(text, list(range(0, len(text), step)), MASK, is_json=False) == whole(text, MASK, is_json=False)


strings = st.one_of(
    st.text(max_size=20),
    st.lists(st.one_of(st.integers(0, len(TRUE) - 1).map(lambda index: TRUE[index].decode()), st.text(max_size=6))).map(
        "".join
    ),
    st.sampled_from(
        ["\\", '"', "\n4111111111111111", "C:\\ada@example.com", "\u0000ada@example.com", "ünïada@example.com"]
    ),
)
numbers = st.one_of(
    st.integers(-(10**19), 10**19), st.sampled_from([4111111111111111, -4111111111111111, 378282246310005])
)
documents = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.floats(allow_nan=False, allow_infinity=False), strings),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(strings, inner, max_size=4),
    max_leaves=12,
)


@SLOW
@given(documents, st.booleans(), st.sampled_from([None, 1]), st.sampled_from(["mask", "remove"]))
def test_json_stays_json(document: object, ascii_only: bool, indent: int | None, action: Action) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only, indent=indent)
    if not ascii_only:
        text = text.encode("utf-8", "replace").decode()
    passed, leaks = whole(text.encode(), dict.fromkeys(DETECTORS, action), is_json=True)
    json.loads(passed.decode("utf-8"))
    if not leaks:
        assert passed == text.encode()
    elif action == "mask":
        assert len(passed) == len(text.encode())


CANARIES = {
    "cards": "4111111111111111",
    "iban": "DE89370400440532013000",
    "emails": "canary.bird@example.com",
    "phones": "+1-202-555-0112",
    "hosts": "canary.prod.internal",
    "tokens": "AKIA" + "IOSFODNN7EXAMPLE",
    "password_hashes": "$2b$12$" + "abcdefghijklmnopqrstuv" + "0123456789012345678901234567890",
}


@SLOW
@given(
    st.sampled_from(sorted(CANARIES)),
    st.text(" ,;:)[]\n\t", min_size=1, max_size=5),  # what is called, as in server.internal(), is no host
    st.text(max_size=700),
    st.lists(st.integers(0, 3000), max_size=8),
    st.booleans(),
)
def test_no_canary_is_left(name: str, border: str, around: str, cuts: list[int], escaped: bool) -> None:
    secret = CANARIES[name]
    text = json.dumps({"a": around + border + secret + border + around}, ensure_ascii=escaped)
    passed, leaks = pieces(text.encode("utf-8", "replace"), cuts, MASK, is_json=True)
    assert secret.encode() not in passed
    assert name in {leak.detector for leak in leaks}


@SLOW
@given(st.lists(st.text("abcdefgh ijklm", max_size=30) | st.integers(0, 10**9) | st.booleans(), max_size=40))
def test_what_is_allowed_is_not_changed(values: list[object]) -> None:
    text = json.dumps({"values": values}).encode()
    assert whole(text, MASK, is_json=True) == (text, [])


def test_little_is_held() -> None:
    stream = Stream(scanner(ALL), MASK, json=True)
    assert len(stream.feed(b"x " * 50_000)[0]) == 100_000 - REACH
    assert len(stream.rest()) == REACH


def test_a_candidate_that_never_ends_is_bounded() -> None:
    stream, passed = Stream(scanner(ALL), MASK, json=False), 0
    text = b"-----BEGIN " + b"PRIVATE KEY-----\n" + b"QUJD\n" * 100_000
    for start in range(0, len(text), 4096):
        passed += len(stream.feed(text[start : start + 4096])[0])
        assert len(stream.rest()) < 32 << 10
    assert passed > len(text) - (32 << 10)


@given(st.lists(st.binary(max_size=6) | st.sampled_from([b"\n\n", b"\r\n\r\n", b"\r\r", b"\n", b"\r"])), st.data())
@SLOW
def test_borders_do_not_depend_on_pieces(parts: list[bytes], data: st.DataObject) -> None:
    def ends(chunks: list[bytes]) -> tuple[bytes, list[int]]:
        borders, at, text, found = Borders("events"), 0, b"", []
        for chunk in chunks:
            for piece, border in borders.split(chunk):
                at += len(piece)
                text += piece
                found += [at] if border else []
        return text, found

    text = b"".join(parts)
    cut = data.draw(st.integers(0, len(text)))
    assert ends([text[:cut], text[cut:]]) == ends([text])


@pytest.mark.parametrize("step", [1, 7, 10_000])
@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw"])
def test_inflation(coding: str, step: int) -> None:
    body = bytes(range(256)) * 300
    machine = zlib.compressobj(wbits={"gzip": 31, "deflate": 15, "raw": -15}[coding])
    data = machine.compress(body) + machine.flush()
    inflater = Inflater("gzip" if coding == "gzip" else "deflate")
    parts = [inflater.feed(data[at : at + step], False) for at in range(0, len(data), step)]
    assert b"".join(parts) + inflater.feed(b"", True) == body


@pytest.mark.parametrize(
    "data", [b"not gzip", gzip.compress(b"x" * 1000)[:-9], gzip.compress(bytes(300 << 20))], ids=["none", "cut", "bomb"]
)
def test_bad_codings(data: bytes) -> None:
    inflater = Inflater("gzip")
    with pytest.raises(BadCoding):
        inflater.feed(data, True)


def test_what_is_no_json_is_masked_all_the_same() -> None:
    text = b'data: write to ada@example.com or +1-202-555-0112, pay with 4111 1111 1111 1111 "or\n'
    passed, leaks = whole(text, MASK, is_json=True)
    assert passed == b'data: write to *************** or +9-999-999-9999, pay with ******************* "or\n'
    assert len(leaks) == 3


@pytest.mark.parametrize("name", DETECTORS)
def test_no_beginning_or_end_of_an_example_breaks_anything(name: str) -> None:
    """What is cut anywhere, or has bytes of no text around it, is searched without an error."""
    for example in examples(name)[::3]:
        for cut in range(0, len(example.text), 5):
            for text in (example.text[:cut], example.text[cut:], b"\xff\\" + example.text[cut:] + b"\\"):
                assert len(whole(text, MASK, is_json=True)[0]) == len(text)
