"""`stockade up`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stockade.cli.options import DEFAULT_POLICY, PolicyFile

if TYPE_CHECKING:
    from stockade.config import Loaded
    from stockade.console import Console


def up(
    file: PolicyFile = DEFAULT_POLICY,
    workers: Annotated[int | None, typer.Option(min=1, max=256, help="Workers; default: what the policy says.")] = None,
) -> None:
    """Run the gateway: one Envoy per worker, restarted, reloaded and drained.

    SIGHUP or a changed file loads the policy anew; SIGTERM ends open requests, then stops.

    Example: stockade up stockade.yaml --workers 2
    """
    import asyncio

    from stockade.config import build, load
    from stockade.gateway.envoy import preflight
    from stockade.gateway.envoy.supervisor import supervise, worker_count

    preflight.check_machine()
    loaded = load(file)
    built = build(loaded)
    preflight.check_files(loaded, built)
    preflight.check_addresses(loaded)
    preflight.check_issuers(loaded, built)
    for warning in built.warnings:
        typer.echo(f"warning: {warning}", err=True)
    config = loaded.config

    def ready() -> None:
        for listen in config.listen:
            typer.echo(f"listening on {'https' if listen.tls else 'http'}://{listen.address}")
        served = "/healthz /readyz /metrics" + (" /api/v1" if config.admin.api else "")
        typer.echo(f"admin on {'https' if config.admin.tls else 'http'}://{config.admin.address} ({served})")

    asyncio.run(supervise(loaded, built, worker_count(loaded, workers), ready, _beside(loaded)))


def _beside(loaded: Loaded) -> type[Console] | None:
    """The admin API, where it is served or has revocation lists to keep fresh; else it is not even imported."""
    lists = loaded.config.certificates.crl
    if loaded.config.admin.api or any(each.tls and each.tls.client_crl == lists for each in loaded.config.listen):
        from stockade.console import Console

        return Console
    return None
