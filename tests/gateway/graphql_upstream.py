"""A real GraphQL server, small, on graphql-core: batches, GET, automatic persisted queries, and no defence at all."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from graphql import GraphQLSchema, build_schema, graphql_sync

from stockade.gateway.asgi import Message, Receive, Scope, Send

SDL = """
type User { id: ID! name: String friends(first: Int = 2): [User!]! secret: String }
input Filter { name: String tags: [String!] }
type Query {
  users(first: Int = 3, filter: Filter): [User!]!
  user(id: ID!): User
  greet(name: String!): String
  ping: Boolean
}
type Mutation { login(name: String!, password: String!): String rename(id: ID!, name: String!): User }
"""


class Server:
    """`ran` are the outermost fields that it resolved, with their arguments."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, dict[str, Any]]] = []
        self._documents: dict[str, str] = {}
        self._schema = build_schema(SDL)
        self._resolve(self._schema)

    def _resolve(self, schema: GraphQLSchema) -> None:
        assert schema.query_type is not None
        assert schema.mutation_type is not None
        for kind in (schema.query_type, schema.mutation_type):
            for name, field in kind.fields.items():
                field.resolve = self._resolver(name)
        user: Any = schema.type_map["User"]
        user.fields["friends"].resolve = lambda _user, _info, first: [make_user(n) for n in range(first)]

    def _resolver(self, name: str) -> Any:
        def resolve(_root: Any, _info: Any, **arguments: Any) -> Any:
            self.ran.append((name, arguments))
            if name == "users":
                return [make_user(number) for number in range(arguments["first"])]
            if name == "greet":
                return f"Hello {arguments['name']}"
            return make_user(1) if name in ("user", "rename") else "token" if name == "login" else True

        return resolve

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        body, more = b"", True
        while more:
            message: Message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        answer = json.dumps(self._answer(scope, body)).encode()
        fields = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer})

    def _answer(self, scope: Scope, body: bytes) -> Any:
        if scope["method"] in ("GET", "HEAD"):
            asked: Any = dict(parse_qsl(scope["query_string"].decode()))
            asked |= {name: json.loads(asked[name]) for name in ("variables", "extensions") if name in asked}
        elif dict(scope["headers"]).get(b"content-type") == b"application/graphql":
            asked = {"query": body.decode()}
        else:
            asked = json.loads(body)
        return [self._run(each) for each in asked] if isinstance(asked, list) else self._run(asked)

    def _run(self, asked: dict[str, Any]) -> Any:
        query = asked.get("query")
        named = ((asked.get("extensions") or {}).get("persistedQuery") or {}).get("sha256Hash")
        if query is None:
            query = self._documents.get(named or "")
            if query is None:
                return {"errors": [{"message": "PersistedQueryNotFound"}]}
        self._documents[sha256(query.encode()).hexdigest()] = query
        result = graphql_sync(
            self._schema,
            query,
            variable_values=asked.get("variables"),
            operation_name=asked.get("operationName") or None,
        )
        return result.formatted


def make_user(number: int) -> dict[str, Any]:
    return {"id": str(number), "name": f"user {number}", "secret": "canary-secret"}
