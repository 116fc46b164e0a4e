"""What `schema:` becomes: the description with the policy's own schemas, compiled to a contract."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from stockade.config.errors import Problem
from stockade.config.sections.graphql import place_of
from stockade.config.sections.soap_endpoint import endpoint, xml_schema
from stockade.config.site import Site
from stockade.controls.schema import DeprecatingSchema, Documents, Schema
from stockade.engine import Binding
from stockade.openapi.contract import BadContract, Contract
from stockade.openapi.overlay import OVERLAID, compiled_name, overlaid
from stockade.openapi.reading import Description

if TYPE_CHECKING:
    from stockade.config.sections.schema import OperationSchema, SchemaSection

_MOST_TOLD = 20  # demands that are not enforced


def make_with(site: Site, section: SchemaSection) -> list[Binding]:
    description = site.description()
    if description is None and site.api.openapi is not None:
        return []  # for reasons that have been told
    document = description.document if description is not None else None
    whole = _overlaid(site, section, document)
    contract = _contract(site, section, whole, description) if whole is not None else None
    soap = endpoint(site, section.soap, section.limits.limits(), section.status) if section.soap is not None else None
    documents = _documents(site, section, document)
    if (contract is None and whole is not None) or (soap is None and section.soap is not None):
        return []
    control = _control(site, section, contract, undescribed=document is None)(soap=soap, documents=documents)
    return [site.bind(control, section, "schema")]


def _overlaid(site: Site, section: SchemaSection, document: dict[str, Any] | None) -> dict[str, Any] | None:
    """The description with what the policy says of operations; None where nobody says anything."""
    if not section.operations:
        says_of_others = section.soap is not None and section.undocumented in ("block", "monitor")
        return {"paths": {}} if document is None and says_of_others else document
    for name in section.operations:
        if name.split()[0] == "*" or name.endswith("/*"):
            site.problem(f"{name}: a schema is of one method and one path", "schema", "operations", name)
    requests = {name: _schema(site, name, entry) for name, entry in section.operations.items()}
    return overlaid(document, requests, {name for name, entry in section.operations.items() if entry.xml})


def _documents(site: Site, section: SchemaSection, document: dict[str, Any] | None) -> Documents | None:
    """The XML Schemas of operations."""
    schemas = {
        compiled_name(document, name): xml_schema(site, entry.xml, "schema", "operations", name, "xml")
        for name, entry in section.operations.items()
        if entry.xml
    }
    good = {name: schema for name, schema in schemas.items() if schema is not None}
    return Documents(good, section.limits.limits()) if good else None


def _control(
    site: Site, section: SchemaSection, contract: Contract | None, *, undescribed: bool
) -> Callable[..., Schema]:
    """What makes the control; what is said of XML is still to be given."""
    authentication = site.api.authentication
    has_lifetimes = contract is not None and any(operation.lifetime for operation in contract.operations)
    return partial(
        DeprecatingSchema if has_lifetimes else Schema,
        contract,
        limits=section.limits.limits(),
        status=section.status,
        undocumented=section.undocumented or ("allow" if undescribed else "block"),
        strict=section.strict,
        scopes=authentication is not None and authentication.mode != "off",
        preflight=section.preflight,
        elsewhere=place_of(site) or (lambda _: False),
    )


def _contract(
    site: Site, section: SchemaSection, document: dict[str, Any], description: Description | None
) -> Contract | None:
    try:
        contract = Contract.compile(
            document, strict=section.strict, limits=section.limits.limits(), refused_headers=section.refused_headers
        )
    except BadContract as error:
        for trouble in error.troubles:
            name, pointer = _own(section, trouble.pointer)
            if name:
                site.problem(f"{trouble.text} (at {pointer or 'its top'})", "schema", "operations", name, "request")
            elif description is not None:
                site.problems.append(Problem(*description.where(trouble.pointer), trouble.text))
        return None
    _warn(site, section, contract, description)
    return contract


def _own(section: SchemaSection, pointer: str) -> tuple[str, str]:
    """The operation of the policy whose schema a pointer leads into, and the pointer in it; "" where there is none."""
    _, own, rest = pointer.partition(f"/components/schemas/{OVERLAID}")
    number, slash, within = rest.partition("/")
    return (list(section.operations)[int(number)], slash + within) if own else ("", "")


def _warn(site: Site, section: SchemaSection, contract: Contract, description: Description | None) -> None:
    """Tell what is not enforced."""
    for trouble in contract.partial[:_MOST_TOLD]:
        name, pointer = _own(section, trouble.pointer)
        if name:
            site.warn(f"not enforced: {trouble.text} (at {pointer})", "schema", "operations", name, "request")
        elif description is not None:
            place = Problem(*description.where(trouble.pointer), trouble.text)
            site.warn(f"not enforced: {place}", "openapi")
    if len(contract.partial) > _MOST_TOLD:
        site.warn(f"not enforced: {len(contract.partial) - _MOST_TOLD} more demands of the description", "openapi")


def _schema(site: Site, name: str, entry: OperationSchema) -> Any:
    """The JSON Schema of the policy; None where there is none."""
    if not isinstance(entry.request, Path):
        return entry.request
    place = ("schema", "operations", name, "request")
    data = site.read_file(entry.request, "the schema", *place)
    if data is None:
        return True
    try:
        found = json.loads(data) if data.lstrip()[:1] == b"{" else yaml.safe_load(data)
    except (ValueError, yaml.YAMLError, RecursionError):
        found = None
    if not isinstance(found, dict | bool):
        site.problem(f"{entry.request} is neither JSON nor YAML with a JSON Schema in it", *place)
        return True
    return found
