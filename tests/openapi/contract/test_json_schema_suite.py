"""The official JSON Schema test suite, draft 2020-12, through the validators as they are used: required and formats.

It comes with the source distribution of `jsonschema`; `make test` gets that.
"""

from __future__ import annotations

import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from stockade.openapi.schemas.checking import BadSchema, Schemas
from stockade.openapi.schemas.formats import CHECKED
from tests.absent import present

ARCHIVE = Path(sys.prefix) / "share" / "jsonschema-4.26.0.tar.gz"
FOLDER = "jsonschema-4.26.0/json/tests/draft2020-12/"
REQUIRED, FORMATS = 1191, 475  # cases that are judged

REMOTE = "a description is bundled before it is compiled: its schemas refer to no other document"
ASSERTED = "OpenAPI's formats are demands here, not remarks (OpenAPI 3.1, section 4.4.4, leaves it open)"
ENCODED = "so are contentEncodings"
VOCABULARY = "OpenAPI 3.1 has one set of vocabularies; `$schema` chooses no other"
# By file and group, or file, group and case.
EXCLUDED: dict[tuple[str, ...], str] = {
    (
        "content",
        "validation of binary string-encoding",
        "an invalid base64 string (% is not a valid character); validates true",
    ): ENCODED,
    (
        "content",
        "validation of binary-encoded media type documents",
        "an invalid base64 string that is valid JSON; validates true",
    ): ENCODED,
    (
        "content",
        "validation of binary-encoded media type documents with schema",
        "an invalid base64 string that is valid JSON; validates true",
    ): ENCODED,
    ("dynamicRef", "strict-tree schema, guards against misspelled properties"): REMOTE,
    ("dynamicRef", "tests for implementation dynamic anchor and reference link"): REMOTE,
    ("dynamicRef", "$ref and $dynamicAnchor are independent of order - $defs first"): REMOTE,
    ("dynamicRef", "$ref and $dynamicAnchor are independent of order - $ref first"): REMOTE,
    ("dynamicRef", "$ref to $dynamicRef finds detached $dynamicAnchor"): REMOTE,
    **{
        ("format", f"{name} format", f"invalid {name} string is only an annotation by default"): ASSERTED
        for name in sorted(CHECKED)
    },
    **{
        ("refRemote", group): REMOTE
        for group in (
            "remote ref",
            "fragment within remote ref",
            "anchor within remote ref",
            "ref within remote ref",
            "base URI change",
            "base URI change - change folder",
            "base URI change - change folder in subschema",
            "root ref in remote ref",
            "remote ref with ref to defs",
            "Location-independent identifier in remote ref",
            "retrieved nested refs resolve relative to their URI not $id",
            "remote HTTP ref with different $id",
            "remote HTTP ref with different URN $id",
            "remote HTTP ref with nested absolute ref",
            "$ref to $ref finds detached $anchor",
        )
    },
    (
        "vocabulary",
        "schema that uses custom metaschema with with no validation vocabulary",
        "no validation: invalid number, but it still validates",
    ): VOCABULARY,
}


class Case(NamedTuple):
    file: str
    group: str
    case: str
    schema: Any
    data: Any
    valid: bool


@pytest.fixture(scope="module")
def suite() -> list[Case]:
    path = present(ARCHIVE, "the JSON Schema test suite, which `make test` gets")
    with tarfile.open(path) as archive:
        return list(_cases(archive))


def _cases(archive: tarfile.TarFile) -> Iterator[Case]:
    for member in archive.getmembers():
        if not member.name.startswith(FOLDER) or not member.name.endswith(".json"):
            continue
        content = archive.extractfile(member)
        assert content is not None
        for group in json.load(content):
            for case in group["tests"]:
                name = member.name.removeprefix(FOLDER).removesuffix(".json")
                yield Case(
                    name, group["description"], case["description"], group["schema"], case["data"], case["valid"]
                )


def _verdict(case: Case) -> bool | str:
    try:
        return Schemas({}, "request", strict=False).checker(case.schema, "/schema").valid(case.data)
    except BadSchema as error:
        return str(error)


def test_required(suite):
    used: set[tuple[str, ...]] = set()
    wrong, judged = [], 0
    for case in suite:
        if case.file.startswith("optional/"):
            continue
        excluded = {key for key in ((case.file, case.group), (case.file, case.group, case.case)) if key in EXCLUDED}
        if excluded:
            used |= excluded
            assert _verdict(case) != case.valid or len(min(excluded)) == 2, f"{case[:3]} need not be excluded"
            continue
        judged += 1
        if _verdict(case) != case.valid:
            wrong.append((*case[:3], _verdict(case)))
    assert not wrong
    assert EXCLUDED.keys() - used == set(), "exclusions that nothing uses"
    assert judged == REQUIRED


def test_formats(suite):
    cases = [
        case for case in suite if case.file.startswith("optional/format/") and case.schema.get("format") in CHECKED
    ]
    assert [case[:3] for case in cases if _verdict(case) != case.valid] == []
    assert len(cases) == FORMATS
