"""libmodsecurity 3.0.15 and we make the same of every value, to the byte. The seeds are fixed, the values many."""

from __future__ import annotations

from random import Random

import pytest

from stockade.waf.transformations import TRANSFORMATIONS
from tests.waf.transformations.alphabets import values
from tests.waf.transformations.oracle import transformed

EACH = 300
CHAINS = 150


@pytest.mark.parametrize("name", sorted(TRANSFORMATIONS))
def test_one_transformation(name):
    transformation = TRANSFORMATIONS[name]
    for value in values(name, EACH, Random(2)):
        if name == "hexdecode" and len(value) == 1:
            continue  # ModSecurity reads beyond the end of it
        assert transformation.apply(value) == transformed(name, value), value


# As in the Core Rule Set, and some more.
@pytest.mark.parametrize(
    "names",
    [
        ("urldecodeuni", "htmlentitydecode", "jsdecode", "cssdecode", "removenulls"),
        ("utf8tounicode", "urldecodeuni", "htmlentitydecode", "lowercase"),
        ("urldecodeuni", "replacecomments", "compresswhitespace"),
        ("escapeseqdecode", "cmdline", "normalizepathwin"),
        ("base64decode", "urldecode", "trim", "sqlhexdecode"),
        ("removecomments", "hexencode", "length"),
    ],
    ids=",".join,
)
def test_chains(names):
    random = Random(3)
    for number in range(CHAINS):
        value = values(names[number % len(names)], 1, random)[0]
        expected = transformed(",".join(names), value)
        for name in names:
            value = TRANSFORMATIONS[name].apply(value)
        assert value == expected
