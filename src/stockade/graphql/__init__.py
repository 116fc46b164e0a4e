"""GraphQL requests judged before a server sees them: syntax, size, depth, cost, variables, scopes. No I/O, no clock.

schema = Schema.read(b"type Query { orders(first: Int): [Order!]! } type Order { id: ID! }")
endpoint = Endpoint(schema, Rules(Sizes((("first",),), usual=10), costs={}, scopes={}), Settings())
(checked,) = endpoint.check(Message("POST", "application/json", body=b'{"query": "{ orders(first: 5) { id } }"}'))
checked.total, endpoint.name((checked,))          # 6, "query orders"; what must not pass raises Refused
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from stockade.graphql.limits import Limits

if TYPE_CHECKING:
    from stockade.graphql.costs import Sizes
    from stockade.graphql.documents import Document, Operation
    from stockade.graphql.endpoint import Checked, Endpoint, Settings, most_calls
    from stockade.graphql.faults import Fault, Refused
    from stockade.graphql.measuring import Rules
    from stockade.graphql.persisted import BadDocuments, documents_of, read_documents
    from stockade.graphql.requests import Message
    from stockade.graphql.schema import BadSchema, Schema, SchemaProblem
    from stockade.graphql.texts import Text
    from stockade.graphql.uploads import Part

# What needs graphql-core, which policies without GraphQL do not load: names by module.
_LATE = {
    "BadDocuments": "persisted",
    "BadSchema": "schema",
    "Checked": "endpoint",
    "Document": "documents",
    "Endpoint": "endpoint",
    "Fault": "faults",
    "Message": "requests",
    "Operation": "documents",
    "Part": "uploads",
    "Refused": "faults",
    "Rules": "measuring",
    "Schema": "schema",
    "SchemaProblem": "schema",
    "Settings": "endpoint",
    "Sizes": "costs",
    "Text": "texts",
    "documents_of": "persisted",
    "most_calls": "endpoint",
    "read_documents": "persisted",
}

__all__ = [
    "BadDocuments",
    "BadSchema",
    "Checked",
    "Document",
    "Endpoint",
    "Fault",
    "Limits",
    "Message",
    "Operation",
    "Part",
    "Refused",
    "Rules",
    "Schema",
    "SchemaProblem",
    "Settings",
    "Sizes",
    "Text",
    "documents_of",
    "most_calls",
    "read_documents",
]


def __getattr__(name: str) -> Any:
    """PEP 562: the module is loaded with the first name that is asked of it."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
