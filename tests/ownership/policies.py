"""The policy and the upstream of the tests of ownership."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stockade.config import build, load_text
from stockade.engine import Policy
from stockade.stores import Counters, KeySources, Owners, Stores
from stockade.vocabulary import Control, Pass, Principal
from stockade.wire import Headers, Response
from tests.exchanges import AT, Door, make_control, make_request

HEAD = """
version: 1
listen: [{address: "127.0.0.1:8080"}]
apis:
  - name: shop
    upstream: {url: "http://127.0.0.1:9000"}
"""
ORDERS = """
    authorization: {default: allow, roles: {members: {support: [sue]}}, rules: [{operations: ["GET /none"]}]}
    ownership:
      - type: order
        id: [path.order_id, query.order, header.x-order, "body.order_id", "body.orders[*].id"]
        operations: ["GET /orders/{order_id}", "* /orders/{order_id}/*", "GET /invoices", "POST /batch"]
        learn: {from: "POST /orders", id: response.id}
        lists: {"GET /orders": "response.items[*].id"}
        share: {from: "POST /orders/{order_id}/shares", id: path.order_id, to: body.with}
        unshare: {from: "DELETE /orders/{order_id}/shares/{who}", id: path.order_id, to: path.who}
        move: {from: "POST /orders/{order_id}/owner", id: path.order_id, to: body.to}
        remove: ["DELETE /orders/{order_id}"]
        exempt: {roles: [support]}
        learning: 0s
        walk: 5/hour
"""
JSON = [("content-type", "application/json")]


class World:
    """A gateway without a network before an upstream that says what it is told to."""

    def __init__(self, text: str = ORDERS, owners: Owners | None = None) -> None:
        built = build(load_text(HEAD + text, Path("stockade.yaml"), {}))
        self.owners = owners or Owners()
        self.stores = Stores(Counters(), None, KeySources(()), owners=self.owners)
        (route,) = built.policy.routes
        self.who: Principal | None = None
        proves: Control = make_control("authentication", on_request=lambda _: Pass(principal=self.who))
        self.route = type(route).compile(
            [_bound(proves), *route.bindings],
            **{
                name: getattr(route, name)
                for name in ("api", "hosts", "prefix", "upstream", "operations", "trusted_proxies", "max_body")
            },
        )
        self.door = Door(self.route, answer=self.stores.answer)
        self.at = AT

    def ask(
        self,
        who: str | Principal | None,
        method: str,
        path: str,
        body: Any = None,
        *,
        reply: Any = None,
        status: int = 200,
        headers: Any = (),
        query: str = "",
    ) -> int:
        """The status that the client gets."""
        self.who = Principal(who, "api_key") if isinstance(who, str) else who
        sent = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body or b""
        request = make_request(
            method, path, [*(JSON if sent else ()), *headers], query=query, has_body=bool(sent), at=self.at
        )
        answered = json.dumps(reply).encode()
        verdict = self.door.send(request, sent, Response(status, Headers.of(JSON)), answered)
        self.record = self.door.session.close(200, 0.0)
        return verdict.response.status if hasattr(verdict, "response") else status

    def rules(self) -> list[str]:
        return [finding.rule for finding in self.record.findings]


def _bound(control: Control) -> Any:
    from stockade.engine import Binding

    return Binding(control)


__all__ = ["HEAD", "JSON", "ORDERS", "Policy", "World"]
