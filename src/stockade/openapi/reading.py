"""An API description, read: whatever version and however many files, one checked OpenAPI 3.1 document.

description = read("openapi.yaml", load=lambda name: Path(name).read_bytes())
description.document["paths"]
description.where("/paths/~1orders/post")       # ("openapi.yaml", 41)
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from stockade.openapi.bundling import Bundler
from stockade.openapi.checking import check
from stockade.openapi.convert import to_version_3
from stockade.openapi.places import Places
from stockade.openapi.pointers import parse_pointer
from stockade.openapi.problems import BadDescription, Problem
from stockade.openapi.references import Reach, is_url
from stockade.openapi.report import Report
from stockade.openapi.sources import Library, Source, Unreadable
from stockade.openapi.versions import NO_DESCRIPTION, UnknownVersion, Version, version_of

__all__ = ["BadDescription", "Description", "Problem", "read"]


class Description(Struct, frozen=True):
    """One OpenAPI 3.1 document, bundled: every `$ref` in it is `#/components/<section>/<name>`.

    Its schemas are JSON Schema 2020-12 with `discriminator`, `readOnly` and `writeOnly` kept; none has an `$id` or an
    anchor; `paths`, `responses` and `content` have no extensions among their keys. It must not be changed: parts of it
    may be shared. partial: what the description asks for and cannot have.
    """

    document: dict[str, Any]
    partial: tuple[Problem, ...]
    files: frozenset[str]  # everything that was read, and what could not be: names as `load` got them
    version: str  # as written: "2.0", "3.0" or "3.1"
    places: Places

    def where(self, pointer: str) -> tuple[str, int]:
        """File and line of a JSON pointer into `document`, or of the nearest that was written around it.

        Raises ValueError for what is no pointer.
        """
        return self.places.where(parse_pointer(pointer))


def read(
    source: str, *, load: Callable[[str], bytes], allow_remote: Iterable[str] = (), folder: str | None = None
) -> Description:
    """Read, bundle, convert and check a description.

    source: a path, or an http(s) URL. load: the bytes of such a name; raises OSError.
    allow_remote: hosts ("schemas.example.com", by https) and URL prefixes that references may lead to.
    folder: what references to files may not leave; the root's own when None.
    Raises BadDescription with all that is wrong.
    """
    source = source if is_url(source) else posixpath.normpath(source)
    report, library = Report(), Library(load, Reach.of(source, allow_remote, folder))
    try:
        root = library.root(source)
        version = version_of(root.value)
    except Unreadable as error:
        raise BadDescription([error.problem or Problem(source, 0, str(error))]) from None
    except UnknownVersion as error:
        line = root.line((error.key,)) if error.key else 0
        raise BadDescription([Problem(source, line, str(error))]) from None
    if root.value.get("paths") is None:
        raise BadDescription([Problem(source, 0, NO_DESCRIPTION)])
    document, places = _bundled(library, root, version, report)
    if report.problems:
        raise BadDescription(report.problems)
    return Description(document, tuple(sorted(set(report.partial))), library.files, version.name, places)


def _bundled(library: Library, root: Source, version: Version, report: Report) -> tuple[dict[str, Any], Places]:
    bundler = Bundler(library, root, version, report)
    document, places = bundler.bundle(), bundler.places
    broken = bundler.broken
    if version.name == "2.0":
        document, moves = to_version_3(document, lambda place, text: report.remark(places.where(place), text))
        places.moved(moves)
    document["openapi"] = "3.1.0"
    document.pop("jsonSchemaDialect", None)
    document.setdefault("paths", {})
    document.setdefault("components", {})
    check(document, report, places, broken)
    return document, places
