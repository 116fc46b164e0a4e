"""Bodies of requests, read strictly within limits of structure: JSON, forms, multipart, XML, SOAP.

What two parsers could read differently is refused. Pure: bytes in, values or `BadPayload` out.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from stockade.payloads.faults import BadPayload, Fault
from stockade.payloads.form import read_form
from stockade.payloads.json_body import read_json
from stockade.payloads.kinds import kind_of
from stockade.payloads.limits import Limits
from stockade.payloads.structure import check_structure, structure_of
from stockade.problems import Problem

if TYPE_CHECKING:
    from stockade.payloads.multipart import Part, read_fields, read_multipart
    from stockade.payloads.soap import Call, Soap
    from stockade.payloads.wsdl import Operation
    from stockade.payloads.xml_body import read_xml
    from stockade.payloads.xsd import BadSchema, Schema

# What needs lxml, which policies without XML and files do not load: names by module.
_LATE = {
    "BadSchema": "xsd",
    "Call": "soap",
    "Operation": "wsdl",
    "Part": "multipart",
    "Schema": "xsd",
    "Soap": "soap",
    "read_fields": "multipart",
    "read_multipart": "multipart",
    "read_xml": "xml_body",
}

__all__ = [
    "BadPayload",
    "BadSchema",
    "Call",
    "Fault",
    "Limits",
    "Operation",
    "Part",
    "Problem",
    "Schema",
    "Soap",
    "check_structure",
    "kind_of",
    "read_fields",
    "read_form",
    "read_json",
    "read_multipart",
    "read_xml",
    "structure_of",
]


def __getattr__(name: str) -> Any:
    """PEP 562: the module is loaded with the first name that is asked of it."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
