"""Codes and links by mail: a real SMTP server on loopback, with and without TLS."""

from __future__ import annotations

import email
import re
import ssl
import threading
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from stockade.identity.mail import Smtp
from stockade.identity.sent import NotSent, Sent
from stockade.passwords import User
from stockade.second_factors import Methods
from tests.gateway.certificates import Authority
from tests.gateway.harness import free_port, wait_until
from tests.identity.conftest import AT, KEY, OTHER, World


class Inbox:
    """What came, and whether it came encrypted."""

    def __init__(self) -> None:
        self.messages: list[tuple[Message, list[str], bool]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.messages.append((email.message_from_bytes(content), envelope.rcpt_tos, session.ssl is not None))
        return "250 OK"

    def text(self) -> str:
        payload = self.messages[-1][0].get_payload(decode=True)
        assert isinstance(payload, bytes)
        return payload.decode()


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def server(inbox: Inbox) -> Iterator[Controller]:
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller
    controller.stop()


@pytest.fixture
def sent(world: World, server: Controller) -> Iterator[Sent]:
    smtp = Smtp("127.0.0.1", "shop@example.com", server.port, "none")
    sent = Sent(world.factors, world.factor_store, KEY, smtp, name="The Shop")
    yield sent
    sent.close()


def wait(sent: Sent) -> None:
    wait_until(lambda: not sent._waiting, "all to be sent")


def code_of(sent: Sent, inbox: Inbox) -> str:
    wait(sent)
    found = re.search(r"^(\d{8})\r?$", inbox.text(), re.MULTILINE)
    assert found is not None
    return found[1]


def test_a_code(sent: Sent, inbox: Inbox) -> None:
    told = sent.code("Alice", AT)
    code = code_of(sent, inbox)
    message, recipients, _ = inbox.messages[0]
    assert (recipients, message["From"], message["Subject"]) == (
        ["alice@example.com"],
        "shop@example.com",
        "The Shop: your code",
    )
    user = sent.check(told, code, AT + 599)
    assert user is not None
    assert user.name == "alice"
    assert sent.check(told, code, AT) is None, "once"
    assert Methods.of("password", "code").acr == "mfa"


def test_a_code_ends(sent: Sent, inbox: Inbox, world: World) -> None:
    told = sent.code("alice", AT)
    code = code_of(sent, inbox)
    assert sent.check(told, code, AT + 600) is None
    told = sent.code("alice", AT)
    code = code_of(sent, inbox)
    for number in range(5):
        assert sent.check(told, f"{number:08d}", AT) is None
    assert sent.check(told, code, AT) is None, "after five wrong ones"
    told = sent.code("alice", AT)
    code = code_of(sent, inbox)
    assert sent.check(told, code, AT, purpose="reset") is None
    assert sent.check(told, code, AT) is not None, "for what it was sent"
    told = sent.code("alice", AT)
    code = code_of(sent, inbox)
    world.users.disable("alice", AT, "test")
    assert sent.check(told, code, AT) is None


def test_a_new_code_ends_the_old(sent: Sent, inbox: Inbox) -> None:
    first = sent.code("alice", AT)
    code = code_of(sent, inbox)
    second = sent.code("alice", AT)
    fresh = code_of(sent, inbox)
    assert sent.check(first, code, AT) is None
    assert sent.check(second, fresh, AT) is not None


def test_a_link(sent: Sent, inbox: Inbox) -> None:
    sent.link("alice", "https://shop.example/login?next=%2F", AT)
    wait(sent)
    found = re.search(r"https://shop\.example/login\?next=%2F&token=(\S+)", inbox.text().replace("=\n", ""))
    assert found is not None
    user = sent.open(found[1], AT + 10)
    assert user is not None
    assert user.name == "alice"
    assert sent.open(found[1], AT + 10) is None
    with pytest.raises(ValueError, match="https"):
        sent.link("alice", "http://shop.example/login", AT)


@pytest.mark.parametrize("token", ["", ".", "x", "x.y", "é.é", "." * 1000, "a" * 10_000])
def test_tokens_that_are_none(sent: Sent, token: str) -> None:
    assert sent.open(token, AT) is None


def test_nobody_learns_who_exists(sent: Sent, inbox: Inbox, world: World) -> None:
    world.users.add("silent", AT, "test", password=OTHER)
    for name in ("alice", "nobody", "silent", "a:b"):
        told = sent.code(name, AT)
        assert len(told) == 22
        assert sent.check(told, "00000000", AT) is None
    wait(sent)
    assert len(inbox.messages) == 1


def test_whoever_asks_does_not_wait_for_the_mail(world: World) -> None:
    """Nor learns by waiting that there was any."""
    begun, may_end = threading.Event(), threading.Event()

    class Slow:
        def send(self, user: User, subject: str, text: str) -> None:
            begun.set()
            assert may_end.wait(30)

    sent = Sent(world.factors, world.factor_store, KEY, Slow())
    try:
        assert sent.code("alice", AT)
        assert begun.wait(30)
        assert sent._waiting == 1, "it is sent only now"
    finally:
        may_end.set()
        sent.close()


def test_nobody_is_flooded_with_mail(sent: Sent, inbox: Inbox) -> None:
    for number in range(3600):
        sent.code("alice", AT + number)
    wait(sent)
    assert 4 < len(inbox.messages) <= 13 + 4


def test_a_dead_server_is_told_to_the_operator(world: World) -> None:
    smtp = Smtp("127.0.0.1", "shop@example.com", free_port(), "none")
    sent = Sent(world.factors, world.factor_store, KEY, smtp)
    sent.code("alice", AT)
    sent.close()
    assert world.users.audit("alice")[0].action == "not sent: ConnectionRefusedError"


# TLS.


class Login:
    def __call__(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"shop", b"s3cret")
        return AuthResult(success=good)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("mail"), "Mail")


@pytest.fixture
def encrypted(inbox: Inbox, authority: Authority) -> Iterator[Controller]:
    issued = authority.issue("server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    controller = Controller(
        inbox,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=context,
        require_starttls=True,
        authenticator=Login(),
        auth_required=True,
    )
    controller.start()
    yield controller
    controller.stop()


USER = User("id", "alice", email="alice@example.com")


def test_encrypted_to_a_server_that_proves_who_it_is(encrypted: Controller, inbox: Inbox, authority: Authority) -> None:
    smtp = Smtp("localhost", "shop@example.com", encrypted.port, user="shop", password="s3cret", ca=str(authority.ca))
    smtp.send(USER, "subject", "text")
    assert inbox.messages[0][2]
    with pytest.raises(NotSent, match="SMTP"):
        Smtp("localhost", "s@e.com", encrypted.port, user="shop", password="x", ca=str(authority.ca)).send(
            USER, "s", "t"
        )
    with pytest.raises(NotSent, match="SSL"):
        Smtp("localhost", "s@e.com", encrypted.port, user="shop", password="s3cret").send(USER, "s", "t")
    assert len(inbox.messages) == 1


def test_a_server_without_tls_is_not_spoken_to(server: Controller, inbox: Inbox) -> None:
    with pytest.raises(NotSent, match="SMTPNotSupportedError"):
        Smtp("127.0.0.1", "shop@example.com", server.port).send(USER, "subject", "text")
    assert inbox.messages == []


@pytest.mark.parametrize("address", ["a@b\r\nBcc: c@d", "\udcff@b"])
def test_headers_cannot_be_smuggled(server: Controller, inbox: Inbox, address: str) -> None:
    with pytest.raises(NotSent):
        Smtp("127.0.0.1", "s@e.com", server.port, "none").send(User("id", "a", email=address), "s", "t")
    assert inbox.messages == []


def test_the_password_is_not_shown(tmp_path: Path) -> None:
    assert "s3cret" not in repr(Smtp("localhost", "s@e.com", password="s3cret"))
