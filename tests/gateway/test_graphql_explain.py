"""`explain` of a GraphQL request: its own name, and the one by which exclusions of the WAF know it."""

from __future__ import annotations

import json
from pathlib import Path

from stockade.config import build, load_text
from stockade.gateway.dry_run import DryRun
from tests.exchanges import make_request
from tests.gateway.harness import api, policy


def test_a_decision_has_both_names(tmp_path: Path) -> None:
    (tmp_path / "shop.graphql").write_text("type Query { ping: Boolean }")
    loaded = load_text(
        json.dumps(policy(api(9000, graphql={"schema": "shop.graphql"}))), tmp_path / "stockade.yaml", {}
    )
    run = DryRun(loaded, build(loaded))
    try:
        request = make_request("POST", "/graphql", [("content-type", "application/json")], has_body=True)
        passed = run.decide(request, b'{"query": "{ ping }"}')
        stopped = run.decide(request, b'{"query": "{ pong }"}')
    finally:
        run.close()
    assert (passed.action, passed.operation, passed.template) == ("allow", "query ping", "POST /graphql")
    assert (stopped.control, stopped.status, stopped.operation) == ("graphql", 400, "POST /graphql")
