"""Partners are held to their terms; and certificates that we issued are judged by our own record of them."""

from __future__ import annotations

from typing import Any

import pytest

from stockade.certificates import CertificateRecord, Partner
from stockade.controls.authentication import Authentication, CertificateRule, ClientCertificates
from stockade.controls.partners import Partners
from stockade.operations import OperationTable
from stockade.stores import Counters
from stockade.vocabulary import (
    PASS,
    Ask,
    FindCertificate,
    FindPartner,
    Pass,
    Principal,
    Stop,
    StoreError,
    TakeAll,
)
from stockade.wire import Peer
from tests.exchanges import AT, CLIENT, judge, make_exchange, make_request

ACME = Partner("acme", networks=("203.0.113.0/24",), expires=AT + 10)


def said(control: Partners, principal: Principal | None, partner: Partner | None = ACME, **fields: Any) -> Any:
    counters = fields.pop("counters", None) or Counters()

    def answer(ask: Ask[Any]) -> Any:
        if isinstance(ask, FindPartner):
            return partner if partner is not None and ask.name == partner.name else None
        assert isinstance(ask, TakeAll)
        return counters.take_all(ask)

    request = make_request(**fields)
    return judge(control.on_request, make_exchange(request, principal=principal), answer)


def who(name: str = "acme", kind: str = "api_key") -> Principal:
    return Principal(name, kind, "id")


def rule(verdict: Any) -> str:
    return "" if verdict == PASS else str(verdict.findings[-1].rule)


@pytest.mark.parametrize(
    ("partner", "fields", "wanted"),
    [
        (ACME, {}, ""),
        (Partner("acme"), {"peer": "198.51.100.1"}, ""),
        (ACME, {"peer": "198.51.100.1"}, "partner-wrong-address"),
        (ACME, {"at": AT + 10}, "partner-expired"),
        (ACME, {"at": float("nan")}, "partner-expired"),
        (Partner("acme", ended=AT), {}, "partner-ended"),
        (Partner("acme", ended=AT + 1), {}, ""),
    ],
    ids=["good", "anywhere", "address", "expired", "no time", "ended", "ends"],
)
def test_terms(partner: Partner, fields: dict[str, Any], wanted: str) -> None:
    verdict = said(Partners(), who(), partner, **fields)
    assert rule(verdict) == wanted
    if wanted:
        assert verdict.response.status == 403
        assert "acme" not in verdict.response.body.decode()


def test_a_client_is_its_partners() -> None:
    """A token of our own service, whoever its subject is; another issuer's is not."""
    robot = Principal("robot", "oauth2", client="robot")
    theirs = Partner("client:robot", networks=("192.0.2.0/24",))
    assert rule(said(Partners(), robot, theirs)) == "partner-wrong-address"
    assert said(Partners(), Principal("robot", "oauth2"), theirs) == PASS


@pytest.mark.parametrize("kind", ["api_key", "certificate"])
def test_whichever_credential(kind: str) -> None:
    assert rule(said(Partners(), who(kind=kind), peer="198.51.100.1")) == "partner-wrong-address"


def test_another_kind_of_that_name_is_not_the_partner() -> None:
    """A token of some issuer may name anybody: it neither gets a partner's terms nor uses up its quota."""
    assert said(Partners(), who(kind="jwt"), peer="198.51.100.1") == PASS
    assert rule(said(Partners(required=True), who(kind="jwt"))) == "partner-unknown"


def test_who_is_no_partner() -> None:
    assert said(Partners(), who("alice")) == PASS
    assert rule(said(Partners(required=True), who("alice"))) == "partner-unknown"
    assert said(Partners(required=True), None) == PASS, "anonymous operations are authentication's to allow"


def test_quota() -> None:
    counters, partner = Counters(), Partner("acme", quota=(2, "day"))
    verdicts = [said(Partners(), who(kind=kind), partner, counters=counters) for kind in ("api_key", "certificate") * 2]
    assert [rule(verdict) for verdict in verdicts] == ["", "", "partner-quota", "partner-quota"]
    response = verdicts[-1].response
    assert response.status == 429
    assert verdicts[-1].action == "throttle"
    fields = dict(response.headers)
    assert 0 < int(fields["retry-after"]) <= 86400
    assert fields["ratelimit-policy"] == '"partner-quota";q=2;w=86400'
    assert fields["ratelimit"].startswith('"partner-quota";r=0;t=')
    assert said(Partners(), who(), partner, counters=counters, at=AT + 86400) == PASS


def test_what_it_says_of_itself() -> None:
    assert Partners().describe() == "partners by their terms"
    assert Partners(required=True).describe() == "partners alone, by their terms"


# Certificates by our own record.

PRINT = "ab" * 32
RECORD = CertificateRecord("7", PRINT, "acme", start=AT - 10, end=AT + 10, scopes=frozenset({"orders:read"}))


def proven(record: CertificateRecord | None, *, peer: str = CLIENT, at: float = AT, **rules: str) -> Any:
    allow = (CertificateRule(**rules),) if rules else ()
    scheme = ClientCertificates(allow=allow, issued=True)
    control = Authentication(realm="shop", any_of=[scheme], anonymous=OperationTable([]))
    request = make_request(at=at)
    fields = {name: getattr(request, name) for name in request.__struct_fields__}
    fields["peer"] = Peer(peer, "TLSv1.3", PRINT, "CN=mallory", "", "spiffe://elsewhere/mallory")
    asked: list[str] = []

    def answer(ask: Ask[Any]) -> Any:
        assert isinstance(ask, FindCertificate)
        asked.append(ask.fingerprint)
        return record

    verdict = judge(control.on_request, make_exchange(type(request)(**fields)), answer)
    assert asked in ([PRINT], [])
    return verdict


def test_the_holder_is_who_asks() -> None:
    """Whatever the certificate itself says: our record does."""
    verdict = proven(RECORD)
    assert isinstance(verdict, Pass)
    principal = verdict.principal
    assert principal is not None
    assert (principal.id, principal.kind, principal.credential, principal.scopes) == (
        *("acme", "certificate", PRINT),
        RECORD.scopes,
    )


def changed(**fields: Any) -> CertificateRecord:
    return CertificateRecord(**{name: getattr(RECORD, name) for name in RECORD.__struct_fields__} | fields)


@pytest.mark.parametrize(
    ("record", "fields", "wanted"),
    [
        (None, {}, "certificate-unknown"),
        (changed(revoked=AT), {}, "certificate-revoked"),
        (changed(until=AT), {}, "certificate-expired"),
        (RECORD, {"at": AT + 10}, "certificate-expired"),
        (RECORD, {"at": AT - 11}, "certificate-not-yet-valid"),
        (changed(networks=("192.0.2.0/24",)), {}, "certificate-wrong-address"),
        (RECORD, {"subject": "CN=acme"}, "certificate-not-allowed"),
    ],
    ids=["unknown", "revoked", "until", "expired", "not yet", "address", "rule"],
)
def test_what_is_not_good(record: CertificateRecord | None, fields: dict[str, Any], wanted: str) -> None:
    verdict = proven(record, **fields)
    assert isinstance(verdict, Stop)
    assert verdict.response.status == 401
    assert verdict.findings[-1].rule == wanted


def test_an_overlap_that_has_not_ended() -> None:
    assert isinstance(proven(changed(revoked=AT + 1)), Pass)


def test_a_store_that_fails_closes() -> None:
    scheme = ClientCertificates(issued=True)
    control = Authentication(realm="shop", any_of=[scheme], anonymous=OperationTable([]))
    request = make_request()
    fields = {name: getattr(request, name) for name in request.__struct_fields__}
    fields["peer"] = Peer(CLIENT, "TLSv1.3", PRINT)

    def answer(ask: Ask[Any]) -> Any:
        raise StoreError("gone")

    with pytest.raises(StoreError):
        judge(control.on_request, make_exchange(type(request)(**fields)), answer)
