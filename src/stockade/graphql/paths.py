"""Which paths are the endpoint's, as generously as routers are: what slips by here is looked at by nobody."""

from __future__ import annotations

from urllib.parse import unquote


class Place:
    """The path of an endpoint and all that is under it, whatever its case (Express), parameters (Tomcat) or escapes.

    >>> owns = Place("/graphql")
    >>> [owns(path) for path in ("/graphql", "/GraphQL/", "/graphql;v=1/x", "/graphqlx")]
    [True, True, True, False]
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._wanted = _segments(path)

    def __call__(self, path: str) -> bool:
        if path == self.path:
            return True
        return _segments(path)[: len(self._wanted)] == self._wanted


def _segments(path: str) -> list[str]:
    plain = unquote(path, errors="replace").casefold() if "%" in path else path.casefold()
    return [part for part in (each.partition(";")[0].strip() for each in plain.split("/")) if part]
