"""Compressed request bodies, inflated within a limit (RFC 9110, section 8.4.1).

gzip, x-gzip and deflate (with or without the zlib frame, since clients send both), up to three layers. The limit holds
for every layer, so that a small body cannot become a large one: what goes beyond it is not inflated at all.

ModSecurity v3 does none of this: its rules would see the compressed bytes.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

_MOST_LAYERS = 3
_WINDOWS = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}


class Inflated(NamedTuple):
    """`failed`: why the body could not be inflated to its end; `content` is then what could be."""

    content: bytes
    was_cut: bool = False
    failed: str = ""


def inflate(body: bytes, encodings: str, most: int) -> Inflated:
    """Undo the codings of a Content-Encoding field, the last one first. `most` bytes at the most."""
    layers = [name for name in (part.strip().lower() for part in encodings.split(",")) if name not in ("", "identity")]
    if len(layers) > _MOST_LAYERS:
        return Inflated(body, failed="the body is compressed too many times")
    for layer in reversed(layers):
        if layer not in _WINDOWS:
            return Inflated(body, failed="the body is compressed in an unknown way")
        step = _undo(body, layer, most)
        if step.failed or step.was_cut:
            return step
        body = step.content
    return Inflated(body)


def _undo(body: bytes, layer: str, most: int) -> Inflated:
    for window in _WINDOWS[layer]:
        reader = zlib.decompressobj(window)
        try:
            content = reader.decompress(body, most + 1)
        except zlib.error:
            continue
        if len(content) > most:
            return Inflated(content[:most], was_cut=True)
        if not reader.eof:
            return Inflated(content, failed="the compressed body ends too early")
        if reader.unused_data:
            return Inflated(content, failed="something follows the compressed body")
        return Inflated(content)
    return Inflated(body, failed="the compressed body is malformed")
