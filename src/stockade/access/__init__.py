"""Who may do what, and to which request a rule applies, however the request is spelled. Pure: no I/O, no clock."""

from stockade.access.grants import Grant, Needs, Subject
from stockade.access.properties import UnreadableBody, written_properties
from stockade.access.readings import Ambiguous, methods_of, readings
from stockade.access.roles import Roles
from stockade.access.templates import Templates

__all__ = [
    "Ambiguous",
    "Grant",
    "Needs",
    "Roles",
    "Subject",
    "Templates",
    "UnreadableBody",
    "methods_of",
    "readings",
    "written_properties",
]
