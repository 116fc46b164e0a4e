"""`stockade certs`: a private authority for clients' certificates."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from stockade.cli.display import moment, print_rows
from stockade.cli.offices import Out, certificate_dict, hand_out, opened, read_csr
from stockade.cli.options import DEFAULT_POLICY, AsJson, Policy, seconds
from stockade.cli.who import actor

app = typer.Typer(
    help="Client certificates from an authority of your own: init, sign, renew, list, revoke, crl, export.\n\n\b\n"
    "Example: stockade certs init --name Shop",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Serial = Annotated[str, typer.Argument(metavar="SERIAL", help="The certificate's serial number, hexadecimal.")]
Expires = Annotated[str | None, typer.Option(metavar="DURATION", help="How long it is good; default: the policy's.")]


@app.command("init")
def init(
    name: Annotated[str, typer.Option(help="What the authority is called: your organization.")],
    trust_domain: Annotated[str, typer.Option(help="The domain of holders' ids, spiffe://DOMAIN/holder.")] = "stockade",
    domain: Annotated[
        list[str] | None,
        typer.Option(help="A DNS domain under which alone it may sign names; may be repeated."),
    ] = None,
    lifetime: Annotated[str, typer.Option(metavar="DURATION", help="Of the issuing CA.")] = "1825d",
    policy: Policy = DEFAULT_POLICY,
) -> None:
    """Make a root and an issuing CA. Their keys are kept sealed in the database and shown to nobody.

    \b
    Example: stockade certs init --name Shop --domain partners.example.com
    """
    with opened(policy) as office:
        office.certificates.begin(
            *(name, time.time(), actor()),
            trust_domain=trust_domain,
            domains=domain or (),
            lifetime=seconds(lifetime, "--lifetime"),
        )
        section = office.loaded.config.certificates
    typer.echo(f"the authority's certificates are in {section.ca}, its revocation lists in {section.crl}")
    typer.echo(f"a listener trusts it by   tls: {{…, client_ca: {section.ca}, client_crl: {section.crl}}}", err=True)


@app.command("sign")
def sign(
    csr: Annotated[Path, typer.Argument(metavar="CSR", help='The CSR\'s file (PEM or DER); "-" reads it.')],
    holder: Annotated[str, typer.Option(help="Who it is for: the principal that the upstream and the log see.")],
    dns: Annotated[list[str] | None, typer.Option(help="A DNS name it may carry; may be repeated.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="A scope it grants; may be repeated.")] = None,
    network: Annotated[list[str] | None, typer.Option(help="A network it may be used from; may be repeated.")] = None,
    expires: Expires = None,
    out: Out = None,
    policy: Policy = DEFAULT_POLICY,
) -> None:
    """Sign a CSR for a service of your own (for a partner: stockade partners). The chain is printed.

    \b
    Example: stockade certs sign web.csr --holder web --out web.pem
    """
    from stockade.identity.certificates import Grant

    with opened(policy) as office:
        lifetime = _lifetime(expires, office.loaded.config.certificates.lifetime)
        grant = Grant(holder, dns or (), tuple(network or ()), frozenset(scope or ()))
        issued = office.partners.sign_for_other(read_csr(csr), grant, time.time(), lifetime, actor())
    hand_out(issued.pem, out)
    typer.echo(f"serial {issued.record.serial}; good until {moment(issued.record.end)}", err=True)


@app.command("renew")
def renew(
    serial: Serial,
    csr: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A CSR with a new key; default: the same key.")
    ] = None,
    expires: Expires = None,
    overlap: Annotated[
        str | None, typer.Option(metavar="DURATION", help="How long the old one works; default: the policy's.")
    ] = None,
    out: Out = None,
    policy: Policy = DEFAULT_POLICY,
) -> None:
    """A new certificate with the same names; the old one works until the overlap ends.

    \b
    Example: stockade certs renew 3a7f… --overlap 7d
    """
    with opened(policy) as office:
        section = office.loaded.config.certificates
        kept = section.overlap if overlap is None else seconds(overlap, "--overlap")
        request = read_csr(csr) if csr is not None else None
        issued = office.certificates.renew(
            serial, time.time(), _lifetime(expires, section.lifetime), kept, actor(), request
        )
    hand_out(issued.pem, out)
    typer.echo(f"serial {issued.record.serial}; good until {moment(issued.record.end)}", err=True)


@app.command("list")
def list_certificates(
    holder: Annotated[str | None, typer.Option(help="Of one holder alone.")] = None,
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """List what was issued.

    \b
    Example: stockade certs list --json
    """
    with opened(policy, passive=True) as office:
        rows = [certificate_dict(record) for record in office.certificates.issued(holder)]
    print_rows(rows, ("serial", "holder", "state", "start", "end", "names"), as_json)


@app.command("revoke")
def revoke(
    serial: Serial,
    reason: Annotated[str, typer.Option(help="Such as key-compromise or superseded (RFC 5280).")] = "unspecified",
    policy: Policy = DEFAULT_POLICY,
) -> None:
    """Revoke a certificate: APIs with `certificate: {issued: true}` refuse it from the next request on, and
    listeners with `client_crl` from the next handshake, a second later at most.

    \b
    Example: stockade certs revoke 3a7f… --reason key-compromise
    """
    with opened(policy) as office:
        record = office.certificates.revoke(serial, time.time(), actor(), reason)
    typer.echo(f"revoked {record.serial} of {record.holder}")


@app.command("crl")
def crl(policy: Policy = DEFAULT_POLICY) -> None:
    """Write the revocation lists anew. A running gateway does so itself when half of their time is over.

    \b
    Example: stockade certs crl
    """
    with opened(policy) as office:
        office.certificates.write_lists(time.time())
        section = office.loaded.config.certificates
    typer.echo(f"the newest revocation lists are in {section.crl}")


@app.command("export")
def export(
    serial: Annotated[str | None, typer.Argument(metavar="SERIAL", help="A certificate; default: the CAs.")] = None,
    policy: Policy = DEFAULT_POLICY,
) -> None:
    """Print the authority's certificates, or one that it issued, as PEM.

    \b
    Example: stockade certs export > clients-ca.pem
    """
    with opened(policy, passive=True) as office:
        if serial is None:
            typer.echo(office.certificates.bundle(), nl=False)
        else:
            record = office.certificates.get(serial)
            typer.echo(office.certificates.store.pem(record.serial), nl=False)


def _lifetime(expires: str | None, default: float) -> float:
    return default if expires is None else seconds(expires, "--expires", 60.0)
