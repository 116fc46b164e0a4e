"""`firewall:` the perimeter."""

from __future__ import annotations

from pydantic import Field

from stockade.config.base import Section
from stockade.config.site import Site
from stockade.config.texts import FilePath, MediaType, Method, Network
from stockade.config.units import Size
from stockade.controls.firewall import Firewall
from stockade.engine import Binding
from stockade.networks import BadNetwork, NetworkSet

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]
_MOST_TOLD = 5  # bad lines of one feed


class FirewallSection(Section):
    """Addresses, methods, sizes and media types. `deny` beats `allow`; an empty list allows all."""

    allow: list[Network] = Field([], description="Addresses and networks that alone may connect; empty: all.")
    deny: list[Network] = Field([], description="Addresses and networks that may not.")
    feeds: list[FilePath] = Field([], description="Files with a network a line to deny; re-read when they change.")
    methods: list[Method] = Field(METHODS, min_length=1, description="Accepted methods; others are answered with 405.")
    max_body: Size = Field(1 << 20, description="The size of a request body at most (413).")
    media_types: list[MediaType] = Field(
        [], description='Accepted types of a body, "application/json", "text/*"; empty: all.'
    )
    trusted_proxies: list[Network] = Field([], description="Who may say, in X-Forwarded-For, for whom it asks.")


def make(site: Site) -> list[Binding]:
    section = site.api.firewall
    if section.mode == "off":
        return []
    firewall = Firewall(
        deny=NetworkSet([*section.deny, *_feeds(site, section.feeds)]),
        allow=NetworkSet(section.allow),
        methods=section.methods,
        max_body=section.max_body,
        media_types=section.media_types,
    )
    return [site.bind(firewall, section, "firewall", instead={"deny": "feeds"} if not section.deny else {})]


def _feeds(site: Site, paths: list[FilePath]) -> list[str]:
    """The networks of all feeds. Feeds are other people's files: a line that is none is a problem that names it."""
    networks: list[str] = []
    for index, path in enumerate(paths):
        data = site.read_file(path, "the feed", "firewall", "feeds", index)
        lines = data.decode("utf-8", "replace").splitlines() if data is not None else []
        troubles = []
        for number, line in enumerate(lines, 1):
            text = line.partition("#")[0].partition(";")[0].strip()
            if not text:
                continue
            try:
                NetworkSet([text])
            except BadNetwork as error:
                troubles.append(f"{path}:{number}: {error}")
            else:
                networks.append(text)
        for trouble in troubles[:_MOST_TOLD]:
            site.problem(trouble, "firewall", "feeds", index)
        if len(troubles) > _MOST_TOLD:
            site.problem(f"{path}:… and {len(troubles) - _MOST_TOLD} more lines", "firewall", "feeds", index)
    return networks
