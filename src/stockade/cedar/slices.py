"""`PolicySet`: policies by the action that they can be about, and the decision of those few.

Deny by default; a `forbid` overrides every `permit`. Where Cedar skips a policy whose evaluation errs, a `forbid`
that errs here forbids: nothing that was to be kept out comes in because a value was of another type. A `permit` that
errs permits nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from stockade.cedar.errors import EvaluationError
from stockade.cedar.guards import Guard, guard_of
from stockade.cedar.policies import Policy
from stockade.cedar.values import Entity, Request, Uid, key

_UNKNOWN = Entity()
_REMEMBERED = 4096  # slices


class Decision(Struct, frozen=True, gc=False):
    """allowed; by which policy, "" for none; and which policies could not be evaluated."""

    allowed: bool
    policy: str = ""
    errors: tuple[str, ...] = ()


class _Ready(Struct, frozen=True, eq=False):
    """A policy with its place in the order, and what of its scope the index has not settled."""

    order: int
    policy: Policy
    guard: Guard | None


class Slice:
    """The policies that can be about one action."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self.policies = tuple(policies)
        ready = [_Ready(order, policy, guard_of(policy)) for order, policy in enumerate(self.policies)]
        self._forbids = _Index(each for each in ready if each.policy.effect == "forbid")
        self._permits = _Index(each for each in ready if each.policy.effect == "permit")

    def decide(self, request: Request) -> Decision:
        """Never raises: what errs is said."""
        entities = request.entities
        above = entities.get(request.principal, _UNKNOWN).ancestors
        over = entities.get(request.resource, _UNKNOWN).ancestors
        errors: list[str] = []
        for each in self._forbids.candidates(request, above):
            try:
                applies = _applies(each, request, over, above)
            except (EvaluationError, RecursionError):
                errors.append(each.policy.name)
                return Decision(False, each.policy.name, tuple(errors))
            if applies:
                return Decision(False, each.policy.name)
        for each in self._permits.candidates(request, above):
            try:
                if _applies(each, request, over, above):
                    return Decision(True, each.policy.name, tuple(errors))
            except (EvaluationError, RecursionError):
                errors.append(each.policy.name)
        return Decision(False, "", tuple(errors))


def _applies(each: _Ready, request: Request, over: frozenset[Uid], above: frozenset[Uid]) -> bool:
    policy = each.policy
    if not policy.resource.admits(request.resource, over) or not policy.principal.admits(request.principal, above):
        return False
    return all(judge(request) is wanted for judge, wanted in policy.judges)


class _Index:
    """Policies by the principal that they are about, else by the text that their first condition wants."""

    def __init__(self, policies: Iterable[_Ready]) -> None:
        self._by_principal: dict[Uid, list[_Ready]] = {}
        self._guarded: dict[object, tuple[Guard, dict[object, list[_Ready]], list[_Ready]]] = {}
        self._others: list[_Ready] = []
        for each in policies:
            if each.policy.principal.within:
                for uid in each.policy.principal.within:
                    self._by_principal.setdefault(uid, []).append(each)
            elif each.guard is not None:
                _, by_value, all_of_it = self._guarded.setdefault(
                    (each.guard.path, each.guard.member), (each.guard, {}, [])
                )
                by_value.setdefault(key(each.guard.wanted), []).append(each)
                all_of_it.append(each)
            else:
                self._others.append(each)

    def candidates(self, request: Request, above: frozenset[Uid]) -> list[_Ready]:
        """In the order of the policies."""
        if not self._by_principal and not self._guarded:
            return self._others
        found = list(self._others)
        if self._by_principal:
            found += self._by_principal.get(request.principal, ())
            for uid in above:
                if uid != request.principal:
                    found += self._by_principal.get(uid, ())
        for guard, by_value, all_of_it in self._guarded.values():
            found += _found_by(guard, request, by_value, all_of_it)
        if len(found) > 1:
            found.sort(key=_order)
        return found


def _found_by(
    guard: Guard, request: Request, by_value: dict[object, list[_Ready]], all_of_it: list[_Ready]
) -> Iterable[_Ready]:
    try:
        fits = guard.fits(request)
    except EvaluationError:
        fits = None
    if fits is None:
        return all_of_it  # each of which errs, or is not about this request
    if len(fits) == 1:
        (one,) = fits
        return by_value.get(one, ())
    fewer = fits if len(fits) <= len(by_value) else [one for one in by_value if one in fits]
    return [each for one in fewer for each in by_value.get(one, ())]


def _order(each: _Ready) -> int:
    return each.order


class PolicySet:
    """All policies, ready for any action."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self.policies = tuple(policies)
        self._slices: dict[Uid, Slice] = {}

    def about(self, action: Uid, ancestors: frozenset[Uid]) -> Slice:
        """The policies that can be about the action. ancestors: always the same ones of an action."""
        found = self._slices.get(action)
        if found is None:
            if len(self._slices) >= _REMEMBERED:
                self._slices.clear()
            found = self._slices[action] = Slice(
                each for each in self.policies if each.action.admits(action, ancestors)
            )
        return found

    def __iter__(self) -> Iterator[Policy]:
        return iter(self.policies)

    def __len__(self) -> int:
        return len(self.policies)
