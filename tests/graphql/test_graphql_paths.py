"""Which paths are the endpoint's."""

from __future__ import annotations

import pytest

from stockade.graphql.paths import Place


@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "/GraphQL", "/graphql;a=1", "/graphql/x", "/graphql;a/x"])
def test_ours(path: str) -> None:
    assert Place("/graphql")(path)


@pytest.mark.parametrize("path", ["/", "/graphqlx", "/graph", "/x/graphql", "/graphql.json", "/;graphql"])
def test_others(path: str) -> None:
    assert not Place("/graphql")(path)


def test_a_longer_path_and_the_root() -> None:
    assert Place("/api/graphql")("/API/graphql;x/y")
    assert not Place("/api/graphql")("/api")
    assert Place("/")("/anything")
