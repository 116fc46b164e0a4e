"""What each principal of an API may do, as far as it is known, beside what it has used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from stockade.access import Subject
from stockade.cedar import Entity, Uid
from stockade.cedar import Policy as CedarPolicy
from stockade.cedar.analysis import conjuncts
from stockade.cedar.compiling import compile_condition
from stockade.cedar.errors import BadPolicy, EvaluationError
from stockade.cedar.guards import paths_of
from stockade.cedar.values import Request, Set
from stockade.controls.authorization import Action, Authorization, Cedar, canonical, is_pattern
from stockade.operations import BadOperation, parse_operation

if TYPE_CHECKING:
    from stockade.config import Api
    from stockade.engine import Route
    from stockade.journal.usage import Usage, Used

_NOWHERE = Uid("", "")


class Held(Struct, frozen=True):
    """What a principal is known to hold."""

    scopes: frozenset[str] = frozenset()


class UsedOperation(Struct, frozen=True):
    operation: str
    count: int
    last: str
    rules: tuple[str, ...]


class Access(Struct, frozen=True):
    """principal: None for callers who proved nothing. unused: what it may do and has not."""

    principal: str | None
    used: tuple[UsedOperation, ...]
    unused: tuple[str, ...]


class Reporter:
    def __init__(self, api: Api, route: Route, usage: Usage, holders: Mapping[str, Held]) -> None:
        assert api.authorization is not None
        self.api = api.name
        self._usage = usage
        takes_keys = api.authentication is not None and any(each.api_key for each in api.authentication.leaves())
        self._holders = holders if takes_keys else {}
        self._members: dict[str, frozenset[str]] = {}
        for role, members in api.authorization.roles.members.items():
            for member in members:
                self._members[member] = self._members.get(member, frozenset()) | {role}
        controls = [binding.control for binding in route.bindings if binding.control.name == "authorization"]
        self._rules = next((each for each in controls if isinstance(each, Authorization)), None)
        self._cedar = next((each for each in controls if isinstance(each, Cedar)), None)
        self.by_cedar = self._cedar is not None and (self._rules is None or not self._rules.grants.count)
        named = [name for each in controls for name in getattr(each, "operations", ())]
        named += [name for rule in api.authorization.rules for name in rule.operations]
        self._operations = [name for name in dict.fromkeys(map(canonical, named)) if not is_pattern(name)]

    def principals(self) -> Iterator[Access]:
        """Those of the log in order, then those who have used nothing."""
        seen: set[str | None] = set()
        for principal in self._usage.principals(self.api):
            seen.add(principal)
            yield self._access(principal, self._usage.of(self.api, principal))
        for principal in sorted({*self._holders, *self._members} - seen):
            access = self._access(principal, [])
            if access.unused:
                yield access

    def _access(self, principal: str | None, used: list[Used]) -> Access:
        rules = {rule.partition(":")[2] for each in used for rule in each.rules if rule.startswith("authorization:")}
        done: dict[str, UsedOperation] = {}
        for each in used:
            name = _plain(each.operation)
            before = done.get(name, UsedOperation(name, 0, "", ()))
            told = tuple(dict.fromkeys((*before.rules, *each.rules)))
            done[name] = UsedOperation(name, before.count + each.count, max(before.last, each.last), told)
        unused = [name for name in self._operations if name not in done and self._may(principal, name, rules)]
        return Access(principal, tuple(done.values()), tuple(unused))

    def _may(self, principal: str | None, operation: str, rules: set[str]) -> bool:
        method, segments = parse_operation(operation)
        reading = tuple(part for part in segments if part)
        if self._rules is not None and not self._may_by_rules(self._rules, principal, method, reading, rules):
            return False
        if self._cedar is None:
            return True
        action, _ = self._cedar.actions.find(method, reading)
        about = self._cedar.about(action)[0].policies
        return any(
            policy.effect == "permit" and (policy.name in rules or self._fits(self._cedar, policy, principal, action))
            for policy in about
        )

    def _may_by_rules(
        self, control: Authorization, principal: str | None, method: str, reading: tuple[str, ...], rules: set[str]
    ) -> bool:
        """A rule asks nothing of a request, so that who has passed by it once may do all that it grants."""
        found = control.grants.find(method, reading)
        if found is None:
            return not control.deny
        subject = self._subject(principal)
        return any(grant.name in rules or not grant.needs.lacks(subject) for grant in found[0])

    def _subject(self, principal: str | None) -> Subject | None:
        if principal is None:
            return None
        scopes = self._holders.get(principal, Held()).scopes
        return Subject(principal, scopes, self._members.get(principal, frozenset()), {})

    def _fits(self, control: Cedar, policy: CedarPolicy, principal: str | None, action: Action) -> bool:
        """Whether a policy may permit: its scope fits, and so do those conditions that are about the caller alone."""
        subject = self._subject(principal)
        if subject is None:
            return False
        uid = Uid("Principal", subject.id)
        groups = {Uid("Role", role) for role in subject.roles}
        above = frozenset(groups | {up for one in groups for up in control.entities.get(one, Entity()).ancestors})
        if not policy.principal.admits(uid, above):
            return False
        attributes = {"id": subject.id, "scopes": Set.of_texts(subject.scopes), "roles": Set.of_texts(subject.roles)}
        request = Request(uid, action.uid, _NOWHERE, {}, {**control.entities, uid: Entity(attributes, above)})
        return all(_holds(part, request) for part in conjuncts(policy) if _is_of_caller(part))


def _is_of_caller(part: Mapping[str, object]) -> bool:
    """Whether a condition reads nothing but what is known of the caller here."""
    paths = paths_of([part])
    return bool(paths) and all(
        path[0] == "principal" and path[1:2] in (("scopes",), ("roles",), ("id",)) for path in paths
    )


def _holds(part: Mapping[str, object], request: Request) -> bool:
    try:
        return compile_condition(part)(request) is True
    except (BadPolicy, EvaluationError):
        return False


def _plain(operation: str) -> str:
    try:
        return canonical(operation)
    except BadOperation:
        return operation
