"""`build` turns what the operator wrote (`Loaded`) into what runs (`Policy`). It is the only bridge between the two."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from msgspec import Struct

from stockade.config.base import Secret
from stockade.config.catalogue import CATALOGUE
from stockade.config.errors import BadConfig, Problem
from stockade.config.loading import Loaded
from stockade.config.models import Api
from stockade.config.site import Site
from stockade.engine import Policy, Route, Upstream
from stockade.operations import BadOperation, OperationTable
from stockade.stores import Source
from stockade.vocabulary import Control

_LEAST_HASH_KEY = 32  # bytes


class Built(Struct, frozen=True):
    """A policy ready to run, and what it needs from outside."""

    policy: Policy
    sources: tuple[Source, ...]
    key_store: Path | None  # None when no API takes API keys
    watched: frozenset[Path]  # files whose change makes a new policy
    warnings: tuple[Problem, ...]


def build(loaded: Loaded) -> Built:
    """Build every API. Raises BadConfig with all that is wrong in any of them."""
    config = loaded.config
    problems: list[Problem] = []
    hash_key = _hash_key(loaded, problems)
    sites = [Site(loaded, index, hash_key) for index in range(len(config.apis))]
    routes = [_route(site) for site in sites]
    problems += [problem for site in sites for problem in site.problems]
    problems += _conflicts(loaded)
    if problems:
        raise BadConfig(problems)
    carriers = {"authorization", "cookie", "proxy-authorization"}
    for api in config.apis:
        if api.authentication is not None:
            carriers |= {item.api_key.header.lower() for item in api.authentication.any_of if item.api_key is not None}
    secret_logged = sorted(carriers.intersection(config.log.headers))
    if secret_logged:
        text = f"log.headers must not hold {', '.join(secret_logged)}: it carries credentials"
        raise BadConfig([loaded.problem(text, "log", "headers")])
    return Built(
        Policy(routes, logged_headers=config.log.headers),
        tuple(source for site in sites for source in site.sources),
        loaded.folder / config.keys.path if any(site.uses_keys for site in sites) else None,
        frozenset({loaded.path.absolute()}.union(*(site.watched for site in sites))),
        tuple(warning for site in sites for warning in site.warnings),
    )


def _route(site: Site) -> Route:
    api = site.api
    bindings = [binding for _, make in CATALOGUE for binding in make(site)]
    return Route.compile(
        bindings,
        api=api.name,
        hosts=tuple(api.hosts),
        prefix=api.prefix,
        upstream=Upstream(cluster_name(api), api.upstream.url),
        operations=_operations(site),
        trusted_proxies=site.networks(api.firewall.trusted_proxies, "firewall", "trusted_proxies"),
        max_body=api.firewall.max_body,
        own_headers=_own_headers(binding.control for binding in bindings if not binding.monitor),
    )


def cluster_name(api: Api) -> str:
    """The data plane's name for an upstream: it changes when the upstream does, so that old and new can stand at once."""
    digest = hashlib.sha256(api.upstream.model_dump_json().encode()).hexdigest()
    return f"{api.name}-{digest[:10]}"


def _operations(site: Site) -> OperationTable:
    good = []
    for index, text in enumerate(site.api.operations):
        try:
            OperationTable([text])
            good.append(text)
        except BadOperation as error:
            site.problem(str(error), "operations", index)
    return OperationTable(good)


def _own_headers(controls: object) -> tuple[tuple[str, str], ...]:
    headers: tuple[tuple[str, str], ...] = ()
    for control in controls:  # type: ignore[attr-defined]
        headers += getattr(control, "own_headers", ())
    return headers


def _conflicts(loaded: Loaded) -> list[Problem]:
    """Names and claims that two APIs make at once, listeners that two lines open."""
    problems = []
    names: set[str] = set()
    claims: dict[tuple[str, str], str] = {}
    for index, api in enumerate(loaded.config.apis):
        if api.name in names:
            problems.append(loaded.problem(f"two APIs are called {api.name!r}", "apis", index, "name"))
        names.add(api.name)
        for host in api.hosts:
            other = claims.setdefault((host, api.prefix), api.name)
            if other != api.name:
                text = f"{host}{api.prefix} already belongs to the API {other!r}"
                problems.append(loaded.problem(text, "apis", index))
    addresses: set[object] = {loaded.config.admin.address}
    for index, listen in enumerate(loaded.config.listen):
        if listen.address in addresses:
            problems.append(loaded.problem(f"{listen.address} is used twice", "listen", index))
        addresses.add(listen.address)
    return problems


def _hash_key(loaded: Loaded, problems: list[Problem]) -> bytes | None:
    """The key of the keyed hash, when an API takes API keys. The default file is made when it is missing."""
    apis = loaded.config.apis
    if not any(api.authentication and any(item.api_key for item in api.authentication.any_of) for api in apis):
        return None
    try:
        return read_hash_key(loaded)
    except (OSError, ValueError) as error:
        problems.append(loaded.problem(str(error), "keys", "hash_key"))
        return None


def read_hash_key(loaded: Loaded) -> bytes:
    """Raises OSError or ValueError that say what is wrong with it."""
    secret: Secret = loaded.config.keys.hash_key
    if secret.file is None:
        key = (secret.value or "").encode()
        source = "the hash key"
    else:
        path = loaded.folder / secret.file
        if not path.exists():
            _make_hash_key(path)
        key = path.read_bytes().strip()
        source = f"the hash key in {path}"
    if len(key) < _LEAST_HASH_KEY:
        raise ValueError(f"{source} must have {_LEAST_HASH_KEY} bytes at least (`openssl rand -hex 32` makes one)")
    return key


def _make_hash_key(path: Path) -> None:
    """A new key that only we may read; whoever comes first, in however many processes, makes it."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(file, "w") as stream:
        stream.write(secrets.token_hex(32) + "\n")


__all__ = ["Built", "Control", "build", "cluster_name", "read_hash_key"]
