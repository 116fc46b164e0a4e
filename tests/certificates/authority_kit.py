"""An authority of a test's own, and CSRs of every kind."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stockade.certificates.authority import Signer, make_issuing, make_root
from tests.absent import program

DAY = 86400.0
TRUST = "partners.example"


class Pair(NamedTuple):
    root: Signer
    issuing: Signer

    @property
    def pem(self) -> bytes:
        return self.issuing.pem + self.root.pem


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def make_pair(at: float, *, domains: tuple[str, ...] = (), serial: int = 1) -> Pair:
    root = make_root("Shop", new_key(), serial, at, 3650 * DAY)
    issuing = make_issuing("Shop", new_key(), root, serial + 1, at, 1000 * DAY, trust_domain=TRUST, domains=domains)
    return Pair(root, issuing)


def csr(
    *names: x509.GeneralName,
    key: Any = None,
    common_name: str = "whatever",
    extensions: tuple[x509.ExtensionType, ...] = (),
    digest: Any = None,
) -> bytes:
    """A CSR as PEM; `names` become its subject alternative names."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    signed = builder.sign(key or new_key(), digest or hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def openssl(*arguments: str, folder: Path, status: int = 0) -> str:
    """What the system's openssl says."""
    command = [program("openssl", what="apt-get install openssl"), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr
