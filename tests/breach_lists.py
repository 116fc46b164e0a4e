"""Lists of breached passwords as they are published, made of passwords that the test knows."""

from __future__ import annotations

from collections.abc import Iterable

from stockade.passwords import breach_digest


def list_lines(passwords: Iterable[str]) -> list[str]:
    return [f"{digest}:1\n" for digest in sorted({breach_digest(password) for password in passwords if password})]
