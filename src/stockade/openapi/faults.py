"""`Fault`: one way in which a request breaks its contract, as the client may see it."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct


class Fault(Struct, frozen=True, gc=False):
    """What is wrong, and where. `message` is for the client: nothing of internals, no value that was sent."""

    where: str  # "query:page", "path:id", "header:x-a", "cookie:s", "body"
    pointer: str  # JSON pointer (RFC 6901) within that value, "" for the whole
    rule: str  # stable: "type", "required", "pattern", "unknown-parameter", "duplicate-parameter", …
    message: str


NO_FAULTS: tuple[Fault, ...] = ()


class Unreadable(ValueError):
    """Text that is no value of its style or type. The message may be shown to the client."""

    def __init__(self, rule: str, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.pointer = pointer

    def within(self, token: str | int) -> Unreadable:
        """The same, seen from the value around it."""
        return Unreadable(self.rule, self.message, f"/{escaped(token)}{self.pointer}")


def escaped(token: str | int) -> str:
    """A reference token of a JSON pointer (RFC 6901, section 3)."""
    return token.replace("~", "~0").replace("/", "~1") if isinstance(token, str) else str(token)


def pointer_of(tokens: Iterable[str | int]) -> str:
    """The JSON pointer of a path of names and indexes."""
    return "".join(f"/{escaped(token)}" for token in tokens)
