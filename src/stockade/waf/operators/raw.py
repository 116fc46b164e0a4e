"""Bytes as libinjection's Python binding wants them: it takes text and calls its `encode`, but values are no text."""

from __future__ import annotations


class Raw(bytes):
    __slots__ = ()

    def encode(self, *_: str) -> bytes:
        return self
