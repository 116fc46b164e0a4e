"""What a reference means: the file, and the place in it, by pointer, `$anchor` or `$id`."""

from __future__ import annotations

from urllib.parse import urldefrag, urljoin

from stockade.openapi.pointers import NoSuchPlace, Tokens, find, parse_fragment
from stockade.openapi.references import BadReference, resolve
from stockade.openapi.sources import Library, Source
from stockade.openapi.versions import UnknownVersion, Version, version_of

_LONGEST_CHAIN = 32


class Targets:
    """All files must be of the version that the root is."""

    def __init__(self, library: Library, version: Version) -> None:
        self._library = library
        self._version = version
        self._checked: set[str] = set()

    def find(self, source: Source, reference: str, base: str = "") -> tuple[Source, Tokens]:
        """The target of a reference that stands in `source`, in a schema whose `$id` is `base`.

        Raises BadReference, or Unreadable.
        """
        named = self._by_id(reference, base)
        if named is not None:
            return named
        name, fragment = resolve(source.file, reference)
        there = source if name == source.file else self._library.get(name)
        self._check_version(there)
        tokens = _tokens(there, fragment)
        _look(there, tokens)
        return there, tokens

    def end(self, source: Source, tokens: Tokens) -> tuple[Source, Tokens]:
        """The end of a chain of references."""
        for _ in range(_LONGEST_CHAIN):
            value = find(source.value, tokens)
            if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
                return source, tokens
            source, tokens = self.find(source, value["$ref"])
        raise BadReference("leads back to itself, and so to nothing")

    def join(self, base: str, identifier: str) -> str:
        """The `$id` of a schema within another, as an absolute URI. Nonsense is no name."""
        try:
            return urljoin(base, identifier).rstrip("#")
        except ValueError:
            return ""

    def _by_id(self, reference: str, base: str) -> tuple[Source, Tokens] | None:
        """What it means where schemas have names of their own; None where no such name is known."""
        uri, fragment = urldefrag(self.join(base, reference) if base else reference)
        found = self._library.by_id(uri) if uri else None
        if found is None:
            return None
        there, start = found
        try:
            tokens = (*start, *parse_fragment(fragment)) if fragment[:1] in ("", "/") else _tokens(there, fragment)
            _look(there, tokens)
        except (BadReference, ValueError):
            return None  # `#/components/…` within a schema with an `$id` is meant for the document
        return there, tokens

    def _check_version(self, source: Source) -> None:
        """A file that is a description itself must be read as the root is."""
        if source.file in self._checked:
            return
        self._checked.add(source.file)
        value = source.value
        if isinstance(value, dict) and {"openapi", "swagger"} & value.keys():
            try:
                version = version_of(value)
            except UnknownVersion as error:
                raise BadReference(f"leads to a file that cannot be used: {error}") from None
            if version.name != self._version.name:
                text = f"leads to a file of version {version.name}, from one of {self._version.name}; make them one"
                raise BadReference(text)


def _tokens(source: Source, fragment: str) -> Tokens:
    try:
        if fragment[:1] in ("", "/"):
            return parse_fragment(fragment)
        return source.anchors[fragment]
    except KeyError:
        raise BadReference(f"leads nowhere: no $anchor {fragment[:60]!r} in {source.file}") from None


def _look(source: Source, tokens: Tokens) -> None:
    try:
        find(source.value, tokens)
    except NoSuchPlace as error:
        raise BadReference(f"leads nowhere: {error} in {source.file}") from None
