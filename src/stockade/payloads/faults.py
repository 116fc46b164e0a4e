"""What is wrong with a body, said so that its sender can mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NoReturn, TypeAlias

from msgspec import Struct

MOST_FAULTS = 20  # of one body that are told
_LONGEST = 64  # characters of one name within a pointer


class Fault(Struct, frozen=True, gc=False):
    """One thing that is wrong.

    `pointer` is an RFC 6901 JSON pointer from the top of the body, "" for the whole. Of a form or multipart body it is
    the name of the field, of XML the path of the element by local names ("/Envelope/Body/order[2]/@id").
    `message` is for the sender: it holds nothing of our internals and no value of the body.
    """

    pointer: str
    rule: str  # stable: "syntax", "duplicate-name", "depth", …
    message: str


class BadPayload(Exception):
    """A body that is not read. `faults` are the first of what is wrong with it, at the least one."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.pointer or 'the body'}: {fault.message}" for fault in self.faults))


Note: TypeAlias = Callable[[str, str], None]
"""Takes the rule and the message of a fault whose place the giver knows."""


def refuse(rule: str, message: str, pointer: str = "") -> NoReturn:
    """Raise BadPayload with one fault."""
    raise BadPayload((Fault(pointer, rule, message),))


def pointer_to(path: Iterable[str | int]) -> str:
    """The JSON pointer (RFC 6901) of names and indexes; a name that is too long to repeat is cut, with an ellipsis."""
    return "".join(["/" + _step(step) for step in path])


def _step(step: str | int) -> str:
    text = str(step)
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + "…"
    return text.replace("~", "~0").replace("/", "~1")
