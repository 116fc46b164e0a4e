"""What the commands that issue credentials share: the office opened, certificates as text, files of CSRs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stockade.cli.display import moment

if TYPE_CHECKING:
    from stockade.certificates import CertificateRecord
    from stockade.identity.office import Office

CsrFile = Annotated[Path | None, typer.Option("--csr", metavar="FILE", help='A CSR (PEM or DER); "-" reads it.')]
Out = Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write the certificate there.")]


@contextmanager
def opened(policy: Path, *, passive: bool = False) -> Iterator[Office]:
    from stockade.config import load
    from stockade.identity.office import open_office

    with open_office(load(policy, passive=passive)) as office:
        yield office


def read_csr(path: Path) -> bytes:
    """Never more of a file than a CSR may have, and one byte. Raises BadParameter."""
    from stockade.certificates.requests import MAX_REQUEST

    try:
        if str(path) == "-":
            return sys.stdin.buffer.read(MAX_REQUEST + 1)
        with path.open("rb") as stream:
            return stream.read(MAX_REQUEST + 1)
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be read: {error.strerror}", param_hint="--csr") from None


def hand_out(pem: str, out: Path | None) -> None:
    """A certificate, to its file or, alone, to standard output. Raises BadParameter."""
    if out is None:
        typer.echo(pem, nl=False)
        return
    try:
        out.write_text(pem)
    except OSError as error:
        raise typer.BadParameter(f"{out} cannot be written: {error.strerror}", param_hint="--out") from None
    typer.echo(f"certificate in {out}", err=True)


def certificate_dict(record: CertificateRecord, now: float | None = None) -> dict[str, Any]:
    state = record.refusal(time.time() if now is None else now)
    return {
        "serial": record.serial,
        "holder": record.holder,
        "state": state or ("renewed" if record.replaced_by is not None else "active"),
        "names": list(record.names),
        "scopes": sorted(record.scopes),
        "networks": list(record.networks),
        "start": moment(record.start),
        "end": moment(record.end if record.until is None else min(record.end, record.until)),
        "revoked": moment(record.revoked),
        "reason": record.reason,
        "replaced_by": record.replaced_by,
        "fingerprint": record.fingerprint,
    }
