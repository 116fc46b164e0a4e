"""The description that the policy names for an API, read by the rules that the policy gives for it."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from stockade.config.errors import BadConfig, Problem

if TYPE_CHECKING:
    from stockade.config.loading import Loaded
    from stockade.openapi.reading import Description


def describe(loaded: Loaded, index: int) -> Description | None:
    """What describes the API with that index, read anew; None where the policy names nothing.

    Raises BadConfig with all that is wrong, each with the file and line of the description. Files are named as the
    policy is: relative to the current folder where it is.
    """
    section = loaded.config.apis[index].openapi
    if section is None:
        return None
    from stockade.openapi.reading import BadDescription, read  # for those who have a description
    from stockade.stores.documents import load_document

    beside = loaded.path.parent
    name = section.url or str(beside / str(section.file))
    folder = str(beside / section.folder) if section.folder is not None else None
    try:
        return read(name, load=load_document, allow_remote=section.allow_remote, folder=folder)
    except BadDescription as error:
        raise BadConfig(Problem(part.file, part.line, part.text) for part in error.problems) from None


def description_files(description: Description) -> frozenset[Path]:
    """The files to watch; what came from elsewhere is not among them."""
    return frozenset(Path(name).absolute() for name in description.files if "://" not in name)


def is_loopback(url: str) -> bool:
    """Whether the host is this machine, as far as its name tells."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
