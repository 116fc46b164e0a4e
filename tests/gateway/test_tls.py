"""TLS to clients: versions, ciphers, client certificates, and certificates that change while traffic flows."""

from __future__ import annotations

import hashlib
import shutil
import ssl
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.gateway.certificates import Authority, Files
from tests.gateway.client import Client, ask
from tests.gateway.harness import Gateway, api, free_port, policy, running, wait_until
from tests.gateway.http2 import Http2Client
from tests.gateway.upstreams import Upstream

pytestmark = pytest.mark.envoy

PLAIN, TLS, MODERN, OFFERED, REQUIRED = range(5)  # the listeners


@pytest.fixture(scope="module")
def clients_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("clients"), "Clients' Authority")


@pytest.fixture(scope="module")
def secured(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, clients_authority: Authority, echoing: Upstream
) -> Iterator[Gateway]:
    """Listeners of every kind."""
    files = authority.issue("server")
    pair = {"certificate": str(files.certificate), "key": str(files.key)}
    checked = {**pair, "client_ca": str(clients_authority.ca)}
    listeners: list[dict[str, Any]] = [
        {},
        {"tls": pair},
        {"tls": {**pair, "min_version": "1.3"}},
        {"tls": checked},
        {"tls": {**checked, "require_client_certificate": True}},
    ]
    listen = [{"address": f"127.0.0.1:{free_port()}", **extra} for extra in listeners]
    begin = policy(api(echoing.port, "probe"), listen=listen)
    with running(Gateway(tmp_path_factory.mktemp("secured"), begin, environment={"PROBE": "yes"})) as gateway:
        yield gateway


def port(gateway: Gateway, listener: int) -> int:
    return int(gateway.policy["listen"][listener]["address"].rpartition(":")[2])


def test_both_protocols_by_alpn(secured: Gateway, authority: Authority) -> None:
    for http2, version in ((True, "HTTP/2"), (False, "HTTP/1.1")):
        with httpx.Client(verify=authority.client(alpn=["h2"] if http2 else []), http2=http2) as client:
            response = client.get(f"https://localhost:{port(secured, TLS)}/a")
        assert (response.status_code, response.http_version) == (200, version)
        assert response.headers["strict-transport-security"].startswith("max-age=")
        assert "server" not in response.headers
        assert dict(response.json()["headers"])["x-forwarded-proto"] == "https"


def test_no_hsts_in_clear(secured: Gateway) -> None:
    reply = ask(port(secured, PLAIN), "GET", "/a")
    assert reply.header("strict-transport-security") is None
    assert dict(reply.json()["headers"])["x-forwarded-proto"] == "http"


@pytest.mark.parametrize(
    ("listener", "version", "accepted"),
    [
        (TLS, ssl.TLSVersion.TLSv1_3, True),
        (TLS, ssl.TLSVersion.TLSv1_2, True),
        (TLS, ssl.TLSVersion.TLSv1_1, False),
        (TLS, ssl.TLSVersion.TLSv1, False),
        (MODERN, ssl.TLSVersion.TLSv1_3, True),
        (MODERN, ssl.TLSVersion.TLSv1_2, False),
    ],
)
def test_versions(
    secured: Gateway, authority: Authority, listener: int, version: ssl.TLSVersion, accepted: bool
) -> None:
    context = authority.client()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    if accepted:
        with Client(port(secured, listener), context) as client:
            assert client.ask("GET", "/a").status == 200
    else:
        with pytest.raises(ssl.SSLError):
            Client(port(secured, listener), context)


@pytest.mark.parametrize("cipher", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"])
def test_modern_ciphers(secured: Gateway, authority: Authority, cipher: str) -> None:
    with Client(port(secured, TLS), tls12(authority, cipher)) as client:
        assert client.ask("GET", "/a").status == 200


@pytest.mark.parametrize(
    "ciphers",
    ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "AES128-GCM-SHA256", "AES256-SHA", "ALL:!ECDHE:!aNULL"],
)
def test_no_other_ciphers(secured: Gateway, authority: Authority, ciphers: str) -> None:
    with pytest.raises(ssl.SSLError):
        Client(port(secured, TLS), tls12(authority, ciphers))


def tls12(authority: Authority, ciphers: str) -> ssl.SSLContext:
    context = authority.client()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    return context


def test_plain_http_to_a_tls_port(secured: Gateway) -> None:
    with Client(port(secured, TLS)) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.replies() == []


# Client certificates.


def test_offered_and_brought(secured: Gateway, authority: Authority, clients_authority: Authority) -> None:
    with_certificate = authority.client(certificate=clients_authority.issue("alice"))
    for listener in (OFFERED, REQUIRED):
        assert ask(port(secured, listener), "GET", "/a", tls=with_certificate).status == 200


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_controls_see_the_certificate(
    secured: Gateway, authority: Authority, clients_authority: Authority, version: ssl.TLSVersion
) -> None:
    files = clients_authority.issue("carol")
    context = authority.client(certificate=files)
    context.maximum_version = version
    tag = f"carol {version}"
    ask(port(secured, OFFERED), "GET", "/a", {"x-probe": "peer", "x-tag": tag}, tls=context)
    (finding,) = [each for each in secured.record(tag)["findings"] if each["rule"] == "peer"]
    assert finding["evidence"] == f"{version.name.replace('_', '.')} {of(files)} CN=carol"


def test_controls_see_that_there_is_none(secured: Gateway, authority: Authority) -> None:
    headers = {"x-probe": "peer"}
    ask(port(secured, OFFERED), "GET", "/a", {**headers, "x-tag": "none"}, tls=authority.client())
    ask(port(secured, PLAIN), "GET", "/a", {**headers, "x-tag": "clear"})
    for tag, said in (("none", "TLSv1.3  "), ("clear", "  ")):
        assert secured.record(tag)["findings"][0]["evidence"] == said


def test_offered_and_not_brought(secured: Gateway, authority: Authority) -> None:
    assert ask(port(secured, OFFERED), "GET", "/a", tls=authority.client()).status == 200


def test_required_and_not_brought(secured: Gateway, authority: Authority) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
        ask(port(secured, REQUIRED), "GET", "/a", tls=authority.client())


@pytest.mark.parametrize("listener", [OFFERED, REQUIRED])
def test_signed_by_a_stranger(secured: Gateway, authority: Authority, tmp_path: Path, listener: int) -> None:
    stranger = Authority(tmp_path, "Stranger").issue("alice")
    with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
        ask(port(secured, listener), "GET", "/a", tls=authority.client(certificate=stranger))


def test_signed_by_the_servers_authority(secured: Gateway, authority: Authority) -> None:
    """Who may sign servers may not, for that, sign clients."""
    with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
        ask(port(secured, REQUIRED), "GET", "/a", tls=authority.client(certificate=authority.issue("bob")))


# Certificates that change.


@pytest.fixture
def changing(tmp_path: Path, authority: Authority, echoing: Upstream, start: Callable[..., Gateway]) -> Gateway:
    """A gateway whose certificate lies in its own folder."""
    put(authority.issue("first", subject="first"), tmp_path)
    pair = {"certificate": "cert.pem", "key": "key.pem"}
    return start(policy(api(echoing.port), listen={"tls": pair}))


def put(files: Files, folder: Path) -> None:
    for source, name in zip(files, ("cert.pem", "key.pem"), strict=True):
        shutil.copy(source, folder / f"{name}.new")
    for name in ("cert.pem", "key.pem"):
        (folder / f"{name}.new").replace(folder / name)


def fingerprint(gateway: Gateway, authority: Authority) -> str:
    """Of the certificate that a new connection gets to see."""
    with Client(gateway.port, authority.client()) as client:
        assert isinstance(client.socket, ssl.SSLSocket)
        return hashlib.sha256(client.socket.getpeercert(binary_form=True) or b"").hexdigest()


def of(files: Files) -> str:
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def test_a_changed_certificate(changing: Gateway, authority: Authority) -> None:
    """New connections see it without a restart; open ones stay open."""
    workers = changing.workers()
    with (
        Client(changing.port, authority.client()) as old,
        Http2Client(changing.port, authority.client(alpn=["h2"])) as old2,
    ):
        assert old.ask("GET", "/a").status == old2.ask("GET", "/a").status == 200
        second = authority.issue("second", subject="second")
        put(second, changing.folder)
        wait_until(lambda: fingerprint(changing, authority) == of(second), "the new certificate")
        assert old.ask("GET", "/a").header("connection") is None
        assert old.ask("GET", "/a").status == old2.ask("GET", "/a").status == 200
    assert changing.workers() == workers
    assert changing.ready()["policy_errors"] == []


def test_a_key_that_does_not_belong(changing: Gateway, authority: Authority) -> None:
    """Refused and said; the old certificate keeps serving. When it is mended, it is taken without being asked."""
    before = fingerprint(changing, authority)
    second, third = authority.issue("second"), authority.issue("third")
    put(Files(second.certificate, third.key), changing.folder)
    errors = wait_until(lambda: changing.ready()["policy_errors"], "the refusal")
    assert "does not belong to the certificate" in errors[0]
    assert fingerprint(changing, authority) == before
    put(second, changing.folder)
    wait_until(lambda: fingerprint(changing, authority) == of(second), "the new certificate")
    wait_until(lambda: not changing.ready()["policy_errors"])


def test_a_certificate_that_is_gone(changing: Gateway, authority: Authority) -> None:
    before = fingerprint(changing, authority)
    (changing.folder / "cert.pem").unlink()
    errors = wait_until(lambda: changing.ready()["policy_errors"], "the refusal")
    assert "cannot be read" in errors[0]
    assert fingerprint(changing, authority) == before
    assert ask(changing.port, "GET", "/a", tls=authority.client()).status == 200


@pytest.mark.parametrize("name", ["good\0spiffe://admin", "a\0b\0x-forged\0yes\0last", "\0"], ids=ascii)
def test_a_name_in_a_certificate_with_a_zero_byte(
    secured: Gateway, authority: Authority, clients_authority: Authority, echoing: Upstream, name: str
) -> None:
    """To the filter such a name would be several texts, the last of them header fields that nobody sent."""
    shown = clients_authority.issue("zero", [name])
    before = len(echoing.seen)
    try:
        reply = ask(port(secured, OFFERED), "GET", "/", {}, tls=authority.client(certificate=shown))
    except (ssl.SSLError, ConnectionError, EOFError):
        pass  # refused in the handshake
    else:
        assert reply.status == 503, reply
    assert echoing.seen[before:] == []
