"""What `schema.soap:` becomes, and how XML Schemas are read from files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from posixpath import isabs, normpath
from typing import TYPE_CHECKING, TypeVar

from stockade.config.site import Site
from stockade.controls.schema import SoapEndpoint
from stockade.payloads import BadSchema, Limits, Schema, Soap

if TYPE_CHECKING:
    from stockade.config.sections.soap import SoapSection

T = TypeVar("T")
_SOAP = ("schema", "soap")


def endpoint(site: Site, section: SoapSection, limits: Limits, status: int) -> SoapEndpoint | None:
    """None, and problems, where the description is no good."""
    prefix = site.api.prefix.rstrip("/")
    if not (section.path == prefix or section.path.startswith(f"{prefix}/")):
        site.problem(f"{section.path} is not under the API's prefix {site.api.prefix}", *_SOAP, "path")
    key = "wsdl" if section.wsdl is not None else "xsd"
    named = [section.wsdl] if section.wsdl is not None else section.xsd
    load = _loader(site, named)

    def compiled() -> Soap:
        return Soap.compile(
            load=load,
            wsdl=_name(section.wsdl) if section.wsdl is not None else "",
            xsd=[_name(path) for path in section.xsd],
            operations=section.operations,
            headers=section.headers,
            limits=limits,
        )

    soap = _told(site, compiled, *_SOAP, key)
    if soap is None:
        return None
    status_of_problems = status if section.faults == "problem" else None
    return SoapEndpoint(soap, section.path, wsdl=section.publish_wsdl, status=status_of_problems)


def xml_schema(site: Site, files: Sequence[Path], *place: str | int) -> Schema | None:
    """The schema of the files; None, and problems, where they are no good."""
    load = _loader(site, files)
    return _told(site, lambda: Schema.compile([_name(path) for path in files], load), *place)


def _name(path: Path) -> str:
    return normpath(path.as_posix())


def _loader(site: Site, named: Sequence[Path]) -> Callable[[str], bytes]:
    """Reads what is named, and what lies in the folders of that or under them; all of it is watched."""
    folders = {(site.folder / path).resolve().parent for path in named}
    known = {_name(path) for path in named}

    def load(name: str) -> bytes:
        if "://" in name:
            raise ValueError("it is remote; keep a copy beside the policy")
        path = site.folder / name
        inside = any(path.resolve().is_relative_to(folder) for folder in folders)
        if name not in known and (isabs(name) or not inside):
            raise ValueError("it lies outside the folder of what refers to it")
        site.watched.add(path)
        try:
            return path.read_bytes()
        except OSError as error:
            raise ValueError(error.strerror) from None

    return load


def _told(site: Site, work: Callable[[], T], *place: str | int) -> T | None:
    try:
        return work()
    except BadSchema as error:
        for problem in error.problems:
            at = f"{problem.file}:{problem.line}: " if problem.line else f"{problem.file}: "
            site.problem(f"{'' if problem.text.startswith(problem.file) else at}{problem.text}", *place)
        return None
