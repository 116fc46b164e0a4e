"""The operators of SecLang: what `@` asks of a value. One file each.

They say what ModSecurity v3.0.15 says; where they differ, the manual of the file gives the reason.
"""

from __future__ import annotations

from stockade.waf.operators import (
    always,
    begins_with,
    comparisons,
    contains,
    contains_word,
    detect_sqli,
    detect_xss,
    ends_with,
    geo_lookup,
    ip_match,
    pm,
    pm_from_file,
    rx,
    rx_global,
    streq,
    validate_byte_range,
    validate_url_encoding,
    validate_utf8_encoding,
    validate_xml,
    verify_cc,
    verify_cpf,
    verify_ssn,
    verify_svnr,
    within,
)
from stockade.waf.operators.base import BadArgument, Files, Hit, Make, Test
from stockade.waf.operators.refused import refusal

__all__ = ["OPERATORS", "BadArgument", "Files", "Hit", "Make", "Test"]

OPERATORS: dict[str, Make] = {
    "beginswith": begins_with.make,
    "contains": contains.make,
    "containsword": contains_word.make,
    "detectsqli": detect_sqli.make,
    "detectxss": detect_xss.make,
    "endswith": ends_with.make,
    "eq": comparisons.make_eq,
    "ge": comparisons.make_ge,
    "geolookup": geo_lookup.make,
    "gt": comparisons.make_gt,
    "ipmatch": ip_match.make,
    "ipmatchf": ip_match.make_from_file,
    "ipmatchfromfile": ip_match.make_from_file,
    "le": comparisons.make_le,
    "lt": comparisons.make_lt,
    "nomatch": always.make_never,
    "pm": pm.make,
    "pmf": pm_from_file.make,
    "pmfromfile": pm_from_file.make,
    "rx": rx.make,
    "rxglobal": rx_global.make,
    "streq": streq.make,
    "strmatch": contains.make,
    "unconditionalmatch": always.make_always,
    "validatebyterange": validate_byte_range.make,
    "validatedtd": validate_xml.make_dtd,
    "validateschema": validate_xml.make_schema,
    "validateurlencoding": validate_url_encoding.make,
    "validateutf8encoding": validate_utf8_encoding.make,
    "verifycc": verify_cc.make,
    "verifycpf": verify_cpf.make,
    "verifyssn": verify_ssn.make,
    "verifysvnr": verify_svnr.make,
    "within": within.make,
    "fuzzyhash": refusal("fuzzyHash needs ssdeep, which is not built in"),
    "gsblookup": refusal("gsbLookup asks a service of Google's that has ended"),
    "inspectfile": refusal("inspectFile would run a program for each request"),
    "rbl": refusal("rbl would ask the DNS for each request: list the addresses and use ipMatchFromFile"),
    "rsub": refusal("rsub rewrites bodies, which ModSecurity v3 does not do either"),
    "validatehash": refusal("validateHash needs the hash engine, which ModSecurity v3 does not have either"),
}
"""By name, in lower case. A refused operator is there, too: its maker raises BadArgument with the reason."""
