"""Operators that read files at load: geoLookup, validateSchema, validateDTD."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import maxminddb
import pytest

from stockade.waf.operators import OPERATORS, BadArgument
from stockade.waf.operators.geo_lookup import Places
from tests.waf.operators.files import NONE, FolderFiles

SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:include schemaLocation="types.xsd"/><xs:element name="order" type="Order"/></xs:schema>"""
TYPES = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:complexType name="Order">
<xs:sequence><xs:element name="count" type="xs:positiveInteger"/></xs:sequence></xs:complexType></xs:schema>"""
DTD = "<!ELEMENT order (count)>\n<!ELEMENT count (#PCDATA)>"
DOCUMENTS = [
    (b"<order><count>3</count></order>", False),
    (b"<order><amount>3</amount></order>", True),
    (b"<order><count>3</count>", True),  # not well-formed
    (b"no XML", True),
    (b"", True),
    (b'<!DOCTYPE order [<!ENTITY e SYSTEM "file:///etc/passwd">]><order><count>&e;</count></order>', True),
]


@pytest.fixture
def files(tmp_path: Path) -> FolderFiles:
    (tmp_path / "order.xsd").write_text(SCHEMA)
    (tmp_path / "types.xsd").write_text(TYPES)
    (tmp_path / "order.dtd").write_text(DTD)
    (tmp_path / "remote.xsd").write_text(SCHEMA.replace("types.xsd", "http://192.0.2.1/types.xsd"))
    (tmp_path / "broken.xsd").write_text("<xs:schema")
    return FolderFiles(tmp_path)


@pytest.mark.parametrize(("document", "matches"), DOCUMENTS)
def test_a_document_that_breaks_its_schema_matches(files, document, matches):
    hit = OPERATORS["validateschema"](b"order.xsd", files)(document)
    assert (hit is not None) is matches


@pytest.mark.parametrize(("document", "matches"), DOCUMENTS[:5])
def test_a_document_that_breaks_its_dtd_matches(files, document, matches):
    hit = OPERATORS["validatedtd"](b"order.dtd", files)(document)
    assert (hit is not None) is matches


@pytest.mark.parametrize(
    ("operator", "name", "problem"),
    [
        ("validateschema", b"nowhere.xsd", "nowhere.xsd"),
        ("validateschema", b"broken.xsd", "broken.xsd"),
        ("validateschema", b"remote.xsd", "on the net"),
        ("validatedtd", b"nowhere.dtd", "nowhere.dtd"),
    ],
)
def test_a_bad_schema_is_refused_at_load(files, operator, name, problem):
    with pytest.raises(BadArgument, match=problem):
        OPERATORS[operator](name, files)


class Database:
    """What maxminddb gives of a small database."""

    def __init__(self, path: str) -> None:
        self.path = path

    def get(self, address: str) -> Any:
        if address == "no address":
            raise ValueError(address)
        known = {
            "192.0.2.1": {
                "country": {"iso_code": "CH", "names": {"en": "Switzerland"}},
                "city": {"names": {"de": "Zürich"}},
                "location": {"latitude": 47.5, "longitude": 8},
            },
            "192.0.2.2": {},
        }
        return known.get(address)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.setattr(maxminddb, "open_database", Database)
    path = tmp_path / "places.mmdb"
    path.write_bytes(b"")
    return Places(path)


def test_what_is_known_of_an_address(places):
    assert places.find(b"192.0.2.1") == [
        (b"COUNTRY_CODE", b"CH"),
        (b"COUNTRY_NAME", b"Switzerland"),
        (b"LATITUDE", b"47.500000"),
        (b"LONGITUDE", b"8.000000"),
    ]
    assert places.find(b"192.0.2.2") == []
    assert places.find(b"192.0.2.3") is None
    assert places.find(b"no address") is None


def test_geo_lookup_matches_addresses_that_are_known(places):
    test = places.maker()(b"", NONE)
    assert test(b"192.0.2.1") is not None
    assert test(b"192.0.2.3") is None


def test_a_database_that_is_missing_is_refused_at_load(tmp_path):
    with pytest.raises(BadArgument, match="no such database"):
        Places(tmp_path / "nowhere.mmdb")
