"""JSON pointers (RFC 6901), as tokens: what stands between the slashes, unescaped."""

from __future__ import annotations

from typing import Any, TypeAlias
from urllib.parse import unquote

Tokens: TypeAlias = tuple[str, ...]

_NOWHERE = object()


class NoSuchPlace(LookupError):
    """The pointer leads nowhere; the message says where it ends."""


def parse_pointer(text: str) -> Tokens:
    """The tokens of "/paths/~1a". Raises ValueError: a pointer is empty or begins with a slash."""
    if not text:
        return ()
    if not text.startswith("/"):
        raise ValueError(f"{text[:60]!r} is no JSON pointer: it does not begin with '/'")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))


def parse_fragment(text: str) -> Tokens:
    """The same for the fragment of a URI, in which characters may be written %XX (RFC 6901, section 6)."""
    return parse_pointer(unquote(text))


def pointer(tokens: Tokens) -> str:
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


def find(value: Any, tokens: Tokens) -> Any:
    """What stands there. Raises NoSuchPlace."""
    for depth, token in enumerate(tokens):
        found = _step(value, token)
        if found is _NOWHERE:
            where = pointer(tokens[:depth]) or "the top"
            raise NoSuchPlace(f"there is no {token[:60]!r} at {where[:120]}")
        value = found
    return value


def _step(value: Any, token: str) -> Any:
    if isinstance(value, dict):
        return value.get(token, _NOWHERE)
    if isinstance(value, list) and token.isascii() and token.isdigit() and len(token) < 10:
        index = int(token)
        return value[index] if index < len(value) and str(index) == token else _NOWHERE
    return _NOWHERE
