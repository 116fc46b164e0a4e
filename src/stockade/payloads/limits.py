"""How large a body may be in each of its dimensions. The size of the body in all is the door's business."""

from __future__ import annotations

from struct import Struct

import msgspec
from msgspec.structs import force_setattr

SAFE_INTEGER = 2**53 - 1
"""The largest integer below which a double holds every one (RFC 8259, section 6; RFC 7493, section 2.2)."""

LONGEST_NUMBER = 1024  # characters, whatever the policy says: reading takes the square of the length


class Limits(msgspec.Struct, frozen=True):
    """Sizes are characters for text and bytes for files. All count from the top of one body.

    Raises ValueError for a limit below 1 where that makes no sense.
    """

    # JSON and XML
    depth: int = 32  # containers, or elements, within one another
    members: int = 10_000  # names in all objects of the body together
    items: int = 10_000  # items in all arrays of the body together
    name: int = 256  # of a member, field, part, element or attribute
    string: int = 65_536  # of one value: JSON string, form field, text of an element, attribute
    number: int = 64  # characters of a JSON number, at most 1,024
    integer: int = SAFE_INTEGER  # the largest magnitude of a JSON integer; 2**63 - 1 allows all of int64
    # application/x-www-form-urlencoded
    fields: int = 1_000
    # multipart/form-data
    parts: int = 100
    files: int = 10
    file: int = 10 * 1024 * 1024
    filename: int = 255
    file_types: frozenset[str] = frozenset()  # media types files may be of, "image/*" allowed; empty: all known ones
    unknown_files: bool = False  # files whose type their content does not tell, declared application/octet-stream
    pixels: int = 50_000_000  # of a picture, width times height
    double_extensions: bool = False  # names such as invoice.php.png
    active_files: bool = False  # files that a browser or viewer would run: HTML, SVG with script, PDF with JavaScript
    # files that are archives
    archive_depth: int = 1  # archives within one another
    archive_entries: int = 1_000
    archive_ratio: int = 100  # unpacked size over packed size
    archive_size: int = 64 * 1024 * 1024  # unpacked, in all
    # XML
    elements: int = 10_000
    attributes: int = 64  # of one element, namespace declarations included
    namespaces: int = 32  # declarations in the whole body
    instructions: bool = False  # processing instructions
    comments: bool = True  # but never amid text, where parsers disagree on what the text is

    json: bytes = b""  # made from the others: those of JSON as `_json.is_sound` takes them

    def __post_init__(self) -> None:
        for field in self.__struct_fields__:
            value = getattr(self, field)
            if type(value) is int and value < (field in _AT_LEAST_ONE):
                raise ValueError(f"the limit {field} must be at least {int(field in _AT_LEAST_ONE)}, not {value}")
        number = min(self.number, LONGEST_NUMBER)
        words = (self.depth, self.members, self.items, self.name, self.string, number, self.integer)
        force_setattr(self, "json", _WORDS.pack(*(min(word, _MOST) for word in words)))


_WORDS, _MOST = Struct("=7Q"), 2**64 - 1
_AT_LEAST_ONE = frozenset(("depth", "name", "string", "number", "integer", "filename", "elements"))
DEFAULT = Limits()
