"""Cases of `stockade policy test`: read from YAML or JSON, and run through the controls of authorization alone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from stockade.config import BadConfig
from stockade.config.errors import Problem
from stockade.config.reading import Reader
from stockade.controls.authorization import Cedar
from stockade.engine import Binding, Policy, Route
from stockade.vocabulary import Exchange, Pass, Principal, Stop
from stockade.wire import BadRequest, Headers, Peer, Request, read_request


class Who(Struct, forbid_unknown_fields=True):
    """The principal of a case."""

    id: str
    kind: str = "jwt"
    credential: str = ""
    scopes: list[str] = []
    roles: list[str] = []
    claims: dict[str, Any] = {}
    acr: str = ""
    amr: list[str] = []


class Written(Struct, forbid_unknown_fields=True):
    """A case as it stands in the file. request: "GET /orders/7?all=1". body: text, or JSON. at: RFC 3339."""

    request: str
    expect: Literal["allow", "deny"]
    name: str = ""
    api: str = ""
    host: str = "localhost"
    headers: dict[str, str] = {}
    body: Any = None
    client: str = "127.0.0.1"
    at: str = ""
    risk: int = 0
    principal: Who | None = None
    policy: str = ""


class Case(Struct, frozen=True):
    """A case that can be run."""

    where: str
    written: Written
    request: Request
    body: bytes


class Outcome(Struct, frozen=True):
    """What was decided. reason: what went otherwise than expected."""

    where: str
    name: str
    expected: str
    decided: str
    policy: str
    passed: bool
    reason: str


def read_cases(file: Path) -> list[Case]:
    """`cases: [...]`. Raises BadConfig with all that is wrong, each with its line."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BadConfig([Problem(str(file), 0, f"cannot be read: {error.strerror}")]) from None
    reader = Reader(str(file), {})
    raw = reader.read(data)
    problems, cases = list(reader.problems), []
    listed = raw.get("cases") if isinstance(raw, dict) else None
    if not isinstance(listed, list) or not listed or set(raw) != {"cases"}:
        raise BadConfig(problems or [Problem(str(file), 1, "a file of cases is a mapping with a list: `cases: [...]`")])
    for index, each in enumerate(listed):
        line = reader.lines.get(("cases", index), 1)
        try:
            cases.append(_case(f"{file}:{line}", each))
        except ValueError as error:
            problems.append(Problem(str(file), line, str(error)))
    if problems:
        raise BadConfig(problems)
    return cases


def _case(where: str, given: Any) -> Case:
    """Raises ValueError (which msgspec's own errors are)."""
    written = msgspec.convert(given, Written, str_keys=True)
    method, _, target = written.request.partition(" ")
    if not method.isalpha() or not target.startswith("/"):
        raise ValueError(f'{written.request!r} is not a request such as "GET /orders/7"')
    body = b"" if written.body is None else _encoded(written.body)
    pairs = list(written.headers.items())
    if body and "content-type" not in {name.lower() for name in written.headers}:
        pairs.append(("Content-Type", "application/json"))
    request = read_request(
        id="case",
        at=datetime.fromisoformat(written.at).timestamp() if written.at else time.time(),
        method=method.upper(),
        scheme="https",
        authority=written.host,
        target=target,
        headers=Headers.of(pairs),
        peer=Peer(written.client),
        version="HTTP/1.1",
        has_body=bool(body),
    )
    if isinstance(request, BadRequest):
        raise ValueError(f"the request is refused before anybody authorizes it: {request.trouble}")  # noqa: TRY004
    return Case(where, written, request, body)


def _encoded(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def run_case(policy: Policy, case: Case) -> Outcome:
    written = case.written
    route = _route(policy, case)
    expected = f"{written.expect} by {written.policy}" if written.policy else written.expect
    if route is None:
        return Outcome(case.where, written.name, expected, "", "", False, "no API of the policy has this path")
    decided, rules, trouble = _decide(route, case)
    passed = decided == written.expect and not trouble and (not written.policy or written.policy in rules)
    said = f"{decided} by {' and '.join(rules)}" if rules else decided
    reason = trouble or ("" if passed else "another decision" if decided != written.expect else "another policy")
    return Outcome(case.where, written.name, expected, said, " ".join(rules), passed, reason)


def _route(policy: Policy, case: Case) -> Route | None:
    if case.written.api:
        return next((route for route in policy.routes if route.api == case.written.api), None)
    if len(policy.routes) == 1:
        return policy.routes[0]
    return policy.route(case.request.authority, case.request.path)


def _decide(route: Route, case: Case) -> tuple[str, list[str], str]:
    """The decision, the rules that made it, and where two evaluators decided differently."""
    rules: list[str] = []
    for binding in _bindings(route):
        exchange = _exchange(route, case)
        stop, trouble = _asked(binding, exchange, rules), _disagreement(binding, exchange)
        if stop or trouble:
            return ("deny" if stop else "allow"), rules, trouble
    return "allow", rules, ""


def _bindings(route: Route) -> Iterator[Binding]:
    return (binding for binding in route.bindings if binding.control.name == "authorization")


def _exchange(route: Route, case: Case) -> Exchange:
    written, who = case.written, case.written.principal
    principal = None
    if who is not None:
        principal = Principal(
            who.id,
            who.kind,
            who.credential,
            frozenset(who.scopes),
            who.acr,
            frozenset(who.amr),
            claims=who.claims,
            roles=frozenset(who.roles),
        )
    operation = route.operations.name(case.request.method, case.request.path)
    return Exchange(
        case.request, route.api, operation, written.client, principal, case.body, risk=max(0, min(100, written.risk))
    )


def _asked(binding: Binding, exchange: Exchange, rules: list[str]) -> bool:
    """Whether the control stops the request; the rules by which it decided are added."""
    for hook in (binding.control.on_request, binding.control.on_request_body):
        verdict = hook(exchange)
        if isinstance(verdict, Stop):
            rules[:] = [verdict.findings[-1].rule]
            return True
        if isinstance(verdict, Pass) and verdict.decided:
            rules.append(verdict.decided)
    return False


def _disagreement(binding: Binding, exchange: Exchange) -> str:
    control = binding.control
    if not isinstance(control, Cedar) or (exchange.principal is None and not control.anonymous):
        return ""
    from stockade.access import Ambiguous, UnreadableBody
    from stockade.cedar.peer import decide

    try:
        for with_body in (False, True):
            for action, about, asked in control.asked(exchange, with_body=with_body):
                ours, theirs = about.decide(asked), decide(about.policies, asked)
                if ours.allowed != theirs.allowed:
                    return f"a bug of Stockade's: Cedar's engine decides otherwise about {action.uid.id}"
    except (Ambiguous, UnreadableBody):
        return ""
    except ValueError as error:
        return f"Cedar's engine cannot take the request: {error}"
    return ""
