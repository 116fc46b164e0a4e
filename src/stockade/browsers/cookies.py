"""Set-Cookie made safe (RFC 6265bis, section 4.1): Secure, HttpOnly, SameSite, and what a name's prefix promises."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from msgspec import Struct

SameSite: TypeAlias = Literal["strict", "lax", "none"]
_STRICTNESS = {"none": 0, "lax": 1, "strict": 2}
_LONGEST = 8192  # characters; browsers take 4096 of name and value
_is_clean = re.compile(r"[\t\x20-\x7e\x80-\xff]*").fullmatch
_is_name = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch


class CookieRules(Struct, frozen=True):
    """What a cookie gets. same_site: at least so strict; None: as the upstream has it."""

    secure: bool = True
    http_only: bool = True
    same_site: SameSite | None = "lax"


def name_of(line: str) -> str:
    return line.partition(";")[0].partition("=")[0].strip()


def hardened(line: str, rules: CookieRules) -> str | None:
    """The value of one Set-Cookie field as it may leave; None when two browsers could read it differently.

    What it says already, and says strictly enough, stays as it was written.
    """
    if len(line) > _LONGEST or _is_clean(line) is None:
        return None
    pair, *attributes = [part.strip(" \t") for part in line.split(";")]
    name, equals, _ = pair.partition("=")
    name = name.strip(" \t")
    if not equals or _is_name(name) is None:
        return None
    prefix = name.lower()
    is_host, is_secure = prefix.startswith("__host-"), prefix.startswith("__secure-")
    kept = [part for part in attributes if part and not (is_host and _key(part) in ("domain", "path"))]
    if is_host:
        kept.append("Path=/")
    keys = {_key(part) for part in kept}
    kept, stated = _with_same_site(kept, rules.same_site)
    # A browser takes SameSite=None and Partitioned from Secure cookies alone.
    if (rules.secure or is_host or is_secure or stated == "none" or "partitioned" in keys) and "secure" not in keys:
        kept.append("Secure")
    if rules.http_only and "httponly" not in keys:
        kept.append("HttpOnly")
    return "; ".join([pair, *kept])


def _key(attribute: str) -> str:
    return attribute.partition("=")[0].strip(" \t").lower()


def _with_same_site(attributes: list[str], least: SameSite | None) -> tuple[list[str], str]:
    """The attributes with one SameSite that is strict enough, and which one that is. The last one counts."""
    stated = ""
    for part in attributes:
        if _key(part) == "samesite":
            value = part.partition("=")[2].strip(" \t").lower()
            stated = value if value in _STRICTNESS else ""
    if least is None or (stated and _STRICTNESS[stated] >= _STRICTNESS[least]):
        return attributes, stated
    others = [part for part in attributes if _key(part) != "samesite"]
    return [*others, f"SameSite={least.capitalize()}"], least
