"""Bodies of requests, read strictly within limits of structure: JSON, forms, multipart, XML, SOAP.

What two parsers could read differently is refused. Pure: bytes in, values or `BadPayload` out.
"""

from stockade.payloads.faults import BadPayload, Fault
from stockade.payloads.form import read_form
from stockade.payloads.json_body import read_json
from stockade.payloads.kinds import kind_of
from stockade.payloads.limits import Limits
from stockade.payloads.multipart import Part, read_multipart
from stockade.payloads.soap import Call, Soap
from stockade.payloads.wsdl import Operation
from stockade.payloads.xml_body import read_xml
from stockade.payloads.xsd import BadSchema, Problem, Schema

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
    "kind_of",
    "read_form",
    "read_json",
    "read_multipart",
    "read_xml",
]
