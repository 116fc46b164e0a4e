"""Persisted documents: those that clients may ask for by an id, their text being known beforehand.

Taken are a map of id to text, the manifest of Apollo's tools, Relay's persisted map, or a folder of documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from stockade.graphql.faults import Refused
from stockade.graphql.json_text import read_json

_MOST_VALUES = 200_000


class BadDocuments(Exception):
    """A list of documents that cannot be used; `problems` says all that is wrong with it."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


def read_documents(data: bytes) -> dict[str, str]:
    """Text by id, from JSON. Raises BadDocuments; an id that looks like a SHA-256 must be the text's."""
    try:
        value = read_json(data, _MOST_VALUES)
    except Refused as error:
        raise BadDocuments(str(error)) from None
    if isinstance(value, dict) and isinstance(value.get("operations"), list) and "format" in value:
        value = _from_manifest(value["operations"])
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise BadDocuments('it is no map of ids to documents, as in {"<sha256>": "query Products { … }"}')
    wrong = [
        f"the id {name[:16]}… is not the SHA-256 of its document"
        for name, text in value.items()
        if _looks_like_digest(name) and sha256(text.encode()).hexdigest() != name.lower()
    ]
    if wrong:
        raise BadDocuments(*wrong)
    return {name.lower() if _looks_like_digest(name) else name: text for name, text in value.items()}


def documents_of(files: Mapping[str, bytes]) -> tuple[dict[str, str], dict[str, str]]:
    """Text by SHA-256, and file by SHA-256, from the contents of files. Raises BadDocuments.

    With and without the blanks around it, which editors add and clients leave out.
    """
    wrong: list[str] = []
    documents: dict[str, str] = {}
    names: dict[str, str] = {}
    for name, data in files.items():
        try:
            text = data.decode()
        except UnicodeDecodeError:
            wrong.append(f"{name} is not UTF-8")
            continue
        for each in (text, text.strip()):
            digest = sha256(each.encode()).hexdigest()
            documents[digest], names[digest] = each, name
    if wrong:
        raise BadDocuments(*wrong)
    return documents, names


def _from_manifest(operations: list[Any]) -> Any:
    try:
        return {each["id"]: each["body"] for each in operations}
    except (TypeError, KeyError):
        raise BadDocuments("an operation of the manifest has no id or no body") from None


def _looks_like_digest(name: str) -> bool:
    return len(name) == 64 and not set(name.lower()) - set("0123456789abcdef")
