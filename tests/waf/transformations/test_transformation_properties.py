"""What holds for every transformation and every value."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.waf.transformations import TRANSFORMATIONS, Transformation
from tests.waf.transformations.alphabets import values

ALL = sorted(TRANSFORMATIONS.items())
SELECTIVE = [pair for pair in ALL if pair[1].touches is not None]
EVERY = pytest.mark.parametrize(("name", "transformation"), ALL, ids=[name for name, _ in ALL])
EVERY_SELECTIVE = pytest.mark.parametrize(("name", "transformation"), SELECTIVE, ids=[name for name, _ in SELECTIVE])


@EVERY
@settings(max_examples=60)
@given(value=st.binary(max_size=60))
def test_any_bytes_become_bytes(name: str, transformation: Transformation, value: bytes):
    assert type(transformation.apply(value)) is bytes


@EVERY_SELECTIVE
def test_what_it_does_not_touch_it_does_not_change(name: str, transformation: Transformation):
    assert transformation.touches is not None
    touched = bytes(transformation.touches)
    for value in values(name, 2000, Random(1)):
        untouched = value.translate(None, touched)
        assert transformation.apply(untouched) == untouched


@EVERY_SELECTIVE
@settings(max_examples=60)
@given(value=st.binary(max_size=200))
def test_what_it_does_not_touch_it_does_not_change_whatever_it_is(
    name: str, transformation: Transformation, value: bytes
):
    assert transformation.touches is not None
    untouched = value.translate(None, bytes(transformation.touches))
    assert transformation.apply(untouched) == untouched


# Around a byte that is touched, something that holds no other such byte makes it matter.
SURROUNDINGS = (
    b"%s",
    b"%s%s",
    b"a%s%sb",
    b"%sa",
    b"a%s",
    b"0%s41",
    b"%s41",
    b"/%s",
    b"%s/",
    b"%s%sa",
    b"%slt;",
    b"/%s%s",
    b"%s\x80\x80\x80",
)


@EVERY_SELECTIVE
def test_each_byte_that_it_touches_can_matter_alone(name: str, transformation: Transformation):
    assert transformation.touches is not None
    for byte in transformation.touches:
        tried = [form.replace(b"%s", bytes([byte])) for form in SURROUNDINGS]
        alone = [value for value in tried if transformation.touches.intersection(value) == {byte}]
        assert any(transformation.apply(value) != value for value in alone), bytes([byte])


@EVERY
def test_the_empty_value_stays_empty_but_for_digests(name: str, transformation: Transformation):
    assert transformation.apply(b"") == b"" or transformation.touches is None


@EVERY
def test_large_values_are_no_burden(name: str, transformation: Transformation):
    """What would be quadratic would not end: half a megabyte of each kind of nesting and repetition."""
    for piece in (
        b"../",
        b"/*",
        b"&#",
        b"%u00",
        b"\\",
        b"%",
        b"\xc3",
        b" ",
        b"=",
        b"a=",
        b"0x4",
        b"a--",
        b" \n",
        b"\\u0",
    ):
        transformation.apply(piece * (500_000 // len(piece)))
