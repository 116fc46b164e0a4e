"""The `users` section: what a password must be, how it is kept, and how slow it is to guess."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Struct
from pydantic import Field, field_validator, model_validator

from stockade.config.base import Model, Secret
from stockade.config.errors import BadConfig, written
from stockade.config.texts import FilePath, Host, check_url
from stockade.config.units import Count, Flag, PositiveDuration, Size
from stockade.controls.authentication import Lockout
from stockade.passwords import Argon2, PasswordPolicy
from stockade.second_factors import RelyingParty

if TYPE_CHECKING:
    from stockade.config.loading import Loaded

_KIB, _MIB = 1 << 10, 1 << 20


class Argon2Item(Model):
    """argon2id (RFC 9106). A password is hashed anew at the next login when these have changed."""

    memory: Annotated[Size, Field(ge=8 * _MIB, le=1024 * _MIB)] = Field(19 * _MIB, description="8MiB to 1GiB.")
    passes: Count = Field(2, ge=1, le=16)
    lanes: Count = Field(1, ge=1, le=16)


class BreachedItem(Model):
    """Where passwords are looked up that are known from breaches."""

    file: FilePath | None = Field(None, description="Digests, sorted, as Have I Been Pwned hands them out.")
    url: str | None = Field(None, description="A range endpoint, as in https://api.pwnedpasswords.com/range")

    @field_validator("url")
    @classmethod
    def _secure(cls, url: str | None) -> str | None:
        if url is not None:
            parts = check_url(url, "https://api.pwnedpasswords.com/range", written(url))
            if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
                raise ValueError(f"{written(url)}: passwords are looked up over https (http only from this machine)")
        return url

    @model_validator(mode="after")
    def _one(self) -> BreachedItem:
        if (self.file is None) == (self.url is None):
            raise ValueError("breached has either file or url")
        return self


class PasswordsItem(Model):
    """What a new password must be (NIST SP 800-63B-4): long, hard to guess, not breached. No rules of composition."""

    length: Count = Field(15, ge=8, le=64, description="Characters at least; 8 is enough with a second factor.")
    longest: Count = Field(256, ge=64, le=1024, description="Characters at most.")
    strength: Count = Field(3, ge=0, le=4, description="The least score of zxcvbn: 0 (anything) to 4.")
    words: list[str] = Field([], description="What a password must not be made of: the service's name.")
    breached: BreachedItem | None = None
    history: Count = Field(5, ge=0, le=24, description="How many former passwords may not come back.")
    expires: PositiveDuration | None = Field(
        None, description="When a password must be changed; the standard says: never."
    )
    argon2: Argon2Item = Argon2Item()


class LockoutItem(Model):
    """How many wrong guesses are free; then each costs a wait that grows up to its bound, and never further."""

    account: Count = Field(5, ge=1, le=100, description="On one account: by strangers, and by each place it knows.")
    longest: PositiveDuration = Field(900.0, description="The longest wait between two guesses on an account.")
    address: Count = Field(30, ge=1, le=10_000, description="From one address (of IPv6, a /64), on any accounts.")
    address_longest: PositiveDuration = Field(30.0, description="The longest wait of an address.")
    password: Count = Field(10, ge=1, le=10_000, description="Of one password, on any accounts: spraying.")


class PasskeysItem(Model):
    """Who we are to browsers and authenticators (W3C Web Authentication)."""

    id: Host = Field(description="The domain that passkeys are for: example.com, also for its sub-domains.")
    origins: list[str] = Field(min_length=1, description="Where the login pages are, as in https://login.example.com")
    verified: Flag = Field(True, description="Whether users must show their authenticator who they are: PIN, finger.")

    @model_validator(mode="after")
    def _of_that_domain(self) -> PasskeysItem:
        for origin in self.origins:
            parts = check_url(origin, "https://login.example.com", written(origin))
            host = parts.hostname or ""
            if parts.scheme == "http" and host != "localhost":
                raise ValueError(f"{written(origin)}: browsers have passkeys over https alone (http for localhost)")
            if parts.path or parts.query or parts.fragment:
                raise ValueError(f"{written(origin)} is no origin: scheme, host and port, and no more")
            if host != self.id and not host.endswith(f".{self.id}"):
                raise ValueError(f"{written(origin)} is not of the domain {self.id}")
        return self


class MailItem(Model):
    """How codes and links are sent: SMTP."""

    host: str = Field(pattern=r"^[A-Za-z0-9.:-]+$")
    port: Count = Field(587, ge=1, le=65535)
    sender: str = Field(description="Whom mails are from: shop@example.com")
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    user: str = ""
    password: Secret | None = None
    ca: FilePath | None = Field(None, description="PEM file with the authorities to trust; default: the system's.")

    @field_validator("sender")
    @classmethod
    def _address(cls, sender: str) -> str:
        name, at, domain = sender.rpartition("@")
        if not (name and at and domain and sender.isascii() and sender.isprintable()) or set(sender) & set(" <>,"):
            raise ValueError(f"{written(sender)} is not a mail address such as shop@example.com")
        return sender

    @model_validator(mode="after")
    def _encrypted(self) -> MailItem:
        if self.tls == "none" and self.host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError("codes must not travel unencrypted: tls is none only for a server on this machine")
        if bool(self.user) != (self.password is not None):
            raise ValueError("user and password stand together")
        return self


class UsersSection(Model):
    """Our own users, whom `stockade users` adds: passwords, and how slow guessing is (of API keys too)."""

    name: str = Field("Stockade", min_length=1, max_length=64, description="The service's, in apps and mails.")
    passwords: PasswordsItem = PasswordsItem()
    lockout: LockoutItem = LockoutItem()
    passkeys: PasskeysItem | None = None
    mail: MailItem | None = None


class UserSettings(Struct, frozen=True):
    """The section as what runs needs it. breached: a file or a URL, or None."""

    policy: PasswordPolicy
    argon2: Argon2
    lockout: Lockout
    words: tuple[str, ...] = ()
    breached: Path | str | None = None
    name: str = "Stockade"
    party: RelyingParty | None = None
    mail: dict[str, Any] | None = None
    hash_key: bytes = b""

    def __repr__(self) -> str:
        return f"UserSettings({self.policy!r})"


def user_settings(loaded: Loaded, hash_key: bytes | None = None) -> UserSettings:
    """hash_key: of the keyed hashes, from which those of users are made."""
    section = loaded.config.users
    passwords, breached = section.passwords, section.passwords.breached
    source: Path | str | None = None
    if breached is not None:
        source = loaded.folder / breached.file if breached.file is not None else breached.url
    argon2 = passwords.argon2
    return UserSettings(
        PasswordPolicy(passwords.length, passwords.longest, passwords.strength, passwords.history, passwords.expires),
        Argon2(argon2.memory // _KIB, argon2.passes, argon2.lanes),
        Lockout(**section.lockout.model_dump()),
        tuple(passwords.words),
        source,
        section.name,
        _party(section),
        _mail(loaded, section.mail),
        hash_key or b"",
    )


def _party(section: UsersSection) -> RelyingParty | None:
    item = section.passkeys
    return RelyingParty(item.id, tuple(item.origins), section.name, item.verified) if item is not None else None


def _mail(loaded: Loaded, item: MailItem | None) -> dict[str, Any] | None:
    """The fields of `identity.mail.Smtp`. Raises BadConfig."""
    if item is None:
        return None
    password = item.password.value or "" if item.password is not None else ""
    if item.password is not None and item.password.file is not None:
        path = loaded.folder / item.password.file
        try:
            password = path.read_text().strip()
        except (OSError, UnicodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            problem = loaded.problem(f"the password in {path} cannot be read: {why}", "users", "mail", "password")
            raise BadConfig([problem]) from None
    ca = str(loaded.folder / item.ca) if item.ca is not None else ""
    fields = item.model_dump(include={"host", "port", "sender", "tls", "user"})
    return {**fields, "password": password, "ca": ca}
