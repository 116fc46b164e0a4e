"""libmodsecurity 3.0.15 as the oracle: what a transformation makes of a value, what an operator says of it."""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.absent import module

libmodsecurity = module("libmodsecurity")  # there is no wheel for every platform

_SETTINGS = """
SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyLimit 134217728
SecRequestBodyNoFilesLimit 134217728
"""


@cache
def _engine() -> Any:
    engine = libmodsecurity.ModSecurity()
    engine.set_log_callback(lambda line: None)
    return engine


@cache
def _rules(text: str) -> Any:
    rules = libmodsecurity.RulesSet()
    if rules.load(_SETTINGS + text) < 0:
        raise ValueError(rules.get_parser_error())
    return rules


def _messages(rules: Any, body: bytes) -> list[Any]:
    transaction = libmodsecurity.Transaction(_engine(), rules)
    transaction.process_connection("127.0.0.1", 1, "127.0.0.1", 80)
    transaction.process_uri("/", "POST", "1.1")
    transaction.add_request_header("Content-Type", "text/plain")
    transaction.process_request_headers()
    transaction.append_request_body(body)
    transaction.process_request_body()
    return list(transaction.get_rule_messages())


def transformed(names: str, value: bytes) -> bytes:
    """What the transformations, parted by commas, make of a value, which is not empty."""
    steps = "".join(f"t:{name}," for name in names.split(","))
    rule = (
        f'SecRule REQUEST_BODY "@unconditionalMatch" '
        f"\"id:1,phase:2,pass,log,t:none,{steps}t:hexEncode,logdata:'%{{MATCHED_VAR}}'\""
    )
    (message,) = _messages(_rules(rule), value)
    return bytes.fromhex(message.data)


def answer(operator: str, argument: str, value: bytes) -> tuple[str, str] | None:
    """(reference, TX.0) where the operator matches the value: ("o1,3v41,9", "sel"); None where it does not."""
    quoted = argument.replace('"', r"\"")
    rule = f'SecRule REQUEST_BODY "@{operator} {quoted}" "id:1,phase:2,pass,log,capture,t:none,logdata:\'%{{TX.0}}\'"'
    messages = _messages(_rules(rule), value)
    return (messages[0].reference, messages[0].data) if messages else None
