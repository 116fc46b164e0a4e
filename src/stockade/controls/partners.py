"""Partners: the terms under which a partner's credentials are good, in whichever way it has proved who it is.

Findings: partner-ended, partner-expired, partner-wrong-address, partner-unknown (403), partner-quota (429).
"""

from __future__ import annotations

from typing import ClassVar

from stockade.certificates import Partner
from stockade.networks import NetworkSet
from stockade.quotas import period_around
from stockade.quotas.fields import throttle_fields
from stockade.vocabulary import (
    PASS,
    Allowance,
    Asking,
    Control,
    Exchange,
    Finding,
    FindPartner,
    Principal,
    Stop,
    TakeAll,
    Verdict,
)

_KINDS = frozenset({"api_key", "certificate"})  # of principals whose id is the partner's name
_REMEMBERED = 4096


class Partners(Control):
    """required: whether callers who are no partners are refused. A quota counts in all APIs together."""

    name = "partners"
    rules: ClassVar = {
        "partner-ended": "mode",
        "partner-expired": "mode",
        "partner-wrong-address": "mode",
        "partner-quota": "mode",
        "partner-unknown": "required",
    }

    def __init__(self, *, required: bool = False) -> None:
        self._required = required
        self._networks: dict[tuple[str, ...], NetworkSet] = {}

    def describe(self) -> str:
        return "partners alone, by their terms" if self._required else "partners by their terms"

    def on_request(self, exchange: Exchange) -> Asking[Verdict]:
        principal = exchange.principal
        if principal is None:
            return PASS
        partner: Partner | None = None
        name = _name(principal)
        if name:
            partner = yield FindPartner(name)
        if partner is None:
            return _refused(exchange, "unknown") if self._required else PASS
        refusal = partner.refusal(exchange.request.at)
        if refusal is not None:
            return _refused(exchange, refusal)
        if partner.networks and exchange.client not in self._allowed(partner.networks):
            return _refused(exchange, "wrong-address")
        if partner.quota is not None:
            return (yield from _take(exchange, partner.name, *partner.quota))
        return PASS

    def _allowed(self, networks: tuple[str, ...]) -> NetworkSet:
        allowed = self._networks.get(networks)
        if allowed is None:
            if len(self._networks) >= _REMEMBERED:
                self._networks.clear()
            allowed = self._networks[networks] = NetworkSet(networks)
        return allowed


def _name(principal: Principal) -> str:
    """By which its partner is found; a client of our own token service is not one itself, but belongs to one."""
    if principal.client:
        return f"client:{principal.client}"
    return principal.id if principal.kind in _KINDS else ""


def _take(exchange: Exchange, name: str, amount: int, unit: str) -> Asking[Verdict]:
    at = exchange.request.at
    period = period_around(unit, at)
    measure = Allowance(amount, int(period.start), int(period.end))
    refused = yield TakeAll((f"\npartner\n{name}\n{unit}",), (measure,), at)
    if refused is None:
        return PASS
    _, left = refused
    fields = throttle_fields("partner-quota", left.remaining, left.reset, left.retry_after, amount, unit)
    response = exchange.problem(429, "The quota is used up. Try again later.", *fields)
    finding = Finding("partner-quota", where="principal", evidence=f"{amount} a {unit}", severity="low")
    return Stop(response, (finding,), "throttle")


def _refused(exchange: Exchange, reason: str) -> Stop:
    where = "client" if reason == "wrong-address" else "principal"
    finding = Finding(f"partner-{reason}", where=where, evidence=exchange.client, severity="medium")
    return Stop(exchange.problem(403, "This caller has no access."), (finding,))
