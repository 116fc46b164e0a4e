"""HTTP header fields (RFC 9110, section 5): ordered pairs with quick look-up by lower-case name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, KeysView


class Headers:
    """Immutable header fields. Names are lower case, values are text (ISO 8859-1 where a byte is not ASCII).

    >>> fields = Headers.of([("Accept", "text/html"), ("accept", "application/json")])
    >>> fields.get("accept"), fields.all("accept")
    ('text/html, application/json', ['text/html', 'application/json'])
    """

    __slots__ = ("_by_name", "_names", "_single", "_values")

    def __init__(self, names: list[str], values: list[str]) -> None:
        """`names` must be lower case already (as every HTTP/2 codec delivers them); see `of` for any case."""
        self._names = names
        self._values = values
        self._by_name = dict(zip(names, values, strict=True))
        self._single = len(self._by_name) == len(names)  # no field has several lines, of which a dict keeps the last

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Headers:
        """Headers from pairs whose names may have any case."""
        kept = list(pairs)
        return cls([name.lower() for name, _ in kept], [value for _, value in kept])

    def get(self, name: str) -> str | None:
        """The value of the field, several lines joined by comma (RFC 9110, section 5.3); None when absent."""
        if self._single:
            return self._by_name.get(name)
        values = self.all(name)
        return ", ".join(values) if values else None

    def all(self, name: str) -> list[str]:
        """Every line of the field, in order."""
        return [value for key, value in zip(self._names, self._values, strict=True) if key == name]

    def names(self) -> KeysView[str]:
        """The distinct names, as a set-like view: `headers.names() & WANTED` is one C-speed step."""
        return self._by_name.keys()

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return zip(self._names, self._values, strict=True)

    def __len__(self) -> int:
        return len(self._names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and list(self) == list(other)

    def __repr__(self) -> str:
        # Values may be credentials: a repr lands in logs and tracebacks.
        return f"Headers({', '.join(self._names)})"


EMPTY = Headers([], [])
