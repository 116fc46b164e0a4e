"""`limits:` a list of rates and quotas. Those that need no principal run before authentication, for they are cheap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from stockade.config.base import Section
from stockade.config.errors import did_you_mean, written
from stockade.config.sections.named import place_of
from stockade.config.site import Site
from stockade.config.texts import Name, is_header_name
from stockade.config.units import Count, QuotaUnit, RateUnit
from stockade.controls.limits import Limit, Limits, NamedLimits, Quota, Rate
from stockade.engine import Binding
from stockade.vocabulary import Failure, Mode

_KEYS = ("address", "principal", "operation")
_KEY_SCHEMA = {"type": "string", "pattern": rf"^({'|'.join(_KEYS)}|header:.+)$"}


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _key(value: Any) -> Any:
    if not isinstance(value, str) or value in _KEYS:
        return value
    scheme, _, name = value.partition(":")
    if scheme != "header" or not is_header_name(name):
        raise ValueError(
            f"{written(value)} is not address, principal, operation or header:NAME{did_you_mean(value, _KEYS)}"
        )
    return value


LimitKey = Annotated[str, BeforeValidator(_key)]


class LimitItem(Section):
    """One limit: a `rate` with an optional `burst`, or a `quota`."""

    name: Name
    key: Annotated[
        list[LimitKey],
        BeforeValidator(_listed),
        WithJsonSchema({"anyOf": [_KEY_SCHEMA, {"type": "array", "items": _KEY_SCHEMA, "minItems": 1}]}),
    ] = Field(
        min_length=1, description="address, principal, operation, header:NAME, or a list that is counted together."
    )
    rate: RateUnit | None = Field(None, description="How many per second, minute, hour or day, spread evenly.")
    burst: Count | None = Field(
        None, ge=1, le=1_000_000_000, description="How many may come at once; default: one second's worth."
    )
    quota: QuotaUnit | None = Field(None, description="How many in a calendar day, week, month, … (UTC).")

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
    _check_names(site)
    return _make(site, lambda limit: not limit.needs_principal)


def make_late(site: Site) -> list[Binding]:
    """Limits that count principals, for whom authentication must have spoken."""
    return _make(site, lambda limit: limit.needs_principal)


def make_named(site: Site) -> list[Binding]:
    """Limits that count operations, for the requests whose body must have been read to know which it is."""
    if place_of(site) is None:
        return []
    return _make(site, lambda limit: limit.needs_operation, named=True)


def _check_names(site: Site) -> None:
    names: set[str] = set()
    for index, item in enumerate(site.api.limits):
        if item.name in names:
            site.problem(f"two limits are called {item.name!r}; they would share one count", "limits", index, "name")
        names.add(item.name)


def _make(site: Site, wanted: Callable[[Limit], bool], *, named: bool = False) -> list[Binding]:
    """Limits that are enforced alike are one control, which takes from all of them or from none."""
    groups: dict[tuple[Mode, Failure], dict[int, Limit]] = {}
    for index, item in enumerate(site.api.limits):
        limit = item.compiled()
        if item.mode != "off" and wanted(limit):
            groups.setdefault((item.mode, item.failure), {})[index] = limit
    return [_bind(site, mode, failure, limits, named) for (mode, failure), limits in groups.items()]


def _bind(site: Site, mode: Mode, failure: Failure, limits: dict[int, Limit], named: bool) -> Binding:
    """`limits` by their place in the policy. A finding names its limit, and by that the limit's own line."""
    lines = {limit.name: site.where("limits", index) for index, limit in limits.items()}
    name, place = site.api.name, place_of(site)
    control: Limits | NamedLimits = Limits(name, limits.values(), apart=place)
    if named and place is not None:
        control = NamedLimits(name, limits.values(), place)
    return Binding(control, mode == "monitor", failure, next(iter(lines.values())), lines)
