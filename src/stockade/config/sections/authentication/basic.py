"""`basic:` name and password of our own users."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from stockade.config.base import Model
from stockade.config.site import Site
from stockade.config.texts import HeaderName
from stockade.config.units import Duration, Flag
from stockade.controls.authentication import Basic, LoginRules, Logins, Scheme


class BasicScheme(Model):
    """Name and password (RFC 7617) of users whom `stockade users` adds."""

    realm: str = Field("", description="What browsers show; default: the API's name.")
    second_factor: Literal["enrolled", "always", "never"] = Field(
        "enrolled", description="Asked of whom has one, of everybody, or of nobody."
    )
    code_header: HeaderName = Field("X-OTP", description="The header that carries a one-time passcode.")
    strong_for: Duration = Field(
        600.0, description="How long a second factor counts at the address that showed it; 0s: for one request."
    )
    remember: Duration = Field(300.0, description="How long a password that was right is not hashed again.")
    forward: Flag = Field(False, description="Whether the upstream gets to see name and password.")

    @field_validator("realm")
    @classmethod
    def _quotable(cls, realm: str) -> str:
        if not realm.isascii() or not realm.isprintable() or '"' in realm or "\\" in realm:
            raise ValueError("a realm is printable ASCII without quotes and backslashes")
        return realm


def make_basic(site: Site, item: BasicScheme, *place: str | int) -> Scheme:  # noqa: ARG001 - as its neighbours
    settings = site.users(secrets=item.second_factor != "never")
    rules = LoginRules(item.second_factor, item.strong_for, settings.policy.expires)
    return Basic(
        logins=Logins(site.own_key("logins"), site.guessing(), rules),
        key=site.own_key("basic"),
        realm=item.realm,
        remember=item.remember,
        code_header=item.code_header,
        second_factor=item.second_factor,
        forward=item.forward,
    )
