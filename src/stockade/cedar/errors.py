"""What can be wrong: a policy, a schema, or (an `EvaluationError`) the evaluation of a policy for one request."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """One thing wrong. line: of the text, from 1."""

    line: int
    text: str


class BadPolicy(ValueError):
    """Policies that cannot be used, with every reason."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("; ".join(f"line {fault.line}: {fault.text}" for fault in faults))


class BadSchema(ValueError):
    """A schema that cannot be used."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(f"line {fault.line}: {fault.text}")


class EvaluationError(Exception):
    """A policy cannot be evaluated for this request: a missing attribute, a value of another type, an overflow."""
