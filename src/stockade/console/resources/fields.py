"""Fields that several bodies and answers have: durations and quotas as in the policy, moments as RFC 3339."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from stockade.config.units import parse_duration, parse_quota
from stockade.console.operation import Refused

Text = Annotated[str, Field(max_length=256)]
Texts = Annotated[list[Text], Field(max_length=100)]
DurationText = Annotated[str, Field(max_length=32, description="As in 90d, 12h, 30s.", pattern=r"^[0-9. a-z]+$")]
QuotaText = Annotated[str, Field(max_length=32, description="As in 10000/day.", pattern=r"^[0-9/ a-z]+$")]
Pem = Annotated[str, Field(max_length=32768, description="A CSR in PEM.")]


def seconds(text: str | None, field: str, default: float = 0.0) -> float:
    """Raises Refused (422)."""
    if text is None:
        return default
    try:
        return parse_duration(text)
    except ValueError as error:
        raise Refused(422, "The body is not as it must be.", errors=[_error(field, str(error))]) from None


def quota(text: str | None) -> tuple[int, str] | None:
    """Raises Refused (422)."""
    if text is None:
        return None
    try:
        amount, unit = parse_quota(text)
    except ValueError as error:
        raise Refused(422, "The body is not as it must be.", errors=[_error("quota", str(error))]) from None
    return amount, unit


def _error(field: str, detail: str) -> dict[str, str]:
    return {"pointer": f"/{field}", "detail": detail}


def moment(at: float | None) -> str | None:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at is not None else None


def without(body: Any, *names: str) -> dict[str, Any]:
    """What a body states, less these fields."""
    return {name: getattr(body, name) for name in body.model_fields_set if name not in names}
