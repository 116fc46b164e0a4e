"""What is read from HTTP Archives and decision logs, and what is said of files that are neither."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stockade.gateway.recordings import BadRecording, Recorded, read_recordings
from stockade.vocabulary import Finding, Record
from stockade.wire import BadRequest, Request

AT = "2026-01-01T00:00:00Z"
CLIENT = "192.0.2.9"


def record(**changes: Any) -> Record:
    fields: dict[str, Any] = {
        "time": AT,
        "request_id": "r-1",
        "api": "shop",
        "operation": "GET /orders",
        "client": "198.51.100.7",
        "principal": "alice",
        "method": "GET",
        "path": "/orders",
        "status": 200,
        "action": "allow",
        "control": None,
        "findings": (Finding("a-rule"),),
        "headers": {"x-tag": "t"},
    }
    return Record(**{**fields, **changes})


def entry(url: str = "https://shop.example/orders?page=2", **changes: Any) -> dict[str, Any]:
    return {"startedDateTime": AT, "request": {"method": "GET", "url": url, **changes}}


def read(tmp_path: Path, data: bytes | str) -> list[Recorded]:
    path = tmp_path / "recording"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_recordings(path, CLIENT)


def archive(*entries: Any) -> str:
    return json.dumps({"log": {"version": "1.2", "creator": {}, "entries": list(entries)}})


def head(recorded: Recorded) -> Request:
    assert isinstance(recorded.request, Request)
    return recorded.request


def test_a_decision_log_as_the_journal_writes_it(tmp_path: Path) -> None:
    lines = [record(), record(principal=None, action="deny", path="/login", method="POST")]
    first, second = read(tmp_path, b"\n".join(map(msgspec.json.encode, lines)) + b"\n\n")
    assert (first.line, first.api, first.principal, first.action) == (1, "shop", "alice", "allow")
    request = head(first)
    assert (request.method, request.path, request.peer.address) == ("GET", "/orders", "198.51.100.7")
    assert request.headers.get("x-tag") == "t"
    assert request.at == 1767225600.0
    assert (second.line, second.principal, second.action) == (2, None, "deny")


def test_lines_that_tell_of_lost_lines_are_skipped(tmp_path: Path) -> None:
    lost = b'{"time":"2026-01-01T00:00:00Z","dropped":12}\n'
    (recorded,) = read(tmp_path, lost + msgspec.json.encode(record()) + b"\n" + lost)
    assert recorded.line == 2


def test_a_har_entry(tmp_path: Path) -> None:
    headers = [{"name": ":authority", "value": "x"}, {"name": "X-Tag", "value": "a"}, {"name": "x-tag", "value": "b"}]
    sent = entry(headers=headers, httpVersion="h2", method="POST", postData={"mimeType": "a/b", "text": "grüß"})
    (recorded,) = read(tmp_path, archive(sent))
    request = head(recorded)
    assert (request.method, request.scheme, request.authority) == ("POST", "https", "shop.example")
    assert (request.path, request.query, request.version) == ("/orders", "page=2", "h2")
    assert list(request.headers) == [("x-tag", "a"), ("x-tag", "b")]
    assert (request.peer.address, request.has_body, recorded.body) == (CLIENT, True, "grüß".encode())
    assert (recorded.line, recorded.api, recorded.principal, recorded.action) == (1, "", None, "")


def test_what_a_har_entry_may_lack(tmp_path: Path) -> None:
    lean = entry("http://shop.example", headers=None, postData=None)
    (recorded,) = read(tmp_path, archive(lean))
    assert (head(recorded).path, recorded.body) == ("/", b"")
    assert read(tmp_path, archive()) == []


def test_a_byte_order_mark(tmp_path: Path) -> None:
    assert len(read(tmp_path, b"\xef\xbb\xbf" + archive(entry()).encode())) == 1


def test_what_never_left_the_browser_is_skipped(tmp_path: Path) -> None:
    urls = ("data:text/plain,hi", "blob:https://shop.example/1", "chrome-extension://x/y", "wss://shop.example/feed")
    (recorded,) = read(tmp_path, archive(*map(entry, urls)))
    assert (recorded.line, head(recorded).scheme, head(recorded).path) == (4, "https", "/feed")


def test_an_ambiguous_target_is_a_request_to_refuse(tmp_path: Path) -> None:
    (recorded,) = read(tmp_path, archive(entry("https://shop.example/a%2Fb")))
    assert isinstance(recorded.request, BadRequest)
    assert "escaped slash" in recorded.request.trouble


LINE = msgspec.json.encode(record()).decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is neither a HAR file nor a decision log: it does not begin with {"),
        ("[]", "is neither a HAR file nor a decision log: it does not begin with {"),
        ("{}", ":1: not a record of the decision log: Object missing required field `time`"),
        (f"{LINE}\n{LINE[:50]}\n", ":2: not a record of the decision log: Input data was truncated"),
        (f"{LINE}\n[]\n", ":2: not a record of the decision log: Expected `object`, got `array`"),
        (LINE.replace(AT, "noon"), ":1: not a record of the decision log: 'noon' is not a date and time"),
        (LINE.replace('"GET"', "7"), ":1: not a record of the decision log: Expected `str`, got `int` - at `$.method`"),
        ('{"log": {}}', ": not a HAR file: Object missing required field `entries` - at `$.log`"),
        ('{"log": []}', ": not a HAR file: Expected `object`, got `array` - at `$.log`"),
        ('{"log":\n{"entries":\n\n[}', ":4: not a HAR file: JSON is malformed: invalid character (byte 22)"),
        (archive(None), ": not a HAR file: Expected `object`, got `null` - at `$.log.entries[0]`"),
        (archive(entry(), {"request": {}}), ": not a HAR file: Object missing required field `method`"),
        (archive(entry(), entry("http://[::1")), ": entry 2: Invalid IPv6 URL"),
        (archive({**entry(), "startedDateTime": "0"}), ": entry 1: '0' is not a date and time"),
        (archive(entry(headers={"a": "b"})), ": not a HAR file: Expected `array | null`, got `object`"),
    ],
)
def test_what_is_no_recording(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadRecording) as caught:
        read(tmp_path, text)
    assert str(caught.value).removeprefix(str(tmp_path / "recording")).strip().startswith(said.strip())


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="cannot be read: No such file"):
        read_recordings(tmp_path / "nowhere", CLIENT)
    with pytest.raises(BadRecording, match="cannot be read: Is a directory"):
        read_recordings(tmp_path, CLIENT)
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate((1 << 30) + 1)
    with pytest.raises(BadRecording, match="too large"):
        read_recordings(huge, CLIENT)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(AT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "value", "text", "x"]), inner),
    max_leaves=5,
)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["method", "url", "headers", "postData", "httpVersion"]),
    VALUES
    | st.text().map("https://shop.example/".__add__)
    | st.sampled_from(["//", "http:", "http://:x", "//a:99999"]),
)
def test_odd_entries_are_read_or_refused(tmp_path: Path, key: str, value: Any) -> None:
    with suppress(BadRecording):
        read(tmp_path, archive(entry(**{key: value})))


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 400), st.binary(max_size=4))
def test_damaged_files_are_read_or_refused(tmp_path: Path, place: int, damage: bytes) -> None:
    for whole in (archive(entry()).encode(), msgspec.json.encode(record())):
        with suppress(BadRecording):
            read(tmp_path, whole[:place] + damage + whole[place + len(damage) :])
