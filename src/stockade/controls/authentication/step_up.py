"""Step-up: how strong and how recent the login behind a credential must be (RFC 9470)."""

from __future__ import annotations

from msgspec import Struct

from stockade.operations import OperationTable
from stockade.vocabulary import Principal


class StepUp(Struct, frozen=True, eq=False):
    """What some operations ask for beyond a good credential.

    acr: acceptable authentication contexts, any one of which is enough; it may be the token's `acr`, or one of the
    methods in its `amr` (RFC 8176), where issuers say the like of "mfa". max_age: seconds since the login itself.
    """

    operations: OperationTable
    acr: tuple[str, ...] = ()
    max_age: float | None = None
    leeway: float = 5.0

    def describe(self) -> str:
        told = [f"acr {' or '.join(self.acr)}"] if self.acr else []
        told += [f"a login within {self.max_age:g} s"] if self.max_age is not None else []
        return f"{' and '.join(told)} for {len(self.operations)} operation(s)"

    def trouble(self, principal: Principal, at: float) -> str:
        """The rule that is not met; empty when all is well. Who says nothing of a login meets none."""
        if self.acr and principal.acr not in self.acr and principal.amr.isdisjoint(self.acr):
            return "login-too-weak"
        if self.max_age is not None:
            since = principal.auth_time
            if since is None or not -self.leeway <= at - since <= self.max_age + self.leeway:
                return "login-too-old"
        return ""

    def challenge(self, realm: str) -> str:
        """RFC 9470, section 3."""
        told = f'Bearer realm="{realm}", error="insufficient_user_authentication", '
        told += 'error_description="A stronger or more recent login is required"'
        if self.acr:
            told += f', acr_values="{" ".join(self.acr)}"'
        return told + (f', max_age="{self.max_age:.0f}"' if self.max_age is not None else "")
