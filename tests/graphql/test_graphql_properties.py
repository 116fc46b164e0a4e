"""Whatever comes, the answer is ours: checked, or refused; and what passes is what graphql-core takes too."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, NamedTuple

from graphql import GraphQLError, parse, validate
from graphql.language import FragmentSpreadNode, InlineFragmentNode
from hypothesis import given
from hypothesis import strategies as st

from stockade.graphql import Message, Refused, Rules, Schema, Sizes, read_documents
from stockade.graphql.limits import Limits
from stockade.graphql.measuring import Measuring
from stockade.graphql.paths import Place
from stockade.graphql.scanning import scan
from tests.graphql.graphql_shop import SDL, SHOP, endpoint, outcome, post, posted

DOOR = endpoint(batch=3, scopes={"User.secret": ["s"]}, costs={"Query.users": 3})
BLIND = endpoint(None, batch=3)
PIECES = [
    *SDL.replace("\n", " ").split(" "),
    *(
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ":",
        "...",
        "on",
        "@skip(if: true)",
        "$a",
        "!",
        "=",
        '"',
        '"""',
        "#",
        "\n",
        "\\",
        "\ud800",
    ),
    *(
        "query",
        "mutation",
        "subscription",
        "fragment",
        "A",
        "...A",
        "fragment A on User {",
        "{ user(id: 1) {",
        "id",
        "null",
    ),
    *(
        "{ ping }",
        "a: ping",
        "first: 1",
        "-1",
        "1e5",
        "\ufeff",
        "é",
        "\x00",
        "__typename",
        "__schema { types { name } }",
    ),
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join) | st.text(max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["query", "variables", "operationName", "extensions", "documentId", "persistedQuery", "sha256Hash", "x"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


def ours(message: Message) -> None:
    for door in (DOOR, BLIND):
        found = outcome(partial(door.check, message))
        if isinstance(found, Refused):
            assert found.faults
            assert 400 <= found.status < 500
            assert json.dumps([fault.error() for fault in found.faults])
        else:
            assert not isinstance(found, Exception)
            assert door.name(found)
            assert all(isinstance(text.value, str) for each in found for text in each.texts())


@given(TEXTS)
def test_any_document(text: str) -> None:
    ours(Message("POST", "application/graphql", body=text.encode("utf-8", "surrogatepass")))
    ours(post(text))


@given(
    st.binary(max_size=200),
    st.sampled_from(["application/json", "application/graphql", "multipart/form-data", "x", ""]),
)
def test_any_bytes(body: bytes, content_type: str) -> None:
    ours(Message("POST", content_type, body=body))


@given(JSON, st.text(max_size=30))
def test_any_json(value: Any, query: str) -> None:
    ours(posted(json.dumps(value).encode(), query=query))
    ours(posted(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")))


@given(st.text(max_size=60) | TEXTS.map(lambda text: f"query={text}"), st.text(max_size=5), st.text(max_size=20))
def test_any_head(query: str, method: str, field: str) -> None:
    ours(Message("GET", field, field, query))
    ours(Message(method, field, field, query, b"{}"))


FIELDS = st.recursive(
    st.sampled_from(["id", "name", "secret", "a: id", "__typename", "nothing"]),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"friends(first: 2) {{ {' '.join(parts)} }}")
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"... on User {{ {' '.join(parts)} }}")
    ),
    max_leaves=10,
)


@given(st.lists(FIELDS, min_size=1, max_size=3))
def test_what_passes_is_valid(fields: list[str]) -> None:
    query = f"{{ user(id: 1) {{ {' '.join(fields)} }} }}"
    try:
        DOOR.check(post(query))
    except Refused:
        return
    assert SHOP.types is not None
    assert not validate(SHOP.types, parse(query))


@given(TEXTS)
def test_the_scan_knows_graphql(text: str) -> None:
    """Whatever graphql-core parses the scan lets by, unless it is too long or too deep."""
    try:
        parse(text)
    except (GraphQLError, UnicodeError):
        return
    scan(text, Limits())


@given(st.text(max_size=80), st.sampled_from(['"', '"""']))
def test_no_bracket_hides_in_a_string(text: str, quote: str) -> None:
    """Where graphql-core sees a string the scan sees one, and the other way round."""
    query = f"{{ a(b: {quote}{text}{quote}) }}" + "{" * 80
    try:
        parse(query.partition("{{{{")[0])
    except (GraphQLError, UnicodeError):
        return
    found = outcome(lambda: scan(query, Limits()))
    assert isinstance(found, Refused)
    assert found.faults[0].rule == "nesting"


@given(st.binary(max_size=100) | TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_schema(data: bytes) -> None:
    assert outcome(lambda: Schema.read(data))
    assert outcome(lambda: read_documents(data)) is not None


@given(st.text(max_size=50))
def test_any_path(path: str) -> None:
    assert Place("/graphql")(path) in (True, False)


class Expanded(NamedTuple):
    """What a document is when its fragments stand in their places, worked out the long way."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    cost: int = 0

    def beside(self, other: Expanded) -> Expanded:
        return Expanded(
            max(self.depth, other.depth), *(one + two for one, two in zip(self[1:], other[1:], strict=True))
        )


def expand(node: Any, fragments: dict[str, Any]) -> Expanded:
    """node: a selection set of the schema's User."""
    found = Expanded()
    for each in node.selections:
        directives = len(each.directives or ())
        if isinstance(each, FragmentSpreadNode):
            inner = expand(fragments[each.name.value].selection_set, fragments)
        elif isinstance(each, InlineFragmentNode):
            inner = expand(each.selection_set, fragments)
        else:
            inner = expand(each.selection_set, fragments) if each.selection_set else Expanded()
            size = int(each.arguments[0].value.value) if each.arguments else 1
            alias = each.alias is not None
            inner = Expanded(
                inner.depth + 1, inner.fields + 1, inner.aliases + alias, inner.directives, 1 + size * inner.cost
            )
        found = found.beside(inner._replace(directives=inner.directives + directives))
    return found


def selections(spreads: list[str]) -> st.SearchStrategy[str]:
    leaves = st.sampled_from(["id", "name", "a: id", "b: name @skip(if: false)", *spreads])
    nested = st.recursive(
        leaves,
        lambda inner: st.tuples(
            st.sampled_from(["friends(first: 3)", "x: friends(first: 2)", "... on User", "... @skip(if: false)"]),
            st.lists(inner, min_size=1, max_size=3),
        ).map(lambda pair: f"{pair[0]} {{ {' '.join(pair[1])} }}"),
        max_leaves=6,
    )
    return st.lists(nested, min_size=1, max_size=3).map(" ".join)


DOCUMENTS = st.tuples(
    *(selections([f"...F{later}" for later in range(number + 1, 5)]) for number in range(5)),
    selections([f"...F{number}" for number in range(5)]),
)


@given(DOCUMENTS)
def test_counts_are_those_of_the_expanded_document(parts: tuple[str, ...]) -> None:
    *bodies, operation = parts
    text = " ".join(f"fragment F{number} on User {{ {body} }}" for number, body in enumerate(bodies))
    document = parse(f"{{ user(id: 1) {{ {operation} }} }} {text}")
    asked, *definitions = document.definitions
    fragments: dict[str, Any] = {each.name.value: each for each in definitions}  # type: ignore[attr-defined]
    inner = expand(asked.selection_set.selections[0].selection_set, fragments)  # type: ignore[attr-defined]
    rules = Rules(Sizes((("first",),), 10), {}, {})
    measure = Measuring(SHOP, rules, fragments.values()).operation(asked)  # type: ignore[arg-type]
    assert Expanded(measure.depth, measure.fields, measure.aliases, measure.directives, measure.cost.fixed) == Expanded(
        inner.depth + 1, inner.fields + 1, inner.aliases, inner.directives, inner.cost + 1
    )
