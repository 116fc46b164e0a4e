"""Whose an object is: ids in one form, places in messages, and a table of what was handed to whom. No I/O, no clock."""

from stockade.ownership._edges import Edges
from stockade.ownership.ids import BadId, Form, spellings
from stockade.ownership.learning import MINE, UNKNOWN, Confidence, is_confident, table_size
from stockade.ownership.places import BadPlace, Place, parse_place, values_at

__all__ = [
    "MINE",
    "UNKNOWN",
    "BadId",
    "BadPlace",
    "Confidence",
    "Edges",
    "Form",
    "Place",
    "is_confident",
    "parse_place",
    "spellings",
    "table_size",
    "values_at",
]
