"""`stockade explain`."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stockade.cli.display import print_json, print_table
from stockade.cli.exclusions import narrowest
from stockade.cli.options import DEFAULT_POLICY, AsJson, Policy, check_address

if TYPE_CHECKING:
    from stockade.config import Loaded
    from stockade.gateway.dry_run import Decision
    from stockade.vocabulary import Finding
    from stockade.wire import Request

Header = Annotated[list[str] | None, typer.Option("--header", "-H", help="A header, 'Name: value'; may be repeated.")]
Data = Annotated[str | None, typer.Option("--data", "-d", help="The request body; @FILE reads it from a file.")]
Client = Annotated[
    str, typer.Option(callback=check_address, metavar="ADDRESS", help="The address that the request comes from.")
]
_URL = re.compile(r"(https?)://([^/?#]*)([^#]*)(?:#.*)?", re.IGNORECASE)


def explain(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="The HTTP method.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="A path, or a whole URL.")],
    header: Header = None,
    data: Data = None,
    client: Client = "127.0.0.1",
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """Show what each control says of a request, in order, and which line of the policy makes it say so.

    Nothing is sent anywhere, made or changed. Exit status 1: the request would be refused.

    \b
    Example: stockade explain GET /orders/7 -H 'X-API-Key: stk_…' --client 203.0.113.9
    """
    from stockade.config import build, load
    from stockade.gateway.dry_run import DryRun

    loaded = load(policy, passive=True)
    body = _body(data)
    request = _request(method, url, header or [], body, client)
    run = DryRun(loaded, build(loaded))
    try:
        decision = run.decide(request, body)
    finally:
        run.close()
    if as_json:
        print_json(_as_dict(decision))
    else:
        _show(decision, loaded)
    sys.exit(0 if decision.action == "allow" else 1)


def _body(data: str | None) -> bytes:
    if data is None or not data.startswith("@"):
        return (data or "").encode("utf-8", "surrogateescape")
    try:
        return Path(data[1:]).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise typer.BadParameter(f"{data[1:]} cannot be read: {reason}", param_hint="--data") from None


def _request(method: str, url: str, lines: list[str], body: bytes, client: str) -> Request:
    """What a door would have read. Raises BadTarget where it would have refused to."""
    from stockade.wire import BadRequest, BadTarget, Headers, Peer, read_request

    if not re.fullmatch(r"[A-Za-z][A-Za-z-]*", method):
        raise typer.BadParameter(f"{method!r} is not an HTTP method", param_hint="METHOD")
    scheme, authority, target = _split(url)
    pairs = [_header(line) for line in lines]
    names = {name.lower() for name, _ in pairs}
    if body and not names & {"content-length", "transfer-encoding"}:
        pairs.append(("Content-Length", str(len(body))))
    headers = Headers.of(pairs)
    request = read_request(
        id="explain",
        at=time.time(),
        method=method.upper(),
        scheme=scheme,
        authority=headers.get("host") or authority or "localhost",
        target=target,
        headers=headers,
        peer=Peer(client),
        version="HTTP/1.1",
        has_body=bool(body) or (headers.get("content-length") or "0") != "0" or "transfer-encoding" in names,
    )
    if isinstance(request, BadRequest):
        raise BadTarget(request.trouble)
    return request


def _split(url: str) -> tuple[str, str, str]:
    """Scheme, authority and target, as they were written: nothing may be mended here that a server would see."""
    if url.startswith("/"):
        return "http", "", url
    match = _URL.fullmatch(url)
    if match is None or not match[2]:
        raise typer.BadParameter(
            f"{url!r} is neither a path such as /orders/7 nor a URL such as https://api.example.com/orders/7",
            param_hint="URL",
        )
    return match[1].lower(), match[2], match[3] if match[3].startswith("/") else f"/{match[3]}"


def _header(line: str) -> tuple[str, str]:
    from stockade.config.texts import is_header_name

    name, colon, value = line.partition(":")
    if not colon or not is_header_name(name.strip()) or any(char in value for char in "\r\n\0"):
        # Not repeated: it may be a credential whose name was forgotten.
        raise typer.BadParameter("a header is written 'Name: value'", param_hint="--header")
    return name.strip(), value.strip()


def _as_dict(decision: Decision) -> dict[str, Any]:
    """For machines; the response as it would be read, rather than its bytes."""
    response = decision.response
    answer = None
    if response is not None:
        body = response.body.decode("utf-8", "replace")
        answer = {"status": response.status, "headers": dict(response.headers), "body": body}
    return {**{name: getattr(decision, name) for name in decision.__struct_fields__}, "response": answer}


def _reason(finding: Finding) -> str:
    told = finding.message if isinstance(finding.message, str) else ""
    return " ".join(filter(None, (finding.rule, finding.where, finding.evidence, told and f"({told})")))


def _show(decision: Decision, loaded: Loaded) -> None:
    rows = []
    for said in decision.said:
        reasons = "; ".join(filter(None, (said.decided, *map(_reason, said.findings))))
        rows.append((said.control, said.phase.removeprefix("on_"), said.verdict, reasons, said.policy))
    rows += [(control, "request", "not reached", "", "") for control in decision.unheard]
    if rows:
        print_table(("control", "phase", "verdict", "reason", "policy"), rows)
        typer.echo()
    who = f" as {decision.principal}" if decision.principal is not None else ""
    outcome = decision.action + (f" {decision.status} by {decision.control}" if decision.status else "")
    typer.echo(f"{decision.operation} of {decision.api or 'no API'} from {decision.client}{who}: {outcome}")
    if decision.control == "waf":
        findings = [finding for said in decision.said if said.control == "waf" for finding in said.findings]
        lines = narrowest(findings, decision.template)
        if lines:
            typer.echo("\nIf this request is honest, this in the waf section lets it pass, and little else:")
            typer.echo("\n".join(f"  {line}" for line in lines))
    if not decision.api:
        claims = ", ".join(f"{host}{api.prefix}" for api in loaded.config.apis for host in api.hosts)
        typer.echo(f"no API claims this host and path; the policy has {claims}")
