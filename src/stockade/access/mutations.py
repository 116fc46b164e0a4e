"""`argument_names`: what a GraphQL mutation would write: names of arguments and of members of input objects.

Aliases, batches and fragments change nothing: whatever stands before a colon within parentheses is such a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKENS = re.compile(
    r'#[^\n\r]*|"""(?:\\"""|[^"]|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|\$?[A-Za-z_][A-Za-z0-9_]*|[(){}:]', re.DOTALL
)


def argument_names(document: str) -> Iterator[str]:
    """Those of a document with a mutation in it; of any other none. What is no GraphQL gives nothing that matters."""
    depth, before, found, mutates = 0, "", [], False
    for match in _TOKENS.finditer(document):
        token = match.group()
        if token[0] in '#"':
            continue
        if token == "(":  # noqa: S105 - not that kind of token
            depth += 1
        elif token == ")":  # noqa: S105
            depth = max(0, depth - 1)
        elif token == ":" and depth and before[:1].isidentifier():  # noqa: S105
            found.append(before)
        mutates = mutates or (token == "mutation" and not depth)  # noqa: S105
        before = token
    return iter(found if mutates else ())
