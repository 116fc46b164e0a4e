"""`build` turns what the operator wrote (`Loaded`) into what runs (`Policy`). It is the only bridge between the two."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct

from stockade.config.base import HostPort
from stockade.config.carriers import EVERYWHERE, carriers
from stockade.config.catalogue import CATALOGUE
from stockade.config.database import database_place, warn_of_database
from stockade.config.errors import BadConfig, Problem
from stockade.config.hash_key import TOKENS, own_key, read_hash_key, warn_of_hash_key
from stockade.config.loading import Loaded
from stockade.config.models import Api
from stockade.config.secrets import read_envelope, warn_of_secrets
from stockade.config.sections import identity
from stockade.config.shadowing import OwnPages, shadowed
from stockade.config.site import Site
from stockade.config.users import UserSettings, user_settings
from stockade.controls.authentication import Authentication, LoginPages
from stockade.controls.exposure import Exposure
from stockade.engine import Binding, Policy, Route, Upstream
from stockade.envelopes import Envelope
from stockade.networks import NetworkSet
from stockade.operations import OperationTable
from stockade.secret_names import names_secret
from stockade.stores import DatabasePlace, Introspector, OwnIssuer, RelyingParty, Source
from stockade.vocabulary import Control

if TYPE_CHECKING:
    from stockade.openapi.reading import Description

T = TypeVar("T")


_PAGE_METHODS = ("GET", "POST")
_LONGEST_FORM = 64 << 10  # bytes of a form with a logout token


class OwnersFile(NamedTuple):
    """Where owners are kept, and for how many objects there is room."""

    path: Path
    objects: int


class Built(Struct, frozen=True):
    """A policy ready to run, and what it needs from outside."""

    policy: Policy
    sources: tuple[Source, ...]
    database: DatabasePlace | None  # None when nothing that is kept is asked for
    watched: frozenset[Path]  # files whose change makes a new policy
    warnings: tuple[Problem, ...]
    introspectors: tuple[Introspector, ...] = ()
    envelope: Envelope | None = None  # what seals and opens stored secrets, where a control asks for any
    users: UserSettings | None = None  # None when no API asks for our own users
    own_issuer: OwnIssuer | None = None  # our own token service, where an API takes its tokens
    owners: OwnersFile | None = None  # None when no API learns owners
    parties: tuple[RelyingParty, ...] = ()

    def homes(self, loaded: Loaded) -> Iterator[tuple[Api, Route]]:
        """Each API of the policy, and its route; those of the login pages come after them."""
        return zip(loaded.config.apis, self.policy.routes, strict=False)


def build(loaded: Loaded) -> Built:
    """Build every API. Raises BadConfig with all that is wrong in any of them."""
    config = loaded.config
    problems = [*_same_names(loaded), *_same_claims(loaded), *_same_addresses(loaded), *_logged_credentials(loaded)]
    hash_key, warnings = None, []
    if config.identity is not None or any(map(_needs_hash_key, config.apis)):
        warnings += warn_of_hash_key(loaded)
        hash_key = _read(read_hash_key, loaded, problems)
    sites = [Site(loaded, index, hash_key) for index in range(len(config.apis))]
    homes = [_route(site, loaded) for site in sites]
    logins = [_login_pages(site.pages, home) for site, home in zip(sites, homes, strict=True) if site.pages]
    policy = Policy((*homes, *(own.route for own in logins)), logged_headers=config.log.headers)
    users = None
    if any(site.uses_users for site in sites):
        users = _read(lambda loaded: user_settings(loaded, hash_key), loaded, problems)
    database, envelope = None, None
    own = config.identity is not None
    if own or any(site.uses_database for site in sites) or "database" in config.model_fields_set:
        database = _read(database_place, loaded, problems)
        warnings += warn_of_database(loaded, database)
    if own or any(site.uses_secrets for site in sites) or "secrets" in config.model_fields_set:
        envelope = _read(read_envelope, loaded, problems)
        warnings += warn_of_secrets(loaded)
    problems += [problem for site in sites for problem in site.problems]
    problems += shadowed(loaded, policy, [*logins, *_own_pages(loaded, homes)])
    if problems:
        raise BadConfig(problems)
    return Built(
        policy,
        tuple(source for site in sites for source in site.sources),
        database if any(site.uses_database for site in sites) else None,
        frozenset({loaded.path.absolute()}.union(*(site.watched for site in sites))),
        (*warnings, *(warning for site in sites for warning in site.warnings)),
        tuple(each for site in sites for each in site.introspectors),
        envelope,
        users,
        _own_issuer(loaded, sites, hash_key or b""),
        OwnersFile(loaded.folder / config.owners.path, config.owners.objects)
        if any(site.uses_owners for site in sites)
        else None,
        tuple(each for site in sites for each in site.parties),
    )


def _own_issuer(loaded: Loaded, sites: list[Site], hash_key: bytes) -> OwnIssuer | None:
    rules = {name: each for site in sites for name, each in site.own_rules.items()}
    if loaded.config.identity is None or not rules:
        return None
    return OwnIssuer(loaded.config.identity.issuer, own_key(hash_key, TOKENS), rules)


def _read(read: Callable[[Loaded], T], loaded: Loaded, problems: list[Problem]) -> T | None:
    """None, and what is wrong among the problems, where it cannot be read."""
    try:
        return read(loaded)
    except BadConfig as error:
        problems += error.problems
        return None


def _route(site: Site, loaded: Loaded) -> Route:
    api = site.api
    description = site.description()  # a broken one is refused even where no control asks for it
    bindings = [binding for _, make in CATALOGUE for binding in make(site)]
    if api.upstream.url.startswith("https:") and not api.upstream.tls.verify:
        site.warn(
            "the upstream need not prove who it is: whoever stands between can read and change all",
            "upstream",
            "tls",
            "verify",
        )
    if api.upstream.http2 and api.grpc is None and any(_reads_bodies(binding.control) for binding in bindings):
        text = "what calls itself gRPC goes to this upstream as a stream, its body unread: say in `grpc` what may"
        site.warn(text, "upstream", "http2")
    return Route.compile(
        bindings,
        api=api.name,
        hosts=tuple(api.hosts),
        prefix=api.prefix,
        upstream=Upstream(cluster_name(api), api.upstream.url),
        operations=_operations(api, description),
        trusted_proxies=NetworkSet(api.firewall.trusted_proxies),
        max_body=api.firewall.max_body,
        speaks_grpc=api.upstream.http2 or (api.grpc is not None and api.grpc.mode != "off"),
        own_headers=tuple(_own_headers(bindings)),
        also=frozenset((*_documents(bindings), *identity.documents(loaded.config.identity, api.name))),
    )


def _login_pages(pages: LoginPages, home: Route) -> OwnPages:
    what, mend = f"the login pages of {home.api!r}", f"give {home.api!r} other paths in its oidc.paths"
    return OwnPages(what, _login_route(pages, home), home, pages.paths.all, urlsplit(pages.oidc.place.url).netloc, mend)


def _own_pages(loaded: Loaded, homes: Iterable[Route]) -> Iterator[OwnPages]:
    """What the APIs' own routes answer without their upstreams."""
    for home in homes:
        documents = frozenset(_documents(home.bindings))
        if documents:
            yield OwnPages(f"metadata of {home.api!r}", home, home, documents, shared=True)
        if home.upstream.url == identity.UPSTREAM and loaded.config.identity is not None:
            yield OwnPages("the token service", home, home, identity.own_paths(loaded.config.identity))


def _login_route(pages: LoginPages, route: Route) -> Route:
    """The pages of an API's logins: what stands before its authentication stands before them, and nothing after."""
    before = list(takewhile(lambda binding: not isinstance(binding.control, Authentication), route.bindings))
    line = next((each.line for each in route.bindings if isinstance(each.control, Authentication)), "")
    return Route.compile(
        [*before, Binding(pages, line=line)],
        api=route.api,
        hosts=route.hosts,
        prefix=pages.paths.callback,
        upstream=route.upstream,
        operations=OperationTable([f"{method} {path}" for path in sorted(pages.paths.all) for method in _PAGE_METHODS]),
        trusted_proxies=route.trusted_proxies,
        max_body=_LONGEST_FORM,
        own_headers=route.own_headers,
        also=pages.paths.all,
    )


def _operations(api: Api, description: Description | None) -> OperationTable:
    if description is None:
        return OperationTable(api.operations)
    from stockade.openapi.naming import Names

    return OperationTable(api.operations, Names(description.document).of)


def _reads_bodies(control: Control) -> bool:
    return type(control).on_request_body is not Control.on_request_body


def cluster_name(api: Api) -> str:
    """The data plane's name for an upstream: it changes with the upstream, so that old and new can stand at once."""
    digest = hashlib.sha256(api.upstream.model_dump_json().encode()).hexdigest()
    return f"{api.name}-{digest[:10]}"


def _own_headers(bindings: Iterable[Binding]) -> Iterator[tuple[str, str]]:
    """What responses carry that Stockade itself makes."""
    for binding in bindings:
        if isinstance(binding.control, Exposure) and not binding.monitor:
            yield from binding.control.own_headers


def _documents(bindings: Iterable[Binding]) -> Iterator[str]:
    """Paths outside the prefix that are the API's all the same: metadata have well-known places."""
    for binding in bindings:
        if isinstance(binding.control, Authentication):
            yield from binding.control.documents


def _needs_hash_key(api: Api) -> bool:
    """Whether it takes API keys, or makes nonces or cookies under a key of our own."""
    section = api.authentication
    if section is None or section.mode == "off":
        return False
    return any(
        any((item.api_key, item.basic, item.oidc)) or (item.oauth2 and item.oauth2.dpop.nonce)
        for item in section.leaves()
    )


# What two entries of the policy must not claim at once, and what must not be written down.


def _same_names(loaded: Loaded) -> Iterator[Problem]:
    names: set[str] = set()
    for index, api in enumerate(loaded.config.apis):
        if api.name in names:
            yield loaded.problem(f"two APIs are called {api.name!r}", "apis", index, "name")
        names.add(api.name)


def _same_claims(loaded: Loaded) -> Iterator[Problem]:
    claims: dict[tuple[str, str], tuple[int, str]] = {}
    for index, api in enumerate(loaded.config.apis):
        for number, host in enumerate(api.hosts):
            other, name = claims.setdefault((host, api.prefix), (index, api.name))
            if other != index:
                text = f"{host}{api.prefix} already belongs to the API {name!r}"
                yield loaded.problem(text, "apis", index, "hosts", number)


def _same_addresses(loaded: Loaded) -> Iterator[Problem]:
    taken: list[HostPort] = [loaded.config.admin.address]
    for index, listen in enumerate(loaded.config.listen):
        for other in taken:
            if listen.address.overlaps(other):
                what = "is used twice" if listen.address == other else f"and {other} overlap"
                owner = " (the admin address is one of them)" if other is taken[0] else ""
                yield loaded.problem(f"{listen.address} {what}{owner}", "listen", index, "address")
        taken.append(listen.address)


def _logged_credentials(loaded: Loaded) -> Iterator[Problem]:
    declared = EVERYWHERE.union(*map(carriers, loaded.config.apis))
    for index, name in enumerate(loaded.config.log.headers):
        if name in declared or names_secret(name):
            yield loaded.problem(f"log.headers must not hold {name}: it carries credentials", "log", "headers", index)
