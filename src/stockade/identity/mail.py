"""Mail by SMTP (RFC 5321), encrypted and to a server that proved who it is, unless it is on this machine."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Literal

from msgspec import Struct

from stockade.identity.sent import NotSent
from stockade.passwords import User

_PATIENCE = 15.0  # seconds


class Smtp(Struct, frozen=True):
    """A `Sender`. tls: "starttls" (port 587), "implicit" (465), or "none". user, password: where the server asks.

    ca: PEM file of the authorities to trust; "": the system's.
    """

    host: str
    sender: str
    port: int = 587
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    user: str = ""
    password: str = ""
    ca: str = ""

    def __repr__(self) -> str:
        return f"Smtp({self.host!r}, {self.port})"

    def send(self, user: User, subject: str, text: str) -> None:
        """Raises NotSent."""
        if not user.email.isprintable():
            raise NotSent("the address is none")
        try:
            message = EmailMessage()
            message["From"], message["To"], message["Subject"] = self.sender, user.email, subject
            message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=self.sender.rpartition("@")[2])
            message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no one answers to it automatically
            message.set_content(text)
            with self._connected() as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(message)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise NotSent(type(error).__name__) from None

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context(cafile=self.ca or None)
        if self.tls == "implicit":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_PATIENCE, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=_PATIENCE)
        if self.tls == "starttls":
            try:
                server.starttls(context=context)  # refused by the server, it raises: nothing is sent in the clear
            except BaseException:
                server.close()
                raise
        return server
