"""What is noticed of a request, and the line of the decision log that is written of it in the end."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType, field

Action: TypeAlias = Literal["allow", "deny", "challenge", "redirect", "throttle"]
Severity: TypeAlias = Literal["info", "low", "medium", "high", "critical"]


class Finding(Struct, frozen=True, gc=False, omit_defaults=False):
    """Something a control noticed. `evidence` is masked by whoever makes the finding, never later."""

    rule: str  # stable name within the control, e.g. "address-denied"
    where: str = ""  # place in the message, e.g. "header:x-api-key"
    evidence: str = ""
    severity: Severity = "medium"
    control: str = ""  # filled in by the Session
    monitor: bool = False  # filled in by the Session: true when the control only watches
    policy: str = ""  # filled in by the Session: file:line of the policy that made it so
    # What a rule of a rule set says of itself; the record has these of such rules only.
    message: str | UnsetType = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    offset: int | UnsetType = UNSET  # of the match in the value, bytes
    detail: str | UnsetType = UNSET  # what the rule wants logged; masked like `evidence`


class Record(Struct, frozen=True, gc=False, omit_defaults=False):
    """What happened, one line of the decision log. Durations are milliseconds."""

    time: str  # RFC 3339, UTC
    request_id: str
    api: str
    operation: str
    client: str
    principal: str | None
    method: str
    path: str
    status: int
    action: Action
    control: str | None
    findings: tuple[Finding, ...]
    headers: dict[str, str] = field(default_factory=dict)
    duration_ms: float = 0.0
    upstream_ms: float | None = None
    worker: int = 0
    decided: str | UnsetType = UNSET  # "control:rule" of those that let it pass, where they tell
