"""`firewall:` the perimeter."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from stockade.config.base import Section
from stockade.config.site import Site
from stockade.config.units import Size
from stockade.controls.firewall import Firewall
from stockade.engine import Binding
from stockade.networks import BadNetwork, NetworkSet

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]


class FirewallSection(Section):
    """Addresses, methods, sizes and media types. `deny` beats `allow`; an empty list allows all."""

    allow: list[str] = Field([], description="Addresses and networks that alone may connect; empty: all.")
    deny: list[str] = Field([], description="Addresses and networks that may not.")
    feeds: list[Path] = Field([], description="Files with a network a line to deny; re-read when they change.")
    methods: list[str] = METHODS
    max_body: Size = Field(1 << 20, description="The size of a request body at most (413).")
    media_types: list[str] = Field([], description='Accepted types of a body, "application/json", "text/*"; empty: all.')
    trusted_proxies: list[str] = Field([], description="Who may say, in X-Forwarded-For, for whom it asks.")

    @field_validator("methods")
    @classmethod
    def _upper(cls, methods: list[str]) -> list[str]:
        for method in methods:
            if not method.isalpha():
                raise ValueError(f"{method!r} is not an HTTP method")
        return [method.upper() for method in methods]


def make(site: Site) -> list[Binding]:
    section = site.api.firewall
    denied = [*section.deny, *_feeds(site, section.feeds)]
    firewall = Firewall(
        deny=NetworkSet(denied) if not section.deny else site.networks(denied, "firewall", "deny"),
        allow=site.networks(section.allow, "firewall", "allow"),
        methods=section.methods,
        max_body=section.max_body,
        media_types=[text.lower() for text in section.media_types],
    )
    return [] if section.mode == "off" else [site.bind(firewall, section, "firewall")]


def _feeds(site: Site, paths: list[Path]) -> list[str]:
    """The networks of all feeds. Feeds are other people's files: a line that is none is a problem that names it."""
    networks: list[str] = []
    for index, path in enumerate(paths):
        data = site.read_file(path, "the feed", "firewall", "feeds", index)
        lines = data.decode("utf-8", "replace").splitlines() if data is not None else []
        for number, line in enumerate(lines, 1):
            text = line.partition("#")[0].partition(";")[0].strip()
            if not text:
                continue
            try:
                NetworkSet([text])
            except BadNetwork as error:
                site.problem(f"{path}:{number}: {error}", "firewall", "feeds", index)
            else:
                networks.append(text)
    return networks
