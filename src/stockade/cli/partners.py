"""`stockade partners`: onboarding, terms, offboarding."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stockade.cli.display import cell, moment, print_json, print_rows, print_table
from stockade.cli.offices import (
    CsrFile,
    Out,
    certificate_dict,
    hand_out,
    opened,
    read_csr,
)
from stockade.cli.options import DEFAULT_POLICY, AsJson, Policy, seconds
from stockade.cli.who import actor

if TYPE_CHECKING:
    from stockade.certificates import Partner
    from stockade.identity.office import Office
    from stockade.identity.partners import Credentials, Wanted

app = typer.Typer(
    help="Partners: add, show, list, change, renew, remove.\n\n\b\n"
    "Example: stockade partners add acme --contact ops@acme.example --quota 10000/day --key",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The partner's name: the owner of its keys.")]
Contact = Annotated[str | None, typer.Option(help="Whom to write to.")]
Networks = Annotated[
    list[str] | None,
    typer.Option("--network", "--networks", help="Where it may come from; may be repeated, or several with commas."),
]
Quota = Annotated[str | None, typer.Option(metavar="AMOUNT/PERIOD", help="Such as 10000/day, in all APIs together.")]
Expires = Annotated[str | None, typer.Option(metavar="DURATION", help="From now on, such as 365d.")]
Names = Annotated[
    list[str] | None, typer.Option("--dns", help="A DNS name its certificates may carry; may be repeated.")
]
Scopes = Annotated[list[str] | None, typer.Option("--scope", help="A scope its credentials grant; may be repeated.")]
Key = Annotated[bool, typer.Option("--key", help="Issue an API key.")]
Clients = Annotated[
    list[str] | None, typer.Option("--client", help="The id of an OAuth client of its; may be repeated.")
]


@app.command("add")
def add(
    name: Name,
    contact: Contact = None,
    networks: Networks = None,
    quota: Quota = None,
    expires: Expires = None,
    dns: Names = None,
    scope: Scopes = None,
    client: Clients = None,
    csr: CsrFile = None,
    key: Key = False,
    out: Out = None,
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """Onboard a partner, with an API key, a certificate or both, all or nothing.

    \b
    Example: stockade partners add acme --contact ops@acme.example --network 203.0.113.0/24 --quota 10000/day
             --expires 365d --csr acme.csr --out acme.pem --key
    """
    from stockade.certificates import Partner

    now = time.time()
    terms = _terms(now, contact, networks, quota, expires, dns, scope)
    with opened(policy) as office:
        wanted = _wanted(office, key, csr)
        got = office.partners.add(Partner(name, **terms), now, actor(), wanted, client or ())
    _show_issued(got, out, as_json)


@app.command("show")
def show(name: Name, policy: Policy = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """All that is known of a partner: terms, keys, certificates, clients, and who changed what.

    \b
    Example: stockade partners show acme
    """
    from msgspec import to_builtins

    with opened(policy, passive=True) as office:
        holdings = office.partners.show(name)
    now = time.time()
    keys = [
        {"id": key.id, "state": key.refusal(now) or "active", "expires": moment(key.expires)} for key in holdings.keys
    ]
    certificates = [certificate_dict(each, now) for each in holdings.certificates]
    rows = [{**to_builtins(row), "at": moment(row.at)} for row in holdings.audit]
    if as_json:
        about = _as_dict(holdings.partner, now)
        print_json({**about, "keys": keys, "certificates": certificates, "clients": holdings.clients, "audit": rows})
        return
    print_table(("", ""), ((each, cell(value)) for each, value in _as_dict(holdings.partner, now).items()))
    print_table(("key", "state", "expires"), ((key["id"], key["state"], key["expires"]) for key in keys))
    print_table(
        ("certificate", "state", "end"), ((each["serial"], each["state"], each["end"]) for each in certificates)
    )
    print_table(("at", "actor", "action"), ((row["at"], row["actor"], row["action"]) for row in rows))


@app.command("list")
def list_partners(policy: Policy = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """List all partners, those that were offboarded too.

    \b
    Example: stockade partners list --json
    """
    now = time.time()
    with opened(policy, passive=True) as office:
        rows = [_as_dict(partner, now) for partner in office.partners.all()]
    print_rows(rows, ("name", "state", "contact", "networks", "quota", "expires"), as_json)


@app.command("change")
def change(
    name: Name,
    contact: Contact = None,
    networks: Networks = None,
    quota: Quota = None,
    expires: Expires = None,
    dns: Names = None,
    scope: Scopes = None,
    policy: Policy = DEFAULT_POLICY,
) -> None:
    """Change a partner's terms, and with them those of all its keys and certificates, at once.

    A list that is given replaces the old one; --network "" takes the bound away, as --quota none does.

    \b
    Example: stockade partners change acme --quota 50000/day
    """
    now = time.time()
    terms = _terms(now, contact, networks, quota, expires, dns, scope)
    if not terms:
        raise typer.BadParameter("say what shall change")
    with opened(policy) as office:
        office.partners.change(name, now, actor(), **terms)
    typer.echo(f"changed {name}")


@app.command("renew")
def renew(
    name: Name,
    expires: Expires = None,
    csr: CsrFile = None,
    key: Key = False,
    overlap: Annotated[
        str | None, typer.Option(metavar="DURATION", help="How long the old ones work; default: the policy's.")
    ] = None,
    out: Out = None,
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """Give a partner a longer time, a new key, a new certificate; old ones work until the overlap ends.

    \b
    Example: stockade partners renew acme --expires 365d --csr acme-2027.csr --out acme.pem
    """
    now = time.time()
    until = now + seconds(expires, "--expires", 1.0) if expires is not None else None
    with opened(policy) as office:
        kept = office.loaded.config.certificates.overlap if overlap is None else seconds(overlap, "--overlap")
        wanted = _wanted(office, key, csr)
        got = office.partners.renew(name, now, actor(), wanted, expires=until, overlap=kept)
    _show_issued(got, out, as_json)


@app.command("remove")
def remove(name: Name, policy: Policy = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """Offboard a partner: its keys, its certificates and its clients' tokens end at once, in every worker.

    \b
    Example: stockade partners remove acme
    """
    with opened(policy) as office:
        ended = office.partners.remove(name, time.time(), actor())
    if as_json:
        print_json({"name": name, "keys": ended.keys, "certificates": ended.certificates, "clients": ended.clients})
    else:
        counts = f"{ended.keys} key(s), {ended.certificates} certificate(s), {ended.clients} client(s)"
        typer.echo(f"removed {name}: {counts} ended")


def _terms(
    now: float,
    contact: str | None,
    networks: list[str] | None,
    quota: str | None,
    expires: str | None,
    dns: list[str] | None,
    scope: list[str] | None,
) -> dict[str, Any]:
    """Those that were given, as fields of `Partner`. Raises BadParameter."""
    terms: dict[str, Any] = {}
    if contact is not None:
        terms["contact"] = contact
    if quota is not None:
        terms["quota"] = None if quota == "none" else _quota(quota)
    if expires is not None:
        terms["expires"] = now + seconds(expires, "--expires", 1.0)
    for field, listed in (("networks", networks), ("names", dns), ("scopes", scope)):
        if listed:
            terms[field] = tuple(item for text in listed for item in text.replace(",", " ").split())
    return terms


def _quota(text: str) -> tuple[int, str]:
    from stockade.config.units import parse_quota

    try:
        amount, unit = parse_quota(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--quota") from None
    return amount, unit


def _wanted(office: Office, key: bool, csr: Path | None) -> Wanted:
    from stockade.identity.partners import Wanted

    lifetime = office.loaded.config.certificates.lifetime
    return Wanted(key=key, csr=read_csr(csr) if csr is not None else None, lifetime=lifetime)


def _show_issued(got: Credentials, out: Path | None, as_json: bool) -> None:
    if as_json:
        about = _as_dict(got.partner, time.time())
        more = {"key": got.key.text, "key_id": got.key.record.id} if got.key is not None else {}
        if got.certificate is not None:
            more |= {"certificate": got.certificate.pem, "serial": got.certificate.record.serial}
        print_json({**about, **more})
        return
    typer.echo(f"{got.partner.name} is a partner", err=True)
    if got.key is not None:
        typer.echo(got.key.text)
        typer.echo(f"key id {got.key.record.id}; keep it now, it cannot be shown again", err=True)
    if got.certificate is not None:
        hand_out(got.certificate.pem, out)
        typer.echo(f"serial {got.certificate.record.serial}", err=True)


def _as_dict(partner: Partner, now: float) -> dict[str, Any]:
    return {
        "name": partner.name,
        "state": partner.refusal(now) or "active",
        "contact": partner.contact,
        "networks": list(partner.networks),
        "quota": f"{partner.quota[0]}/{partner.quota[1]}" if partner.quota is not None else None,
        "dns": list(partner.names),
        "scopes": list(partner.scopes),
        "created": moment(partner.created),
        "expires": moment(partner.expires),
        "ended": moment(partner.ended),
    }
