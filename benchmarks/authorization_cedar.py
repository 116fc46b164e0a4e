"""What a Cedar decision costs with 200 policies, beside Cedar's own engine and casbin in the same run.

    python benchmarks/authorization_cedar.py [--requests 5000] [--write]

`hook` is all that the control does for a request: every reading of it, the entities, the context, the decision. The
paths never repeat. Four sets of 200 policies: `spread`, one for each of 200 operations, as policies mostly are; `roles`
and `claims`, all about one operation, told apart by a role or by a claim; `conditions`, all about one operation and
told apart by nothing that an index could use, the worst there is. `engine` is `cedarpy.is_authorized` with a policy set
that it has parsed before, given the same entities and context; `casbin` enforces 200 policies of the form (role,
path, method). Each figure is the best of 40 rounds.

Exit status: 0.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a file, it finds its own folder only

from benchmarks.hooks import cost, order
from benchmarks.report import machine, table, write_section
from stockade.cedar.peer import _entities, _name, as_json
from stockade.config import build, load_text
from stockade.controls.authorization import Cedar
from stockade.vocabulary import Exchange, Pass, Principal

COUNT = 200
AIM = 30  # µs
POLICY = """
version: 1
listen: [{address: "127.0.0.1:8080"}]
apis:
  - name: shop
    upstream: {url: "http://127.0.0.1:9000"}
    authorization: {cedar: {policies: [shop.cedar]}}
"""
ORDER = 'action == Action::"GET /orders/{id}"'


def _policies(line: Callable[[int], str]) -> str:
    return "\n".join(f'@id("p{number}") {line(number)}' for number in range(COUNT))


SETS = {
    "spread": _policies(
        lambda number: (
            f'permit(principal in Role::"r{number % 20}", action == Action::"GET /things{number}/{{id}}", resource)'
            ' when { context.risk < 50 && principal.claims.tenant == "acme" };'
            if number
            else f"permit(principal, {ORDER}, resource)"
            ' when { principal.scopes.contains("orders:read") && context.client.isInRange(ip("10.0.0.0/8"))'
            ' && context.query.kind == "a" && resource.params.id != "0" && context.hour < 24 };'
        )
    ),
    "roles": _policies(
        lambda number: (
            f'permit(principal in Role::"r{number}", {ORDER}, resource)'
            ' when { context.risk < 50 && resource.params.id != "0" };'
        )
    ),
    "claims": _policies(
        lambda number: (
            f"permit(principal, {ORDER}, resource)"
            f' when {{ principal.claims.tenant == "t{number}" && context.risk < 50 }};'
        )
    ),
    "conditions": _policies(
        lambda number: (
            f"permit(principal, {ORDER}, resource)"
            f' when {{ principal.id like "*-{number}" && context.risk < {number} }};'
        )
    ),
}
CASBIN = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && keyMatch2(r.obj, p.obj) && r.act == p.act
"""


def people() -> list[Principal]:
    claims = {"tenant": "t150", "roles": ["r3", "r150", "r7"]}
    return [
        Principal(f"person{number}-150", "jwt", scopes=frozenset({"orders:read", "orders:write"}), claims=claims)
        for number in range(1000)
    ]


def exchanges(requests: int) -> list[Exchange]:
    """No path twice."""
    who = people()
    query = "kind=a&page=2"
    return [order(number, who[number % len(who)], "10.1.2.3", query) for number in range(1, requests + 1)]


@contextlib.contextmanager
def control(policies: str) -> Iterator[Cedar]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "shop.cedar").write_text(policies)
        (route,) = build(load_text(POLICY, Path(folder) / "stockade.yaml", {})).policy.routes
        (made,) = (each.control for each in route.bindings if isinstance(each.control, Cedar))
        yield made


def engine(cedar: Cedar, asked: Sequence[Exchange]) -> float:
    """µs of Cedar's own engine, for the same question about all policies, parsed before."""
    import cedarpy

    parsed = cedarpy.PolicySet.from_str("\n".join(policy.text for policy in cedar.policies))
    questions = []
    for exchange in asked:
        ((_, _, request),) = cedar.asked(exchange, with_body=False)
        named = {name: _name(getattr(request, name)) for name in ("principal", "action", "resource")}
        questions.append(({**named, "context": as_json(request.context)}, _entities(request)))

    def ask(each: Any) -> Any:
        return cedarpy.is_authorized(each[0], parsed, each[1])

    assert ask(questions[0]).allowed
    return cost(ask, questions)


def casbin(asked: Sequence[Exchange]) -> float:
    """µs of casbin for 200 policies of the simplest kind."""
    from casbin import Enforcer
    from casbin.model import Model

    model = Model()
    model.load_model_from_text(CASBIN)
    enforcer = Enforcer(model)
    for number in range(COUNT):
        path = f"/things{number}/:id" if number != COUNT // 2 else "/orders/:id"
        enforcer.add_policy("r3", path, "GET")
    enforcer.add_role_for_user("ann", "r3")
    assert enforcer.enforce("ann", asked[0].request.path, "GET")
    return cost(lambda each: enforcer.enforce("ann", each.request.path, "GET"), asked)


def measure(requests: int) -> list[tuple[str, float, float, float]]:
    """Set, then µs of the hook, of the decision alone, and of the engine."""
    found, asked = [], exchanges(requests)
    for name, policies in SETS.items():
        with control(policies) as cedar:
            first = cedar.on_request(asked[0])
            assert isinstance(first, Pass), first
            hook = cost(cedar.on_request, asked)
            ((_, about, request),) = cedar.asked(asked[0], with_body=False)
            decision = cost(lambda _, about=about, request=request: about.decide(request), asked)  # type: ignore[misc]
            found.append((name, hook, decision, engine(cedar, asked[: max(100, requests // 10)])))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="What a Cedar decision costs.")
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--write", action="store_true", help="Write the section of results.md.")
    arguments = parser.parse_args()
    rows = measure(arguments.requests)
    peer = casbin(exchanges(max(100, arguments.requests // 50)))
    header = ("200 policies", "hook, µs", "decision alone, µs", "Cedar's engine, µs", "engine / hook")
    cells = [
        (name, f"{hook:.1f}", f"{decision:.1f}", f"{other:.0f}", f"{other / hook:.0f}")
        for name, hook, decision, other in rows
    ]
    text = f"{table(header, cells)}\n\ncasbin, 200 policies of (role, path, method): {peer:.0f} µs. Aim: {AIM} µs."
    print(text)
    if arguments.write:
        write_section(Path(__file__).with_name("results.md"), "Cedar", f"{machine()}\n\n{text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
