"""`graphql:` which GraphQL may be asked, how much of it, and by whom."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from stockade.config.base import Model, Section
from stockade.config.errors import written
from stockade.config.site import Site
from stockade.config.texts import FilePath, UrlPath
from stockade.config.units import Count, Flag, Size
from stockade.engine import Binding
from stockade.graphql.limits import Limits
from stockade.graphql.paths import Place

_DEFAULT = Limits()
_is_argument = re.compile(r"[_A-Za-z][_0-9A-Za-z]*(\.[_A-Za-z][_0-9A-Za-z]*){0,3}").fullmatch


def _argument(value: Any) -> Any:
    if isinstance(value, str) and not _is_argument(value):
        raise ValueError(f'{written(value)} is not an argument such as "first", or "page.limit" within an object')
    return value


Positive = Annotated[Count, Field(ge=1, le=1_000_000)]
Argument = Annotated[str, BeforeValidator(_argument)]


class PersistedSection(Model):
    """Documents that are known beforehand."""

    file: FilePath = Field(description="JSON, a map of SHA-256 to document; or a folder with .graphql files.")
    only: Flag = Field(True, description="Refuse all others.")


class GraphQLSection(Section):
    """An endpoint. Fragments count as if they stood in their places."""

    description: FilePath | None = Field(
        None, alias="schema", description="SDL, or the JSON that introspection gave; without it only limits hold."
    )
    path: UrlPath = Field("/graphql", description="Where the endpoint is; all that is under it is the endpoint's too.")
    size: Size = Field(_DEFAULT.size, description="The size of a document at most.")
    tokens: Positive = Field(_DEFAULT.tokens, description="Tokens of a document at most.")
    depth: Annotated[Count, Field(ge=1, le=50)] = Field(_DEFAULT.depth, description="Fields within fields at most.")
    fields: Positive = Field(_DEFAULT.fields, description="Fields at most.")
    aliases: Annotated[Count, Field(ge=0)] = Field(_DEFAULT.aliases, description="Aliases at most.")
    directives: Annotated[Count, Field(ge=0)] = Field(_DEFAULT.directives, description="Directives at most.")
    roots: Positive = Field(_DEFAULT.roots, description="Outermost fields of an operation at most.")
    repeats: Positive = Field(_DEFAULT.repeats, description="How often a request may call one mutation.")
    complexity: Positive = Field(_DEFAULT.complexity, description="What a request may cost at most.")
    field_costs: dict[str, Annotated[Count, Field(ge=0)]] = Field(
        {}, description='What fields cost, as in {"Query.orders": 5}; others cost 1.'
    )
    page_arguments: list[Argument] = Field(
        ["first", "last", "limit"], description="Arguments that say how many items a field gives."
    )
    list_size: Positive = Field(10, description="How many items a list is taken to have where no argument says it.")
    batch: Positive = Field(_DEFAULT.batch, description="Operations in one request at most.")
    values: Positive = Field(_DEFAULT.values, description="Members and items of variables at most.")
    introspection: Flag = Field(False, description="Whether clients may ask for the schema.")
    persisted: PersistedSection | None = None
    scopes: dict[str, list[str]] = Field(
        {}, description='Scopes, all of them, that fields need: {"Query.users": [admin], "Mutation": [write]}.'
    )
    get: Flag = Field(True, description="Whether queries may come by GET; nothing else ever may.")
    multipart: Flag = Field(False, description="Whether files may be sent with a request.")
    websocket: Flag = Field(False, description="Whether WebSockets may be opened; what they carry is not seen here.")
    operations: list[str] = Field(
        [], description="Names of operations that limits and logs may go by; those of persisted documents may anyway."
    )

    def compiled_limits(self) -> Limits:
        return Limits(**{name: getattr(self, name) for name in Limits.__struct_fields__ if name != "errors"})


def make(site: Site) -> list[Binding]:
    section = site.api.graphql
    if section is None or section.mode == "off":
        return []
    from stockade.config.sections.graphql_endpoint import make_with  # graphql-core is for those who have GraphQL

    return make_with(site, section)


def place_of(site: Site) -> Place | None:
    """Which paths are the endpoint's, where there is one whose operations have names of their own."""
    section = site.api.graphql
    return None if section is None or section.mode == "off" else Place(section.path)
