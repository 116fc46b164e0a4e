"""The control that asks Cedar policies: every reading of the request must be permitted, and none forbidden.

Findings: the name of the policy that forbade, `cedar-default` where none permitted, `ambiguous` (400), `unreadable`
(415) where policies speak of a body that cannot be read, and `cedar-error` (nothing was refused for it) for policies
that could not be evaluated beside the one that permitted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from stockade.access import Ambiguous, Reading, Roles, UnreadableBody, as_sent, methods_of, readings
from stockade.cedar import Decision, Entity, PolicySet, Request, Slice, Uid
from stockade.controls.authorization.actions import Action, Actions
from stockade.controls.authorization.model import Known, Principals, Wants, context_of, resource_of
from stockade.controls.authorization.preflight import is_preflight
from stockade.redaction import excerpt
from stockade.vocabulary import PASS, Control, Exchange, Finding, Pass, Stop, Verdict


class Cedar(Control):
    """policies: all of the API's. entities: those of the policy. anonymous: ask the policies even about callers who
    have proved nothing. preflight: let the preflight requests of CORS pass, which carry no credential."""

    name = "authorization"
    rules: ClassVar = dict.fromkeys(("cedar-default", "cedar-error", "unreadable"), "cedar")

    def __init__(
        self,
        policies: PolicySet,
        actions: Actions,
        roles: Roles,
        entities: Mapping[Uid, Entity] | None = None,
        *,
        anonymous: bool = False,
        preflight: bool = False,
    ) -> None:
        self.policies = policies
        self.actions = actions
        self.operations = tuple(actions.names.values())
        self.entities = entities or {}
        self._principals = Principals(roles, self.entities)
        self.anonymous = anonymous
        self._preflight = preflight
        self._passes: dict[str, Pass] = {}
        self._slices: dict[int, tuple[Action, Slice, Wants]] = {}  # of the finite table of actions

    def describe(self) -> str:
        return f"{len(self.policies)} Cedar policies"

    def on_request(self, exchange: Exchange) -> Verdict:
        return self._judge(exchange, with_body=False)

    def _judge(self, exchange: Exchange, *, with_body: bool) -> Verdict:
        request = exchange.request
        if self._preflight and is_preflight(request):
            return PASS
        if exchange.principal is None and not self.anonymous:
            if with_body:
                return PASS  # the head's to refuse
            return Stop(
                exchange.problem(401, "A credential is required."), (_finding("cedar-default", "no principal"),)
            )
        verdict: Verdict = PASS
        try:
            for action, about, asked in self.asked(exchange, with_body=with_body):
                verdict = self._verdict(exchange, action, about.decide(asked))
                if type(verdict) is Stop:
                    return verdict
        except Ambiguous as error:
            said = str(error)
            finding = Finding("ambiguous", "query" if "parameter" in said else "path", excerpt(said), "high")
            return Stop(exchange.problem(400, "The request can be read in more than one way."), (finding,))
        except UnreadableBody:
            finding = Finding("unreadable", "body", "a body that cannot be read", "medium")
            return Stop(exchange.problem(415, "A body in this form cannot be taken here."), (finding,))
        return verdict

    def asked(self, exchange: Exchange, *, with_body: bool) -> Iterator[tuple[Action, Slice, Request]]:
        """What is asked of which policies: one question, or one for every way to read the request.

        with_body: the questions that need the body, or those that do not. Raises Ambiguous, UnreadableBody.
        """
        request = exchange.request
        every, sent = readings(request.path), as_sent(request.path)
        if sent not in every:
            every = (*every, sent)
        for method in methods_of(request.method, request.headers, request.query):
            for reading in every:
                action, captured = self.actions.find(method, reading)
                about, wants = self.about(action)
                if wants.reads_body is with_body:
                    yield action, about, self._request(exchange, action, reading, captured, wants)

    def about(self, action: Action) -> tuple[Slice, Wants]:
        """The policies that can be about an action, and what they read."""
        found = self._slices.get(id(action))
        if found is None:
            about = self.policies.about(action.uid, action.ancestors)
            found = self._slices[id(action)] = (action, about, Wants.of(about.policies))
        return found[1], found[2]

    def _request(
        self, exchange: Exchange, action: Action, reading: Reading, captured: tuple[str, ...], wants: Wants
    ) -> Request:
        principal, who = self._principals.of(exchange.principal)
        resource, what = resource_of(exchange, action, reading, captured, wants)
        known = {principal: who, resource: what, action.uid: action.entity}
        entities = Known(known, self.entities) if self.entities else known
        return Request(principal, action.uid, resource, context_of(exchange, wants), entities)

    def _verdict(self, exchange: Exchange, action: Action, decision: Decision) -> Verdict:
        if decision.allowed:
            if decision.errors:
                finding = Finding("cedar-error", "operation", excerpt(" ".join(decision.errors)), "low")
                return Pass((finding,), decided=decision.policy)
            found = self._passes.get(decision.policy)
            if found is None:
                found = self._passes[decision.policy] = Pass(decided=decision.policy)
            return found
        if decision.policy:
            said = "its evaluation failed" if decision.policy in decision.errors else "forbids"
            finding = _finding(decision.policy, f"{said} {action.uid.id}")
        else:
            erred = f"; not evaluated: {' '.join(decision.errors)}" if decision.errors else ""
            finding = _finding("cedar-default", f"no policy permits {action.uid.id}{erred}")
        status, detail = (
            (401, "A credential is required.") if exchange.principal is None else (403, "You may not do this.")
        )
        return Stop(exchange.problem(status, detail), (finding,))


class CedarOfBodies(Cedar):
    """The same where policies speak of bodies: operations about which they do are judged when the body is there."""

    def on_request_body(self, exchange: Exchange) -> Verdict:
        return self._judge(exchange, with_body=True)


def _finding(rule: str, said: str) -> Finding:
    return Finding(rule, "operation", excerpt(said), "high")
