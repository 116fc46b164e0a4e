"""`authorization:` who may call which operation, and write which property."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Literal

from pydantic import Field, model_validator

from stockade.access import Grant, Needs, Roles, Templates
from stockade.access.properties import plain
from stockade.config.base import Model, Section
from stockade.config.errors import did_you_mean
from stockade.config.sections.cedar import CedarModel, make_cedar
from stockade.config.site import Site
from stockade.config.texts import Name, Operation
from stockade.config.units import Flag
from stockade.engine import Binding
from stockade.operations import BadOperation, parse_operation

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


class RolesModel(Model):
    """Where roles come from."""

    claim: str = Field("roles", description='The claim of a token that lists them, "realm_access.roles"; "" for none.')
    members: dict[str, list[str]] = Field({}, description="Principals by role, as the policy gives roles out.")


class Condition(Model):
    """Who may: all of the scopes, one of the roles, one of the principals, the claims."""

    scopes: list[str] = Field([], description="Scopes that are all needed.")
    roles: list[str] = Field([], description="Roles of which one is needed.")
    principals: list[str] = Field([], description="Who may, by id.")
    claims: dict[str, str | list[str]] = Field({}, description="Claims, each with a value or several that will do.")

    def needs(self, anyone: bool = False) -> Needs:
        claims = {name: [values] if isinstance(values, str) else values for name, values in self.claims.items()}
        return Needs(
            frozenset(self.scopes),
            frozenset(self.roles),
            tuple((name, frozenset(values)) for name, values in claims.items()),
            frozenset(self.principals),
            anyone,
        )


class AccessRule(Condition):
    """One rule. Without a condition it asks for nothing but a credential."""

    name: Name | None = Field(None, description="How findings call it; default: rule-1, rule-2, …")
    operations: list[Operation] = Field([], description='Operations, "GET /orders/{id}", "* /admin/*".')
    tags: list[str] = Field([], description="Tags of the API's description, in place of a list of operations.")
    anyone: Flag = Field(False, description="Let everybody through, even without a credential.")

    @model_validator(mode="after")
    def _says_something(self) -> AccessRule:
        if not self.operations and not self.tags:
            raise ValueError("a rule names operations, or tags of the description")
        if self.anyone and (self.scopes or self.roles or self.principals or self.claims):
            raise ValueError("a rule that lets anyone through asks for nothing")
        return self


class PropertyRule(Condition):
    """Properties that only some may write (mass assignment)."""

    name: Name | None = Field(None, description="How findings call it; default: properties-1, …")
    properties: list[str] = Field(min_length=1, description="Names, at any depth; case, _ and - do not count.")
    operations: list[Operation] = Field(["* /*"], min_length=1, description="Where; default: everywhere.")

    @model_validator(mode="after")
    def _says_who(self) -> PropertyRule:
        if not (self.scopes or self.roles or self.principals or self.claims):
            raise ValueError("say who may write them: scopes, roles, principals or claims")
        return self


class AuthorizationSection(Section):
    """The most specific rules for an operation decide; one that is met suffices."""

    default: Literal["deny", "allow"] = Field("deny", description="What becomes of operations that no rule names.")
    roles: RolesModel = RolesModel()
    preflight: Flag = Field(False, description="Let CORS preflight requests pass.")
    rules: list[AccessRule] = Field([], description="Who may call what.")
    properties: list[PropertyRule] = Field([], description="Who may write what.")
    cedar: CedarModel | None = None


def make(site: Site) -> list[Binding]:
    section = site.api.authorization
    if section is None or section.mode == "off":
        return []
    if not section.rules and not section.properties and section.cedar is None:
        site.problem("authorization states no rules, no properties and no Cedar policies", "authorization")
        return []
    return [*_by_rules(site, section), *_by_cedar(site, section)]


def _by_cedar(site: Site, section: AuthorizationSection) -> list[Binding]:
    if section.cedar is None:
        return []
    stated = [operation for rule in section.rules for operation in rule.operations]
    described = list(described_operations(site))
    tags = {tag: [name for name in names if name in described] for tag, names in _tagged(site).items()}
    operations = [*described, *site.api.operations, *stated]
    made = make_cedar(site, section, roles_of(section), operations, tags)
    return [made] if made is not None else []


def _by_rules(site: Site, section: AuthorizationSection) -> list[Binding]:
    from stockade.controls.authorization import Authorization, AuthorizationOfProperties

    if not section.rules and not section.properties:
        return []
    deny = section.default == "deny" and bool(section.rules)
    lines = {"default": site.where("authorization", "default")}
    grants = _grants(site, section, lines)
    roles = roles_of(section)
    title = f"{grants.count} grant(s), others {'refused' if deny else 'allowed'}"
    if not section.properties:
        made = Authorization(grants, roles, deny=deny, preflight=section.preflight, title=title)
    else:
        title += f"; {sum(len(rule.properties) for rule in section.properties)} guarded properties"
        made = AuthorizationOfProperties(
            grants,
            roles,
            properties=_properties(site, section, lines),
            deny=deny,
            preflight=section.preflight,
            title=title,
        )
    made.operations = (*described_operations(site), *site.api.operations)
    bound = site.bind(made, section, "authorization")
    return [Binding(made, bound.monitor, bound.failure, bound.line, {**bound.lines, **lines})]


def roles_of(section: AuthorizationSection | None) -> Roles:
    """Where roles come from; other sections speak of them too."""
    return Roles(section.roles.claim, section.roles.members) if section is not None else Roles()


def _grants(site: Site, section: AuthorizationSection, lines: dict[str, str]) -> Templates[Grant]:
    grants = Templates[Grant]()
    tagged = _tagged(site)
    for index, rule in enumerate(section.rules):
        grant = Grant(rule.name or f"rule-{index + 1}", rule.needs(rule.anyone))
        if grant.name in lines:
            site.problem(f"two rules are called {grant.name!r}", "authorization", "rules", index)
        lines[grant.name] = site.where("authorization", "rules", index)
        for tag in rule.tags:
            if tag not in tagged:
                hint = did_you_mean(tag, tagged) or ("" if tagged else "; the API names no description")
                site.problem(f"no operation has the tag {tag!r}{hint}", "authorization", "rules", index, "tags")
        for operation in [*rule.operations, *(name for tag in rule.tags for name in tagged.get(tag, []))]:
            try:
                method, segments = parse_operation(operation)
            except BadOperation as error:  # of the description
                site.problem(str(error), "authorization", "rules", index, "tags")
                continue
            grants.insert("GET" if method == "HEAD" else method, segments, grant)
    return grants


def _properties(
    site: Site, section: AuthorizationSection, lines: dict[str, str]
) -> Templates[tuple[Grant, frozenset[str]]]:
    found = Templates[tuple[Grant, frozenset[str]]]()
    for index, rule in enumerate(section.properties):
        grant = Grant(rule.name or f"properties-{index + 1}", rule.needs())
        lines[grant.name] = site.where("authorization", "properties", index)
        for operation in rule.operations:
            found.insert(*parse_operation(operation), (grant, frozenset(map(plain, rule.properties))))
    return found


def _tagged(site: Site) -> dict[str, list[str]]:
    """The operations of the description by tag."""
    found: dict[str, list[str]] = {}
    for name, operation in _described(site):
        for tag in operation.get("tags") or []:
            found.setdefault(str(tag), []).append(name)
    return found


def described_operations(site: Site) -> Iterator[str]:
    """The names of the description's operations that can be told by whole segments."""
    for name, _ in _described(site):
        with suppress(BadOperation):
            parse_operation(name)
            yield name


def _described(site: Site) -> Iterator[tuple[str, dict[str, Any]]]:
    from stockade.openapi.compiling import base_path  # with the machinery of schemas

    described = site.description()
    document: dict[str, Any] = described.document if described is not None else {}
    for path, item in (document.get("paths") or {}).items():
        for method, operation in item.items() if isinstance(item, dict) else ():
            if method in _METHODS and isinstance(operation, dict):
                yield f"{method.upper()} {base_path(document)}{path}", operation
