"""`openapi:` the API's own description, read for the controls that hold requests to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import httpx
from pydantic import BeforeValidator, Field

from stockade.config.base import Model
from stockade.config.texts import FilePath, check_url
from stockade.openapi.reading import BadDescription, Description, read

if TYPE_CHECKING:
    from stockade.config.site import Site

_MOST_BYTES = 16 << 20  # of one file
_TIMEOUT = 10.0  # seconds for a whole remote file to begin; a policy is not loaded for longer


class OpenApi(Model):
    """Where the description is: OpenAPI 3.0 or 3.1, or Swagger 2.0, JSON or YAML, in one file or several."""

    source: str = Field(min_length=1, description="A file, or an https URL.")
    allow_remote: list[str] = Field([], description="Hosts, or URLs that others begin with, that references may name.")
    folder: FilePath | None = Field(None, description="What references to files may not leave; its own folder.")


def _from_text(value: Any) -> Any:
    return {"source": value} if isinstance(value, str) else value


OpenApiSource = Annotated[OpenApi, BeforeValidator(_from_text, json_schema_input_type=str | OpenApi)]


def describe(site: Site) -> Description | None:
    """The description of the site's API; None, and problems, where there is none or it cannot be used."""
    section = site.api.openapi
    if section is None:
        return None
    source = section.source
    is_remote = "://" in source
    if is_remote:
        try:
            check_url(source, "https://api.example/openapi.json")
        except ValueError as error:
            site.problem(str(error), "openapi")
            return None
    named = source if is_remote else str(site.folder / source)
    folder = str(site.folder / section.folder) if section.folder is not None else None
    try:
        found = read(named, load=_loader(site), allow_remote=section.allow_remote, folder=folder)
    except BadDescription as error:
        for problem in error.problems:
            site.foreign_problem(problem.file, problem.line, problem.text)
        return None
    for partial in found.partial:
        site.warn(f"not enforced: {partial}", "openapi")
    return found


def _loader(site: Site) -> Callable[[str], bytes]:
    def load(name: str) -> bytes:
        if "://" in name:
            return _download(name)
        path = Path(name)
        site.watched.add(path)
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        return _bounded(data)

    return load


def _download(url: str) -> bytes:
    """Raises OSError."""
    try:
        # Not compressed: a few bytes that unpack to gigabytes would be unpacked before they could be counted.
        with (
            httpx.Client(timeout=_TIMEOUT, follow_redirects=False, trust_env=False) as client,
            client.stream("GET", url, headers={"accept-encoding": "identity"}) as response,
        ):
            response.raise_for_status()
            data = b""
            for chunk in response.iter_raw():
                data += chunk
                if len(data) > _MOST_BYTES:
                    break
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise OSError(f"{type(error).__name__}: {str(error)[:200]}") from None
    return _bounded(data)


def _bounded(data: bytes) -> bytes:
    if len(data) > _MOST_BYTES:
        raise OSError(f"it has more than {_MOST_BYTES >> 20} MiB")
    return data
