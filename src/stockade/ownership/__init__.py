"""Whose an object is: ids in one form, places in messages, and a table of what was handed to whom. No I/O, no clock."""

from stockade.ownership.ids import BadId, Form, spellings
from stockade.ownership.places import BadPlace, Place, parse_place, values_at
from stockade.ownership.table import Confidence, Found, Table, table_words

__all__ = [
    "BadId",
    "BadPlace",
    "Confidence",
    "Form",
    "Found",
    "Place",
    "Table",
    "parse_place",
    "spellings",
    "table_words",
    "values_at",
]
