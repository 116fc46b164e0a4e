"""One request of the corpus, and how it stands in a file of JSON lines.

A line is {"id", "kind", "place", "held", "method", "target", "headers", "body"}: `kind` is the class of an attack or
the kind of an honest request; `held` marks the part that nobody looks at while writing rules; a body that is not
UTF-8 stands as `body64`.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
HONEST = HERE / "honest.jsonl"
ATTACKS = HERE / "attacks.jsonl"

_HELD_PERCENT = 30


class Case(NamedTuple):
    kind: str
    place: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    held: bool = False

    @property
    def id(self) -> str:
        """Twelve hex digits of the request itself, so that a case keeps its name when others come and go."""
        text = json.dumps([self.kind, self.method, self.target, self.headers]).encode() + self.body
        return hashlib.sha256(text).hexdigest()[:12]


def is_held(source: str) -> bool:
    """Whether what is made from this text (a template, a snippet, a document) belongs to the part held out."""
    return hashlib.sha256(source.encode()).digest()[0] * 100 // 256 < _HELD_PERCENT


def dump(cases: Iterable[Case]) -> str:
    lines = []
    for case in cases:
        item: dict[str, Any] = {
            "id": case.id,
            "kind": case.kind,
            "place": case.place,
            "held": case.held,
            "method": case.method,
            "target": case.target,
            "headers": case.headers,
        }
        try:
            item["body"] = case.body.decode()
        except UnicodeDecodeError:
            item["body64"] = base64.b64encode(case.body).decode()
        lines.append(json.dumps(item, ensure_ascii=False) + "\n")
    return "".join(lines)


def load(path: Path) -> Iterator[Case]:
    for line in path.read_text("utf-8").splitlines():
        item = json.loads(line)
        body = item["body"].encode() if "body" in item else base64.b64decode(item["body64"])
        headers = tuple((name, value) for name, value in item["headers"])
        yield Case(item["kind"], item["place"], item["method"], item["target"], headers, body, item["held"])
