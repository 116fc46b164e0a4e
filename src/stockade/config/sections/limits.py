"""`limits:` a list of rates and quotas. Those that need no principal run before authentication, for they are cheap."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from stockade.config.base import Section
from stockade.config.errors import did_you_mean
from stockade.config.site import Site
from stockade.config.units import QuotaUnit, RateUnit
from stockade.controls.limits import Limit, Limits, Quota, Rate
from stockade.engine import Binding

_KEYS = ("address", "principal", "operation")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class LimitItem(Section):
    """One limit: a `rate` with an optional `burst`, or a `quota`."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    key: Annotated[list[str], BeforeValidator(_listed)] = Field(
        min_length=1, description="address, principal, operation, header:NAME, or a list that is counted together."
    )
    rate: RateUnit | None = None
    burst: int | None = Field(None, ge=1, description="How many may come at once; default: one second's worth.")
    quota: QuotaUnit | None = None

    @field_validator("key")
    @classmethod
    def _known(cls, keys: list[str]) -> list[str]:
        for key in keys:
            if key not in _KEYS and not (key.startswith("header:") and len(key) > 7):
                hint = did_you_mean(key, _KEYS)
                raise ValueError(f"{key!r} is not address, principal, operation or header:NAME{hint}")
        return keys

    @model_validator(mode="after")
    def _one_measure(self) -> LimitItem:
        if (self.rate is None) == (self.quota is None):
            raise ValueError("a limit has either rate or quota")
        if self.burst is not None and self.rate is None:
            raise ValueError("burst belongs to rate; a quota has none")
        return self

    def compiled(self) -> Limit:
        if self.quota is not None:
            return Limit(self.name, tuple(self.key), Quota(self.quota.amount, self.quota.unit))
        assert self.rate is not None
        burst = self.burst or max(1, round(self.rate.amount / self.rate.seconds))
        return Limit(self.name, tuple(self.key), Rate(self.rate.seconds / self.rate.amount, burst))


def make_early(site: Site) -> list[Binding]:
    """Limits that count addresses, operations or headers."""
    return _make(site, needs_principal=False)


def make_late(site: Site) -> list[Binding]:
    """Limits that count principals, for whom authentication must have spoken."""
    return _make(site, needs_principal=True)


def _make(site: Site, *, needs_principal: bool) -> list[Binding]:
    bindings = []
    names: set[str] = set()
    for index, item in enumerate(site.api.limits):
        if item.name in names:
            site.problem(f"two limits are called {item.name!r}", "limits", index)
        names.add(item.name)
        limit = item.compiled()
        if item.mode == "off" or limit.needs_principal != needs_principal:
            continue
        control = Limits(site.api.name, [limit])
        bindings.append(site.bind(control, item, "limits", index, lines={}))
    return bindings
