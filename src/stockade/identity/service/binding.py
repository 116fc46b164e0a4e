"""To whom a new token is bound: a DPoP key (RFC 9449, section 5) or a client certificate (RFC 8705, section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stockade.grants import Client, Refusal
from stockade.identity.service.assertions import thumbprint
from stockade.identity.service.settings import Caller
from stockade.tokens import BadProof, ProofRules, verify_proof

if TYPE_CHECKING:
    from stockade.identity.service.service import Service

_RULES = ProofRules()


def bind(service: Service, client: Client, proofs: list[str], caller: Caller, at: float) -> dict[str, str]:
    """The claim `cnf`; empty for a bearer token. proofs: the lines of the DPoP header. Raises Refusal."""
    if proofs:
        return {"jkt": _prove(service, proofs, at)}
    if client.bound == "dpop":
        raise Refusal("invalid_dpop_proof", "this client's tokens are bound by DPoP: a proof is needed (RFC 9449)")
    if client.bound == "mtls":
        if not caller.certificate:
            raise Refusal("invalid_request", "this client's tokens are bound to its certificate: connect with it")
        return {"x5t#S256": thumbprint(caller.certificate)}
    return {}


def check_same(before: dict[str, str], now: dict[str, str]) -> None:
    """A refresh token that is bound renews for its own key alone (RFC 9449, section 5). Raises Refusal."""
    if before and before != now:
        raise Refusal("invalid_grant", "the refresh token is bound to another key")


def _prove(service: Service, proofs: list[str], at: float) -> str:
    url = service.settings.base + "/oauth2/token"
    if len(proofs) != 1:
        raise Refusal("invalid_dpop_proof", "there is more than one DPoP proof")
    try:
        proof = verify_proof(proofs[0], method="POST", is_own=lambda htu: htu == url, token=None, rules=_RULES, at=at)
    except BadProof as error:
        raise Refusal("invalid_dpop_proof", f"the DPoP proof is refused: {error.reason}") from None
    if not service.first_use(f"dpop\0{proof.jkt}\0{proof.jti}", proof.issued + _RULES.max_age + 2 * _RULES.leeway):
        raise Refusal("invalid_dpop_proof", "the DPoP proof was used before")
    return proof.jkt
