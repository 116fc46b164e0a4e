"""What can be said of an API's authorization without a request: dead policies, and operations that nobody may call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from stockade.cedar import Policy
from stockade.cedar.analysis import contradiction, covers
from stockade.controls.authorization import Action, Authorization, Cedar
from stockade.controls.authorization.actions import is_pattern
from stockade.operations import parse_operation

if TYPE_CHECKING:
    from stockade.access import Needs
    from stockade.config import Api
    from stockade.config.sections.authorization import AuthorizationSection
    from stockade.engine import Binding, Route


class Noticed(Struct, frozen=True):
    """proved: whatever a request or a token holds. likely: as far as the policy file knows who has which role."""

    certainty: Literal["proved", "likely"]
    what: str  # "never decides", "redundant", "nobody may call"
    subject: str
    why: str
    where: str


def analyse_route(api: Api, route: Route) -> Iterator[Noticed]:
    section = api.authorization
    bindings = [binding for binding in route.bindings if binding.control.name == "authorization"]
    if section is None or not bindings:
        return
    schemes = api.authentication.leaves() if api.authentication is not None else []
    if not schemes and section.cedar is not None and not section.cedar.anonymous:
        yield Noticed("proved", "nobody may call", f"all of {api.name}", "the API proves nobody's identity", "")
    given = _Given(section, tokens=any(scheme.api_key is None for scheme in schemes))
    dead: dict[str, Noticed] = {}
    for binding in bindings:
        if isinstance(binding.control, Cedar):
            dead |= {noticed.subject: noticed for noticed in _dead(binding, binding.control, given)}
    yield from dead.values()
    for operation in _operations(bindings, section):
        yield from _uncallable(operation, bindings, dead, given)


class _Given:
    """Who has which role, as far as the policy file tells. tokens: the API takes credentials that may say so, too."""

    def __init__(self, section: AuthorizationSection, *, tokens: bool) -> None:
        self._roles = frozenset(role for role, members in section.roles.members.items() if members)
        self._told = tokens and bool(section.roles.claim)

    def lacking(self, roles: frozenset[str]) -> str:
        """Of roles one of which is needed: why nobody has any; "" where somebody has, or may have."""
        if self._told or not roles or not roles.isdisjoint(self._roles):
            return ""
        return f"no member has the role {' or '.join(sorted(roles))}, and API keys give none"


# Policies.


def _dead(binding: Binding, control: Cedar, given: _Given) -> Iterator[Noticed]:
    every = list(control.policies)
    impossible = {policy.name: contradiction(policy) for policy in every}
    live = [policy for policy in every if not impossible[policy.name]]
    for policy in every:
        where = binding.where(policy.name)
        if impossible[policy.name]:
            yield Noticed("proved", "never decides", policy.name, impossible[policy.name], where)
            continue
        over = next((one for one in live if one is not policy and _overrides(one, policy, control, live)), None)
        if over is not None:
            what = "never decides" if over.effect == "forbid" and policy.effect == "permit" else "redundant"
            yield Noticed("proved", what, policy.name, f"{over.name} covers it ({binding.where(over.name)})", where)
            continue
        lacking = given.lacking(_roles(policy))
        if lacking:
            yield Noticed("likely", "never decides", policy.name, lacking, where)


def _overrides(one: Policy, policy: Policy, control: Cedar, live: list[Policy]) -> bool:
    """Whether `one` decides wherever `policy` would; of two alike, the first is kept."""
    if one.effect == "permit" and policy.effect == "forbid":
        return False
    if not covers(one, policy, control.entities):
        return False
    if one.effect == policy.effect and covers(policy, one, control.entities):
        return live.index(one) < live.index(policy)
    return True


def _roles(policy: Policy) -> frozenset[str]:
    """The roles one of which its scope asks for; none where it asks for none, or for another group as well."""
    within = policy.principal.within
    return frozenset(uid.id for uid in within) if within and all(uid.type == "Role" for uid in within) else frozenset()


# Operations.


def _operations(bindings: list[Binding], section: AuthorizationSection) -> list[str]:
    found = [name for binding in bindings for name in getattr(binding.control, "operations", ())]
    found += [name for rule in section.rules for name in rule.operations]
    return [name for name in dict.fromkeys(found) if not is_pattern(name)]


def _uncallable(operation: str, bindings: list[Binding], dead: dict[str, Noticed], given: _Given) -> Iterator[Noticed]:
    method, segments = parse_operation(operation)
    method = "GET" if method == "HEAD" else method
    reading = tuple(part for part in segments if part)
    reasons: list[tuple[str, str]] = []
    for binding in bindings:
        control = binding.control
        if isinstance(control, Cedar):
            action, _ = control.actions.find(method, reading)
            reasons.append(_unpermitted(control, action, dead, given))
        elif isinstance(control, Authorization):
            found = control.grants.find(method, reading)
            needs = [grant.needs for grant in found[0]] if found is not None else []
            reasons.append(_ungranted(needs, deny=control.deny, given=given))
    for certainty in ("proved", "likely"):
        for said, why in reasons:
            if said == certainty:
                yield Noticed(certainty, "nobody may call", operation, why, bindings[0].line)
                return


def _unpermitted(control: Cedar, action: Action, dead: dict[str, Noticed], given: _Given) -> tuple[str, str]:
    about = control.about(action)[0].policies
    buried = {name for name, noticed in dead.items() if noticed.what == "never decides"}
    proved = {name for name in buried if dead[name].certainty == "proved"}
    permits = [policy for policy in about if policy.effect == "permit" and policy.name not in proved]
    forbids = [policy for policy in about if policy.effect == "forbid" and policy.name not in proved]
    open_ = [
        policy
        for policy in permits
        if not any(covers(forbid, policy, control.entities, action=False) for forbid in forbids)
    ]
    if not permits:
        return "proved", "no policy permits it"
    if not open_:
        return "proved", "whatever permits it, another policy forbids it"
    if all(policy.name in buried for policy in open_):
        return "likely", "; ".join(sorted({given.lacking(_roles(policy)) for policy in open_}))
    return "", ""


def _ungranted(needs: list[Needs], *, deny: bool, given: _Given) -> tuple[str, str]:
    if not needs:
        return ("proved", "no rule names it, and what no rule names is refused") if deny else ("", "")
    lacking = [given.lacking(each.roles) for each in needs]
    if all(lacking):
        return "likely", "; ".join(sorted(set(lacking)))
    return "", ""
