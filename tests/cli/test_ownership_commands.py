"""`stockade ownership report` and `stockade explain`: who tried what is not theirs, and why it was refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from stockade.cli.main import app
from stockade.config import load
from stockade.config.hash_key import read_hash_key
from stockade.identity import ApiKeys
from stockade.stores import KeyStore, Owners
from stockade.stores.owners import Edge

POLICY = """
version: 1
listen: [{address: "127.0.0.1:8080"}]
owners: {objects: 1000}
apis:
  - name: shop
    upstream: {url: "http://127.0.0.1:9000"}
    authentication: {any_of: [{api_key: {}}]}
    ownership:
      - type: order
        id: path.id
        operations: ["GET /orders/{id}"]
        learn: {from: "POST /orders"}
        form: folded
        learning: 0s
      - {type: note, id: path.id, operations: ["GET /notes/{id}"], learn: {from: "POST /notes"}, mode: monitor}
      - {type: bill, id: path.id, operations: ["GET /bills/{id}"], learn: {from: "POST /bills"}}
"""
AT = 1_763_769_600.0


def run(folder: Path, *arguments: str) -> Any:
    return CliRunner().invoke(app, [*arguments, "--policy", str(folder / "stockade.yaml")])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "stockade.yaml").write_text(POLICY)
    store = Owners(tmp_path / "stockade.owners", 1000)
    store.load([Edge("shop/order", "a-7", "principal:ann", AT, 4e9, "import")])
    store.close()
    return tmp_path


def finding(rule: str, **more: Any) -> dict[str, Any]:
    return {"rule": rule, "control": "ownership", "evidence": "7: given to 1", "policy": "stockade.yaml:10", **more}


def test_the_report_says_what_would_have_been_refused(folder: Path) -> None:
    base = {"api": "shop", "operation": "GET /orders/{id}"}
    records = [
        {**base, "principal": "bob", "control": "ownership", "findings": [finding("not-owner")]},
        {**base, "principal": "eve", "control": "ownership", "findings": [finding("not-owner")]},
        {**base, "principal": "eve", "control": None, "findings": [finding("not-owner", monitor=True)]},
        {**base, "principal": "eve", "control": None, "findings": [finding("not-owner-yet")]},
        {**base, "principal": "eve", "control": None, "findings": [finding("echoed"), {"rule": "x", "control": "waf"}]},
        {**base, "principal": "eve", "control": "waf", "findings": [{"rule": "x", "control": "waf"}]},
    ]
    lines = [json.dumps(record) for record in records]
    lines += ['{"findings": "ownership"}', '["ownership"]', '{"findings": ["ownership"]}', '{"ownership"']
    (folder / "decisions.jsonl").write_text("\n".join(lines))
    said = json.loads(run(folder, "ownership", "report", "--json").output)
    assert [(row["rule"], row["outcome"], row["requests"], row["principals"]) for row in said["findings"]] == [
        ("not-owner", "refused", 2, 2),
        ("not-owner", "would be refused", 1, 1),
        ("not-owner-yet", "would be refused once certain", 1, 1),
        ("echoed", "noticed", 1, 1),
    ]
    assert [row["refuses"] for row in said["kinds"]] == [
        "yes",
        "no: mode is monitor, and it is not certain yet",
        "no: nothing was learned yet",
    ]
    assert "would be refused" in run(folder, "ownership", "report").output
    assert run(folder, "ownership", "report", str(folder / "none.jsonl")).exit_code == 2


def test_ids_of_the_command_line_have_the_form_of_their_kind(folder: Path) -> None:
    shown = json.loads(run(folder, "ownership", "show", "shop/order", "A-7", "--json").output)
    assert [row["owner"] for row in shown] == ["principal:ann"]
    assert run(folder, "ownership", "forget", "shop/order", "A-7").exit_code == 0
    again = run(folder, "ownership", "forget", "shop/order", "A-7")
    assert (again.exit_code, again.output) == (1, "nothing was known of any owner of shop/order A-7\n")


def test_explain_names_who_it_is_not_and_the_line(folder: Path) -> None:
    loaded = load(folder / "stockade.yaml")
    keys = KeyStore(loaded.folder / loaded.config.keys.path)
    issued = {name: ApiKeys(keys, read_hash_key(loaded)).issue(name, 0.0).text for name in ("ann", "bob")}
    keys.close()
    line = POLICY.splitlines().index("      - type: order") + 1
    refused = run(folder, "explain", "GET", "/orders/A-7", "-H", f"X-API-Key: {issued['bob']}")
    assert refused.exit_code == 1
    assert "not-owner" in refused.output
    assert "a-7: given to 1 other(s), never to bob" in refused.output
    assert f"stockade.yaml:{line}" in refused.output
    assert run(folder, "explain", "GET", "/orders/A-7", "-H", f"X-API-Key: {issued['ann']}").exit_code == 0
