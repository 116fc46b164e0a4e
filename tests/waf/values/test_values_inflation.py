"""Compressed request bodies."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.waf.values import Limits
from stockade.waf.values.inflation import inflate
from tests.waf.values.probe import request, text_of, values

BODY = b'{"a": "' + b"x" * 500 + b'"}'


def raw_deflate(body: bytes) -> bytes:
    return zlib.compress(body)[2:-4]


GOOD = [
    ("gzip", gzip.compress(BODY, mtime=0)),
    ("GZIP", gzip.compress(BODY, mtime=0)),
    ("x-gzip", gzip.compress(BODY, mtime=0)),
    ("deflate", zlib.compress(BODY)),
    ("deflate", raw_deflate(BODY)),
    ("identity", BODY),
    ("", BODY),
    ("deflate, gzip", gzip.compress(zlib.compress(BODY), mtime=0)),
    ("identity, gzip", gzip.compress(BODY, mtime=0)),
]


@pytest.mark.parametrize(("encoding", "body"), GOOD)
def test_a_body_is_inflated_before_it_is_read(encoding, body):
    made = values(request(headers=[("content-encoding", encoding)], body=body), "JSON")
    assert made["ARGS"] == [(b"json.a", b"x" * 500)]
    assert made["REQUEST_BODY"] == [(b"", BODY)]
    assert text_of(made, "REQBODY_ERROR") == "0"


BAD = [
    ("br", BODY, "the body is compressed in an unknown way"),
    ("gzip", BODY, "the compressed body is malformed"),
    ("deflate", b"\xff" + BODY, "the compressed body is malformed"),
    ("gzip", gzip.compress(BODY, mtime=0)[:-9], "the compressed body ends too early"),
    ("gzip", gzip.compress(BODY, mtime=0) + b"x", "something follows the compressed body"),
    ("gzip, gzip, gzip, gzip", BODY, "the body is compressed too many times"),
]


@pytest.mark.parametrize(("encoding", "body", "why"), BAD)
def test_a_body_that_cannot_be_inflated_is_an_error(encoding, body, why):
    made = values(request(headers=[("content-encoding", encoding)], body=body))
    assert text_of(made, "REQBODY_ERROR") == "1"
    assert text_of(made, "REQBODY_ERROR_MSG") == why


def test_a_bomb_is_cut():
    bomb = gzip.compress(gzip.compress(b"[" * 30_000_000))
    made = values(
        request(headers=[("content-encoding", "gzip, gzip")], body=bomb), "JSON", Limits(inflated=5000, fields=0)
    )
    assert len(made["REQUEST_BODY"][0][1]) == 5000
    assert text_of(made, "INBOUND_DATA_ERROR") == text_of(made, "REQBODY_ERROR") == "1"


def test_inflation_is_an_option():
    body = gzip.compress(BODY, mtime=0)
    made = values(request(headers=[("content-encoding", "gzip")], body=body), limits=Limits(inflate=False))
    assert made["REQUEST_BODY"] == [(b"", body)]
    assert text_of(made, "REQBODY_ERROR") == "0"


@given(st.binary(max_size=60), st.text("gzip, deflatebr", max_size=20), st.integers(1, 100))
def test_anything_is_inflated_or_is_an_error(body, encodings, most):
    inflated = inflate(body, encodings, most)
    assert inflated.failed or inflated.was_cut or len(inflated.content) <= max(most, len(body))
