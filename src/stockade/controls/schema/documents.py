"""XML bodies of operations that the policy holds to an XML Schema."""

from __future__ import annotations

from collections.abc import Mapping

from stockade.openapi.bodies.contents import of_payload
from stockade.openapi.bodies.media import is_xml, media_type
from stockade.openapi.faults import NO_FAULTS, Fault
from stockade.payloads import BadPayload, Limits, read_xml
from stockade.payloads import Schema as XmlSchema


class Documents:
    """schemas: by operation, "POST /orders"."""

    def __init__(self, schemas: Mapping[str, XmlSchema], limits: Limits) -> None:
        self._schemas = schemas
        self._limits = limits

    def faults(self, operation: str, content_type: str | None, body: bytes) -> tuple[Fault, ...]:
        """What is wrong with a body that is XML, and of an operation with a schema."""
        schema = self._schemas.get(operation)
        if schema is None or not is_xml(media_type(content_type)):
            return NO_FAULTS
        try:
            schema.check(read_xml(body, self._limits))
        except BadPayload as error:
            return of_payload(error)
        return NO_FAULTS
