"""`stockade explain`."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from stockade.cli.display import print_json, print_table
from stockade.cli.options import DEFAULT_POLICY, AsJson, Policy

if TYPE_CHECKING:
    from stockade.gateway.dry_run import Decision
    from stockade.wire import Request

Header = Annotated[list[str] | None, typer.Option("--header", "-H", help="A header, 'Name: value'; may be repeated.")]
Data = Annotated[str | None, typer.Option("--data", "-d", help="The request body; @FILE reads it from a file.")]
Client = Annotated[str, typer.Option(help="The address that the request comes from.")]


def explain(
    method: Annotated[str, typer.Argument(help="The HTTP method.")],
    url: Annotated[str, typer.Argument(help="A path, or a whole URL.")],
    header: Header = None,
    data: Data = None,
    client: Client = "127.0.0.1",
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """Show what each control says of a request, in order, and which line of the policy makes it say so.

    Nothing is sent anywhere. Exit status 1: the request would be refused.

    Example: stockade explain GET /orders/7 -H 'X-API-Key: stk_…' --client 203.0.113.9
    """
    from stockade.config import build, load
    from stockade.gateway.dry_run import DryRun
    from stockade.wire import BadRequest, BadTarget

    loaded = load(policy)
    body = _body(data)
    request = _request(method, url, header or [], body, client)
    if isinstance(request, BadRequest):
        raise BadTarget(request.trouble)
    run = DryRun(loaded, build(loaded))
    try:
        decision = run.decide(request, body)
    finally:
        run.close()
    if as_json:
        print_json(decision)
    else:
        _show(decision)
    sys.exit(0 if decision.action == "allow" else 1)


def _body(data: str | None) -> bytes:
    if data is None or not data.startswith("@"):
        return (data or "").encode()
    try:
        with open(data[1:], "rb") as file:  # noqa: PTH123 - as curl's -d @FILE
            return file.read()
    except OSError as error:
        raise typer.BadParameter(f"{data[1:]} cannot be read: {error.strerror}", param_hint="--data") from None


def _request(method: str, url: str, lines: list[str], body: bytes, client: str) -> Request | object:
    from stockade.networks.sets import parse_address
    from stockade.wire import Headers, Peer, read_request

    if parse_address(client) is None:
        raise typer.BadParameter(f"{client!r} is not an address", param_hint="--client")
    parts = urlsplit(url)
    pairs = [_header(line) for line in lines]
    if body and not any(name.lower() == "content-length" for name, _ in pairs):
        pairs.append(("Content-Length", str(len(body))))
    headers = Headers.of(pairs)
    return read_request(
        id="explain",
        at=time.time(),
        method=method.upper(),
        scheme=parts.scheme or "http",
        authority=parts.netloc or headers.get("host") or "localhost",
        target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        headers=headers,
        peer=Peer(client),
        version="HTTP/1.1",
        has_body=bool(body),
    )


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise typer.BadParameter(f"{line!r} is not 'Name: value'", param_hint="--header")
    return name.strip(), value.strip()


def _show(decision: Decision) -> None:
    rows = []
    for said in decision.said:
        reasons = "; ".join(" ".join(filter(None, (f.rule, f.where, f.evidence))) for f in said.findings)
        rows.append((said.control, said.phase.removeprefix("on_"), said.verdict, reasons, said.policy))
    rows += [(control, "request", "not reached", "", "") for control in decision.unheard]
    print_table(("control", "phase", "verdict", "reason", "policy"), rows)
    who = f" as {decision.principal}" if decision.principal is not None else ""
    outcome = f"{decision.action}" + (f" {decision.status} by {decision.control}" if decision.status else "")
    typer.echo(f"\n{decision.operation} of {decision.api or 'no API'} from {decision.client}{who}: {outcome}")
