"""Archives, looked into without unpacking them anywhere: their entries, sizes, names, links, and what lies within."""

from __future__ import annotations

from stockade.payloads.archive_budget import BadArchive as BadArchive
from stockade.payloads.archive_budget import Budget, Reader
from stockade.payloads.gzip_archive import inspect_gzip
from stockade.payloads.kinds import GZIP, TAR, ZIP
from stockade.payloads.limits import Limits
from stockade.payloads.tar_archive import inspect_tar
from stockade.payloads.zip_archive import inspect_zip

_READERS: dict[str, Reader] = {GZIP: inspect_gzip, TAR: inspect_tar, ZIP: inspect_zip}


def inspect(content: bytes, kind: str, limits: Limits) -> tuple[str, bool]:
    """The type of a file, exact for office documents and the like, and whether it has macros. Raises BadArchive."""
    budget = Budget(len(content), limits, _READERS)
    return budget.inspect(content, kind), budget.macros
