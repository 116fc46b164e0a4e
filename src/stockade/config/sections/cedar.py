"""`authorization: {cedar: …}`: policies, schema and entities in files, read and held against each other at load."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field

from stockade.access import Roles
from stockade.config.base import Model
from stockade.config.errors import Problem
from stockade.config.site import Site
from stockade.config.texts import FilePath
from stockade.config.units import Flag
from stockade.engine import Binding

if TYPE_CHECKING:
    from stockade.cedar import Entity, Policy, Uid
    from stockade.config.sections.authorization import AuthorizationSection


class CedarModel(Model):
    """Policies in Cedar. What is not permitted is refused; what is forbidden is refused whatever permits it."""

    policies: list[FilePath] = Field(min_length=1, description="Files of policies.")
    schema_: FilePath | None = Field(
        None, alias="schema", description="A schema that the policies must fit: Cedar's own form, or JSON (.json)."
    )
    entities: FilePath | None = Field(None, description="Entities besides those of a request, roles within roles say.")
    anonymous: Flag = Field(False, description="Ask the policies about callers who have proved nothing, too.")


class Placed(NamedTuple):
    """A policy, and the file that it stands in."""

    policy: Policy
    file: str

    @property
    def where(self) -> str:
        return f"{self.file}:{self.policy.line}"


def make_cedar(
    site: Site, section: AuthorizationSection, roles: Roles, operations: Iterable[str], tags: Mapping[str, list[str]]
) -> Binding | None:
    """The binding; None, and problems, where something is wrong."""
    assert section.cedar is not None
    model, before = section.cedar, len(site.problems)
    placed = list(_read_policies(site, model))
    entities = _read_entities(site, model)
    described = list(operations)
    if len(site.problems) > before:
        return None
    from stockade.cedar import PolicySet
    from stockade.config.sections.cedar_checks import check_policies, operations_named
    from stockade.controls.authorization import Actions, Cedar, CedarOfBodies
    from stockade.controls.authorization.model import Wants

    actions = Actions([*described, *operations_named(placed)], tags)
    for problem in check_policies(placed, actions, entities, tags):
        site.problems.append(problem)
    if model.schema_ is not None:
        _check_schema(site, model.schema_, placed)
    if len(site.problems) > before:
        return None
    policies = PolicySet(each.policy for each in placed)
    kind = CedarOfBodies if Wants.of(policies.policies).reads_body else Cedar
    made = kind(policies, actions, roles, entities, anonymous=model.anonymous, preflight=section.preflight)
    bound = site.bind(made, section, "authorization")
    lines = {each.policy.name: each.where for each in placed}
    return Binding(made, bound.monitor, bound.failure, bound.line, {**bound.lines, **lines})


def _shown(site: Site, path: Path) -> str:
    """The path as it is from where the policy file is."""
    return str(Path(site.where("authorization").rpartition(":")[0]).parent / path)


def _read_policies(site: Site, model: CedarModel) -> Iterator[Placed]:
    from stockade.cedar import BadPolicy, read_policies

    seen: dict[str, str] = {}
    for index, path in enumerate(model.policies):
        text = _read_text(site, path, "policies", index)
        if text is None:
            continue
        file = _shown(site, path)
        try:
            policies = read_policies(text, path.stem)
        except BadPolicy as error:
            site.problems += [Problem(file, fault.line, fault.text) for fault in error.faults]
            continue
        for policy in policies:
            placed = Placed(policy, file)
            if policy.name in seen:
                text = f"two policies are called {policy.name!r}: see {seen[policy.name]}"
                site.problems.append(Problem(file, policy.line, text))
            seen[policy.name] = placed.where
            yield placed


def _read_text(site: Site, path: Path, what: str, *place: str | int) -> str | None:
    data = site.read_file(path, f"the file of {what}", "authorization", "cedar", what, *place)
    if data is None:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        site.problems.append(Problem(_shown(site, path), line, "is not UTF-8"))
        return None


def _read_entities(site: Site, model: CedarModel) -> dict[Uid, Entity]:
    from stockade.cedar.entities import BadEntities, read_entities

    if model.entities is None:
        return {}
    data = site.read_file(model.entities, "the file of entities", "authorization", "cedar", "entities")
    if data is None:
        return {}
    try:
        return read_entities(data)
    except BadEntities as error:
        site.problems.append(Problem(_shown(site, model.entities), 1, str(error)))
        return {}


def _check_schema(site: Site, path: Path, placed: list[Placed]) -> None:
    from stockade.cedar import BadSchema
    from stockade.cedar.schema import validate

    text = _read_text(site, path, "schema")
    if text is None:
        return
    by_name = {each.policy.name: each for each in placed}
    try:
        found = validate([each.policy for each in placed], text, is_json=path.suffix == ".json")
    except BadSchema as error:
        site.problems.append(Problem(_shown(site, path), error.fault.line, error.fault.text))
        return
    for policy, said in found:
        site.problems.append(Problem(by_name[policy.name].file, policy.line, f"{policy.name}: {said}"))
