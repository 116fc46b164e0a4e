"""Who may do what, and to which request a rule applies, however the request is spelled. Pure: no I/O, no clock."""

from stockade.access.grants import Grant, Needs, Subject
from stockade.access.properties import UnreadableBody, plain, read_json, written_properties
from stockade.access.readings import Ambiguous, Reading, as_sent, folded, methods_of, readings
from stockade.access.roles import Roles
from stockade.access.templates import Templates

__all__ = [
    "Ambiguous",
    "Grant",
    "Needs",
    "Reading",
    "Roles",
    "Subject",
    "Templates",
    "UnreadableBody",
    "as_sent",
    "folded",
    "methods_of",
    "plain",
    "read_json",
    "readings",
    "written_properties",
]
