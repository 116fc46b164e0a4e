"""`read_policies`: a file of Cedar policies, each with its name, its line, its scope and its conditions.

Cedar's parser tells no places, so the text is cut into its statements first, and each is read alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from stockade.cedar.compiling import compile_condition
from stockade.cedar.errors import BadPolicy, Fault
from stockade.cedar.values import Judge, Uid

_TOKENS = re.compile(r'//[^\n]*|"(?:[^"\\]|\\.)*"|;|\S', re.DOTALL)
_STRANGE = re.compile(r'//[^\n]*|"(?:[^"\\]|\\.)*"|([^\w\s{}\[\]()<>,:;?=@&|!+\-*.%/])', re.DOTALL)  # in group 1
_MOST = 10_000  # policies of a file
_LARGEST = 10 << 20  # characters of a file
_is_name = re.compile(r"[^\s\x00-\x1f\x7f]{1,100}").fullmatch
_unexpected = re.compile(r"unexpected token `(.+)`", re.DOTALL)


class Scope(Struct, frozen=True):
    """Of the head of a policy, what it says of the principal, the action or the resource. All empty: any.

    type: the entity's. within: the entity itself, or one of those of which it is a descendant; `exactly`: itself alone.
    """

    type: str = ""
    within: tuple[Uid, ...] = ()
    exactly: bool = False

    @property
    def is_open(self) -> bool:
        return not self.type and not self.within and not self.exactly

    def admits(self, uid: Uid, ancestors: frozenset[Uid]) -> bool:
        if self.type and uid.type != self.type:
            return False
        if self.exactly:
            return uid in self.within
        return not self.within or uid in self.within or not ancestors.isdisjoint(self.within)


class Policy(Struct, frozen=True, eq=False):
    """One policy. line: of its text; conditions: `when`s and `unless`es in order, as Cedar's parse tree."""

    name: str
    effect: Literal["permit", "forbid"]
    principal: Scope
    action: Scope
    resource: Scope
    conditions: tuple[tuple[Literal["when", "unless"], Mapping[str, Any]], ...]
    annotations: Mapping[str, str]
    line: int
    text: str
    judges: tuple[tuple[Judge, bool], ...]  # each with what it must say

    def where(self, file: str) -> str:
        return f"{file}:{self.line}"


class _Statement(NamedTuple):
    line: int
    text: str


def read_policies(text: str, stem: str) -> list[Policy]:
    """The policies in order; one without @id is called by `stem` and its number. Raises BadPolicy with all faults."""
    if len(text) > _LARGEST:
        raise BadPolicy([Fault(1, "the file is too large")])
    faults: list[Fault] = []
    found: list[Policy] = []
    seen: dict[str, int] = {}
    for number, statement in enumerate(_statements(text), 1):
        if number > _MOST:
            raise BadPolicy([Fault(statement.line, f"more than {_MOST} policies")])
        try:
            policy = _read(statement, f"{stem}-{number}")
        except BadPolicy as error:
            faults += error.faults
            continue
        if policy.name in seen:
            faults.append(Fault(policy.line, f"two policies are called {policy.name!r}: see line {seen[policy.name]}"))
        seen[policy.name] = policy.line
        found.append(policy)
    if not found and not faults:
        faults.append(Fault(1, "there is no policy in this file"))
    if faults:
        raise BadPolicy(faults)
    return found


def _statements(text: str) -> Iterator[_Statement]:
    start: int | None = None
    line, at = 1, 0
    for match in _TOKENS.finditer(text):
        token = match.group()
        if token.startswith("//"):
            continue
        if start is None:
            start = match.start()
            line += text.count("\n", at, start)
            at = start
        if token == ";":  # noqa: S105 - not that kind of token
            yield _Statement(line, text[start : match.end()])
            start = None
    if start is not None:
        yield _Statement(line, text[start:])


def _read(statement: _Statement, name: str) -> Policy:
    from cedarpy import policies_to_json_str  # heavy: for those alone who have policies

    try:
        parsed = json.loads(policies_to_json_str(statement.text))
    except ValueError as error:
        raise BadPolicy([_fault(statement, str(error))]) from None
    except RecursionError:
        raise BadPolicy([Fault(statement.line, "the policy is nested too deeply")]) from None
    if parsed["templates"] or len(parsed["staticPolicies"]) != 1:
        text = "a template (?principal, ?resource) has nothing here that would link it: name the entity, or a group"
        raise BadPolicy([Fault(statement.line, text)])
    (tree,) = parsed["staticPolicies"].values()
    annotations = {key: value or "" for key, value in (tree.get("annotations") or {}).items()}
    name = annotations.get("id") or name
    if not _is_name(name):
        raise BadPolicy([Fault(statement.line, "an @id is 1 to 100 printable characters, no blanks")])
    conditions = tuple((each["kind"], each["body"]) for each in tree["conditions"])
    try:
        judges = tuple((compile_condition(body), kind == "when") for kind, body in conditions)
    except BadPolicy as error:
        raise BadPolicy([Fault(statement.line, fault.text) for fault in error.faults]) from None
    return Policy(
        name,
        tree["effect"],
        _scope(tree["principal"]),
        _scope(tree["action"]),
        _scope(tree["resource"]),
        conditions,
        annotations,
        statement.line,
        statement.text,
        judges,
    )


def _fault(statement: _Statement, said: str) -> Fault:
    return Fault(statement.line + line_of(statement.text, said) - 1, said)


def line_of(text: str, said: str) -> int:
    """The line of the token that the parser names, where it stands on one line alone; else the first."""
    match = _unexpected.search(said)
    if match is not None:
        lines = [number for number, line in enumerate(text.split("\n"), 1) if match[1] in line]
        if len(lines) == 1:
            return lines[0]
    if "invalid token" in said:
        strange = next((found for found in _STRANGE.finditer(text) if found[1]), None)
        if strange is not None:
            return text.count("\n", 0, strange.start()) + 1
    return 1


def _scope(tree: Mapping[str, Any]) -> Scope:
    operator = tree["op"]
    if operator == "All":
        return Scope()
    if operator == "==":
        return Scope("", (_uid(tree["entity"]),), True)
    if operator == "in":
        several = tree["entities"] if "entities" in tree else [tree["entity"]]
        within = tuple(map(_uid, several))
        return Scope("", within, not within)  # `in []` admits nothing
    if operator == "is":
        return Scope(tree["entity_type"], (_uid(tree["in"]["entity"]),) if tree.get("in") else ())
    raise BadPolicy([Fault(1, f"{operator!r} is not known here")])


def _uid(tree: Mapping[str, Any]) -> Uid:
    return Uid(str(tree["type"]), str(tree["id"]))
