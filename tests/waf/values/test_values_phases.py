"""What is known when, and what belongs to no other family."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stockade.waf.values import MAKERS, Limits, Values, default_processor
from stockade.wire import Headers, Response
from tests.waf.values.probe import ENDLESS, request, text_of, values

FORM = [("content-type", "application/x-www-form-urlencoded")]


def test_a_collection_is_made_when_it_is_asked_for():
    made = Values(request("/?a=b"), Limits())
    assert dict(made) == {}
    assert made["ARGS"] is made["ARGS"]
    assert "REQUEST_HEADERS" not in made


def test_what_is_no_variable_of_a_message_is_a_key_error():
    with pytest.raises(KeyError):
        values(request())["TX"]


def test_before_the_body_is_read_its_variables_are_empty():
    made = Values(request("/?a=b", headers=FORM, body=b"c=d"), Limits())
    assert made["ARGS"] == [(b"a", b"b")]
    assert made["ARGS_POST"] == []
    for name in ("REQUEST_BODY", "REQBODY_ERROR", "INBOUND_DATA_ERROR", "MULTIPART_STRICT_ERROR"):
        assert made[name] == [(b"", b"")], name
    assert text_of(made, "REQBODY_PROCESSOR") == "URLENCODED"
    made.read_body(b"c=d", "URLENCODED")
    assert made["ARGS"] == [(b"a", b"b"), (b"c", b"d")]
    assert text_of(made, "REQUEST_BODY") == "c=d"
    assert text_of(made, "REQUEST_BODY_LENGTH") == "3"


def test_what_was_set_by_a_rule_stays():
    made = Values(request(), Limits())
    made["SESSIONID"] = made["REMOTE_ADDR"] = [(b"", b"x")]
    made.read_body(b"", None)
    made.read_response(Response(200), b"")
    assert made["SESSIONID"] == made["REMOTE_ADDR"] == [(b"", b"x")]


def test_a_body_is_read_by_the_processor_that_is_asked_for():
    made = Values(request(body=b"[1]"), Limits())
    made.read_body(b"[1]", "JSON")
    assert text_of(made, "REQBODY_PROCESSOR") == "JSON"
    assert made["ARGS"] == [(b"json.array_0", b"1")]
    made.read_body(b"[1]", None)
    assert made["ARGS"] == []
    assert text_of(made, "REQBODY_PROCESSOR") == ""


@pytest.mark.parametrize(
    ("lines", "processor"),
    [
        (["application/x-www-form-urlencoded"], "URLENCODED"),
        (["Application/X-WWW-Form-URLencoded;charset=x"], "URLENCODED"),
        (["multipart/form-data; boundary=x"], "MULTIPART"),
        (["multipart/mixed"], None),
        (["application/json"], None),
        (["text/xml"], None),
        ([" multipart/form-data"], None),
        (["text/plain", "multipart/form-data"], "MULTIPART"),
        (["multipart/form-data", "text/plain"], "MULTIPART"),
        ([], None),
    ],
)
def test_the_processor_by_content_type(lines, processor):
    assert default_processor(Headers.of([("content-type", line) for line in lines])) == processor


def test_a_body_that_no_processor_reads_is_there_as_it_came():
    made = values(request(headers=[("x", "y")], body=b"\0\xff"))
    assert made["REQUEST_BODY"] == [(b"", b"\0\xff")]
    assert made["FULL_REQUEST"] == [(b"", b"x: y\n\n\n\0\xff")]
    assert text_of(made, "FULL_REQUEST_LENGTH") == "9"
    assert text_of(made, "REQBODY_ERROR") == text_of(made, "REQBODY_PROCESSOR_ERROR") == "0"
    assert text_of(made, "REQBODY_ERROR_MSG") == ""
    assert text_of(made, "INBOUND_DATA_ERROR") == "0"


def test_a_body_beyond_the_limit_is_cut_and_told():
    made = values(request(headers=FORM, body=b"a=12345"), limits=Limits(body=4))
    assert text_of(made, "REQUEST_BODY") == "a=12"
    assert made["ARGS"] == [(b"a", b"12")]
    assert text_of(made, "INBOUND_DATA_ERROR") == "1"
    assert text_of(made, "REQBODY_ERROR") == ""


@pytest.mark.parametrize(("processor", "body"), [("URLENCODED", b"a=123"), ("JSON", b"[123]"), ("XML", b"<a>b</a>")])
def test_fields_beyond_their_limit_are_not_read(processor, body):
    made = values(request(body=body), processor, Limits(fields=4))
    assert made["ARGS"] == []
    assert text_of(made, "REQBODY_ERROR") == text_of(made, "INBOUND_DATA_ERROR") == "1"
    assert "bigger than" in text_of(made, "REQBODY_ERROR_MSG")
    assert text_of(made, "REQBODY_PROCESSOR_ERROR") == ""


def test_the_response():
    made = Values(request(), ENDLESS)
    assert made["RESPONSE_STATUS"] == made["RESPONSE_BODY"] == [(b"", b"")]
    assert made["RESPONSE_HEADERS"] == []
    fields = Headers.of([("Content-Type", "text/html; charset=utf-8"), ("x", "1"), ("x", "2")])
    made.read_response(Response(404, fields), b"body")
    assert text_of(made, "RESPONSE_STATUS") == text_of(made, "STATUS") == text_of(made, "STATUS_LINE") == "404"
    assert text_of(made, "RESPONSE_CONTENT_TYPE") == "text/html"
    assert text_of(made, "RESPONSE_BODY") == "body"
    assert text_of(made, "RESPONSE_CONTENT_LENGTH") == "4"
    assert text_of(made, "RESPONSE_PROTOCOL") == "HTTP/1.1"
    assert text_of(made, "OUTBOUND_DATA_ERROR") == "0"
    assert made["RESPONSE_HEADERS"][1:] == [(b"x", b"1"), (b"x", b"2")]
    assert made["RESPONSE_HEADERS_NAMES"][0] == (b"content-type", b"content-type")


def test_a_response_beyond_the_limit_is_cut_and_told():
    made = Values(request(), Limits(response_body=2))
    made.read_response(Response(200), b"body")
    assert text_of(made, "RESPONSE_BODY") == "bo"
    assert text_of(made, "OUTBOUND_DATA_ERROR") == "1"


def test_time_is_that_of_the_request():
    made = values(request(at=datetime(2026, 1, 4, 3, 5, 9, tzinfo=UTC).timestamp() + 0.75))
    assert text_of(made, "TIME") == "03:05:09"
    assert text_of(made, "TIME_EPOCH") == "1767495909"
    parts = {"YEAR": "2026", "MON": "0", "DAY": "04", "HOUR": "03", "MIN": "05", "SEC": "09", "WDAY": "7"}
    assert {name: text_of(made, f"TIME_{name}") for name in parts} == parts


def test_the_connection():
    made = values(request(headers=[("host", "a.example:8443")]))
    assert text_of(made, "REMOTE_ADDR") == text_of(made, "REMOTE_HOST") == "10.0.0.1"
    assert text_of(made, "SERVER_NAME") == "a.example"
    assert text_of(made, "SERVER_PORT") == "8443"
    assert text_of(values(request(headers=[("host", "a.example")])), "SERVER_PORT") == "80"


def test_every_variable_has_a_value_in_every_phase():
    made = Values(request(), Limits())
    for phase in range(3):
        for name in MAKERS:
            assert all(type(part) is bytes for pair in made[name] for part in pair), (phase, name)
        if phase == 0:
            made.read_body(b"", None)
        else:
            made.read_response(Response(200), b"")
    assert text_of(made, "UNIQUE_ID") == "abc"
    assert text_of(made, "DURATION") == "0"
    assert text_of(made, "MODSEC_BUILD") == "030015100"
    assert made["ENV"] == []
