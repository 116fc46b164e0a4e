"""Partners with certificates and keys through a real Envoy: in, out, over quota, and out for good."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from stockade.certificates import Partner
from stockade.config import load
from stockade.identity.certificates import Grant
from stockade.identity.office import Office, open_office
from stockade.identity.partners import Wanted
from stockade.stores.certificates import CERTIFICATES
from stockade.vocabulary import StoreError
from tests.certificates.authority_kit import csr
from tests.gateway.certificates import Authority, Files
from tests.gateway.client import Client, Reply, ask
from tests.gateway.harness import Gateway, api, free_port, policy, running, wait_until
from tests.gateway.upstreams import Upstream

pytestmark = pytest.mark.envoy
DAY = 86400.0
SCHEMES = {"any_of": [{"certificate": {"issued": True}}, {"api_key": {}}]}


class Desk:
    """A gateway with two workers, and the office of its folder."""

    def __init__(self, gateway: Gateway, office: Office, authority: Authority) -> None:
        self.gateway, self.office, self.authority = gateway, office, authority
        self._number = 0

    def onboard(self, name: str, *, lifetime: float = 90 * DAY, key: bool = False, **terms: Any) -> tuple[Files, str]:
        """Its certificate and its API key."""
        private = ec.generate_private_key(ec.SECP256R1())
        wanted = Wanted(key, csr(key=private), lifetime)
        got = self.office.partners.add(Partner(name, **terms), time.time(), "test", wanted)
        assert got.certificate is not None
        return self.keep(name, got.certificate.pem, private), got.key.text if got.key is not None else ""

    def keep(self, name: str, pem: str, private: ec.EllipticCurvePrivateKey) -> Files:
        files = Files(self.gateway.folder / f"{name}.pem", self.gateway.folder / f"{name}.key")
        files.certificate.write_text(pem)
        form = serialization
        files.key.write_bytes(private.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()))
        return files

    def ask(self, files: Files | None = None, key: str = "", *, source: str = "127.0.0.1", tag: str = "-") -> Reply:
        headers = {"x-tag": tag} | ({"x-api-key": key} if key else {})
        with Client(self.gateway.port, self.authority.client(certificate=files), source=source) as client:
            return client.ask("GET", "/a", headers)

    def shut_out(self, files: Files) -> bool:
        """Whether a new handshake is refused."""
        try:
            self.ask(files)
        except (ssl.SSLError, ConnectionError, EOFError):
            return True
        return False

    def tag(self) -> str:
        self._number += 1
        return f"t-{self._number}"

    def rule(self, tag: str) -> str:
        return str(self.gateway.record(tag)["findings"][-1]["rule"])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, authority: Authority, echoing: Upstream) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("partners")
    files = authority.issue("server")
    tls = {
        "certificate": str(files.certificate),
        "key": str(files.key),
        "client_ca": "clients-ca.pem",
        "client_crl": "clients.crl",
    }
    begin = policy(api(echoing.port, kind="partner", authentication=SCHEMES), listen={"tls": tls}, workers=2)
    gateway = Gateway(folder, begin)
    with open_office(load(folder / "stockade.yaml")) as office:
        office.certificates.begin("Shop", time.time(), "test", trust_domain="partners.example")
        with running(gateway):
            yield Desk(gateway, office, authority)


def test_a_partner_gets_in(desk: Desk) -> None:
    files, key = desk.onboard("acme", key=True, scopes=("orders:read",))
    for reply in (desk.ask(files), desk.ask(key=key)):
        assert reply.status == 200
        told = dict(reply.json()["headers"])
        assert told["x-stockade-principal"] == "acme"
        assert told["x-stockade-scopes"] == "orders:read"
        assert "x-api-key" not in told
    assert desk.ask().status == 401


def test_revoked_on_a_connection_that_is_open(desk: Desk) -> None:
    """The next request is refused, in both workers; the next handshake too, as soon as Envoy has the list."""
    files, _ = desk.onboard("revoked")
    serial = desk.office.certificates.issued("revoked")[0].serial
    context = desk.authority.client(certificate=files)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(desk.gateway.port, context)) for _ in range(8)]
        tags = [desk.tag() for _ in clients]
        assert {client.ask("GET", "/a", {"x-tag": tag}).status for client, tag in zip(clients, tags, strict=True)} == {
            200
        }
        workers = {desk.gateway.record(tag)["worker"] for tag in tags}
        desk.office.certificates.revoke(serial, time.time(), "test", "key-compromise")
        assert {client.ask("GET", "/a").status for client in clients} == {401}
    assert workers == {0, 1}
    wait_until(lambda: desk.shut_out(files), "the new list", 15)
    assert desk.ask(desk.onboard("bystander")[0]).status == 200


def test_a_session_that_is_resumed(desk: Desk) -> None:
    """TLS lets a client come again without its certificate being looked at: the request is judged all the same."""
    files, _ = desk.onboard("resumed")
    context = desk.authority.client(certificate=files)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with Client(desk.gateway.port, context) as client:
        assert client.ask("GET", "/a").status == 200
        assert isinstance(client.socket, ssl.SSLSocket)
        session = client.socket.session
    record = desk.office.certificates.issued("resumed")[0]
    desk.office.database.write(_revoked_without_a_list(record.serial))
    reused = 0
    for _ in range(30):  # each worker knows its own sessions alone
        raw = socket.create_connection(("127.0.0.1", desk.gateway.port), 10)
        with context.wrap_socket(raw, server_hostname="localhost", session=session) as resumed:
            reused += bool(resumed.session_reused)
            resumed.sendall(b"GET /a HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            assert b" 401 " in resumed.recv(100)
        if reused > 1:
            return
    pytest.fail("no session was resumed")


def _revoked_without_a_list(serial: str) -> Any:
    return sql.update(CERTIFICATES).where(CERTIFICATES.c.serial == serial).values(revoked=time.time())


def test_expired(desk: Desk) -> None:
    """A certificate whose end has come, and a partner whose time is over though its certificate's is not."""
    private = ec.generate_private_key(ec.SECP256R1())
    past = time.time() - DAY
    made = desk.office.certificates.sign(csr(key=private), Grant("late"), past, 3600, "test")
    assert desk.shut_out(desk.keep("late", made.pem, private))
    files, key = desk.onboard("over", key=True, expires=time.time() + 2)
    assert desk.ask(files).status == desk.ask(key=key).status == 200
    wait_until(lambda: desk.ask(files).status == desk.ask(key=key).status == 401, "the end of its time", 10)


def test_the_wrong_network(desk: Desk) -> None:
    files, key = desk.onboard("placed", key=True, networks=("127.0.0.2/32",))
    for options in ({"files": files}, {"key": key}):
        assert desk.ask(**options, source="127.0.0.2").status == 200
        tag = desk.tag()
        assert desk.ask(**options, source="127.0.0.3", tag=tag).status == 401
        assert desk.rule(tag).endswith("wrong-address")
    desk.office.partners.change("placed", time.time(), "test", networks=("127.0.0.3/32",))
    assert desk.ask(files, source="127.0.0.3").status == desk.ask(key=key, source="127.0.0.3").status == 200
    assert desk.ask(files, source="127.0.0.2").status == 401


def test_over_quota(desk: Desk) -> None:
    """Key and certificate draw from one quota, whichever worker is asked."""
    files, key = desk.onboard("heavy", key=True, quota=(4, "month"))
    assert [desk.ask(files).status, desk.ask(key=key).status] * 2 == [200] * 4
    assert [desk.ask(files).status, desk.ask(key=key).status] == [200, 200]
    reply = desk.ask(files)
    assert reply.status == 429
    assert reply.problem()["detail"] == "The quota is used up. Try again later."
    assert int(reply.header("retry-after") or 0) > 0
    desk.office.partners.change("heavy", time.time(), "test", quota=(100, "month"))
    assert desk.ask(key=key).status == 200


def test_offboarded_at_once(desk: Desk) -> None:
    files, key = desk.onboard("leaving", key=True)
    context = desk.authority.client(certificate=files)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(desk.gateway.port, context)) for _ in range(6)]
        with_key = {"x-api-key": key}
        assert {client.ask("GET", "/a").status for client in clients} == {200}
        desk.office.partners.remove("leaving", time.time(), "test")
        assert {client.ask("GET", "/a").status for client in clients} == {401}
        assert {client.ask("GET", "/a", with_key).status for client in clients} == {401}
    wait_until(lambda: desk.shut_out(files), "the new list", 15)


def test_a_certificate_that_our_ca_did_not_issue_for_us(desk: Desk, tmp_path: Path) -> None:
    """Another authority's is refused at the handshake, though it bears a partner's name."""
    files, _ = desk.onboard("genuine")
    assert desk.ask(files).status == 200
    assert desk.shut_out(Authority(tmp_path, "Stranger").issue("genuine"))


def test_an_older_list_is_not_taken(desk: Desk) -> None:
    """The old policy and its newer list stay; what was revoked stays out."""
    files, _ = desk.onboard("returning")
    lists = desk.gateway.folder / "clients.crl"
    shutil.copy(lists, lists.with_suffix(".old"))
    serial = desk.office.certificates.issued("returning")[0].serial
    desk.office.certificates.revoke(serial, time.time(), "test")
    wait_until(lambda: desk.shut_out(files), "the new list", 15)
    lists.with_suffix(".old").replace(lists)
    errors = wait_until(lambda: desk.gateway.ready()["policy_errors"], "the refusal", 15)
    assert "an older list would let revoked certificates in again" in errors[0]
    assert desk.shut_out(files)
    desk.office.certificates.write_lists(time.time())
    wait_until(lambda: not desk.gateway.ready()["policy_errors"], "the newest list", 15)
    assert desk.shut_out(files)


def test_a_database_that_is_gone_closes(tmp_path: Path, authority: Authority, echoing: Upstream) -> None:
    files = authority.issue("server")
    tls = {"certificate": str(files.certificate), "key": str(files.key), "client_ca": "clients-ca.pem"}
    begin = policy(api(echoing.port, kind="partner", authentication=SCHEMES), listen={"tls": tls})
    gateway = Gateway(tmp_path, begin)
    with open_office(load(tmp_path / "stockade.yaml")) as office:
        office.certificates.begin("Shop", time.time(), "test", trust_domain="partners.example")
        with running(gateway):
            desk = Desk(gateway, office, authority)
            mine, _ = desk.onboard("acme")
            assert desk.ask(mine).status == 200
            (tmp_path / "stockade.db").rename(tmp_path / "away.db")
            wait_until(lambda: desk.ask(mine).status == 503, "what is remembered to be forgotten", 20)
            with pytest.raises(StoreError):
                office.partners.find("acme")


# Lists that cannot be relied on keep a gateway from starting.


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "clients.crl").unlink(), "cannot be read"),
        (lambda folder: (folder / "clients.crl").write_text("none"), "no revocation list in PEM"),
        (lambda folder: shutil.copy(folder / "old.crl", folder / "clients.crl"), "an older list would let"),
    ],
    ids=["gone", "none", "older"],
)
def test_start(tmp_path: Path, authority: Authority, change: Any, said: str) -> None:
    files = authority.issue("server")
    tls = {
        "certificate": str(files.certificate),
        "key": str(files.key),
        "client_ca": "clients-ca.pem",
        "client_crl": "clients.crl",
    }
    gateway = Gateway(tmp_path, policy(api(free_port(), authentication=SCHEMES), listen={"tls": tls}))
    with open_office(load(tmp_path / "stockade.yaml")) as office:
        office.certificates.begin("Shop", time.time(), "test", trust_domain="partners.example")
        shutil.copy(tmp_path / "clients.crl", tmp_path / "old.crl")
        office.certificates.write_lists(time.time())
    change(tmp_path)
    gateway.launch()
    assert gateway.process.wait(30) == 2
    assert said in gateway.stderr
    gateway.end()


def test_what_the_admin_address_does_not_serve(desk: Desk) -> None:
    """Without `admin.api` there is no API."""
    assert ask(desk.gateway.admin_port, "GET", "/api/v1/keys").status == 404
