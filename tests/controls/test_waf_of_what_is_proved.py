"""The WAF after controls that know a body's language, or have checked it against a contract."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from stockade.controls.graphql import GraphQL
from stockade.controls.waf import Waf
from stockade.engine import Binding
from stockade.graphql import Endpoint, Rules, Schema, Settings, Sizes
from stockade.graphql.paths import Place
from stockade.vocabulary import Control, Exchange, Pass, Proofs, Stop, Verdict
from stockade.waf import RuleSet
from tests.exchanges import Door, make_request, make_route

SDL = b"scalar Any\ntype Query { note(text: String, where: Any): Int }"
RULES = r"""
SecRuleEngine On
SecRequestBodyAccess On
SecRule REQUEST_HEADERS:Content-Type "@beginsWith application/json" \
    "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule ARGS|ARGS_NAMES "@rx <script|\$ne|\{" "id:2,phase:2,deny,status:403"
"""
JSON = [("content-type", "application/json")]


class Contract(Control):
    """Stands for whatever has checked the request."""

    name = "contract"

    def on_request_body(self, exchange: Exchange) -> Verdict:
        return Pass(proofs=Proofs(query=("page",), json=("/id",)))


def sent(controls: Iterable[Control], body: object, query: str = "", method: str = "POST") -> int | None:
    content = json.dumps(body).encode() if body is not None else b""
    waf = Waf(RuleSet.load(text=RULES), title="a rule", body_limit=1 << 17)
    door = Door(make_route(*(Binding(control, line="") for control in (*controls, waf))))
    request = make_request(method, "/graphql", JSON if content else [], query=query, has_body=bool(content))
    stopped = door.send(request, content)
    return stopped.response.status if isinstance(stopped, Stop) else None


def graphql() -> GraphQL:
    return GraphQL(Endpoint(Schema.read(SDL), Rules(Sizes(((),), 10), {}, {}), Settings()), Place("/graphql"), title="")


@pytest.mark.parametrize(
    ("query", "variables", "status"),
    [
        ('{ note(text: "a") }', None, None),
        ("query ($t: String) { note(text: $t) }", {"t": "a"}, None),
        ('{ note(text: "<script>") }', None, 403),
        (r'{ note(text: "\u003cscript>") }', None, 403),
        ("query ($t: String) { note(text: $t) }", {"t": "<script>"}, 403),
        ("query ($w: Any) { note(where: $w) }", {"w": {"$ne": 1}}, 403),
    ],
)
def test_of_graphql_texts_alone_are_looked_at(query: str, variables: object, status: int | None) -> None:
    assert sent([graphql()], {"query": query, "variables": variables}) == status


def test_without_the_control_its_syntax_is_an_attack() -> None:
    assert sent([], {"query": '{ note(text: "a") }'}) == 403


def test_so_it_is_in_a_query() -> None:
    assert sent([graphql()], None, "query=%7Bnote%7D", "GET") is None
    assert sent([graphql()], None, "query=%7Bnote(text:%22%3Cscript%22)%7D", "GET") == 403
    assert sent([], None, "query=%7Bnote%7D", "GET") == 403


def test_what_a_contract_has_proved_is_not_looked_at() -> None:
    assert sent([Contract()], {"id": "<script"}, "page=<script") is None
    assert sent([Contract()], {"id": 1, "note": "<script"}) == 403
    assert sent([Contract()], {"id": 1}, "q=<script") == 403
    assert sent([], {"id": "<script"}) == 403
