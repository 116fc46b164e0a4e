"""Everything that can be known to fail before anything is started: each a line that says how to mend it."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import time
from contextlib import closing
from pathlib import Path

from stockade.config import BadConfig, Built, Loaded, Problem
from stockade.config.base import HostPort
from stockade.config.models import ListenTls
from stockade.gateway.envoy.encryption import system_authorities
from stockade.gateway.envoy.module import envoy_path, filter_path, libpython
from stockade.stores import DatabasePlace, KeySources
from stockade.vocabulary import StoreError


def check_machine() -> None:
    """Raises Unfit."""
    envoy_path()
    filter_path()
    libpython()


def check_files(loaded: Loaded, built: Built) -> None:
    """Certificates, keys, the log, the database. Raises BadConfig.

    Makes the log and the database where they are missing, but not where `loaded.would_make` says that nothing shall be.
    """
    problems = [*_certificates(loaded), *_upstreams(loaded), *_log(loaded)]
    if built.database is not None:
        problems += _database(loaded, built.database)
    if problems:
        raise BadConfig(problems)


def check_addresses(loaded: Loaded) -> None:
    """Whether every address is free. Raises BadConfig."""
    problems = [_free(loaded, loaded.config.admin.address, "admin", "address")]
    for index, listen in enumerate(loaded.config.listen):
        problems.append(_free(loaded, listen.address, "listen", index, "address"))
    found = [problem for problem in problems if problem is not None]
    if found:
        raise BadConfig(found)


def check_addresses_beside(loaded: Loaded, running: Loaded) -> None:
    """The same for addresses that a running gateway does not hold already. Raises BadConfig."""
    held = {listen.address for listen in running.config.listen}
    problems = [
        _free(loaded, listen.address, "listen", index, "address")
        for index, listen in enumerate(loaded.config.listen)
        if listen.address not in held
    ]
    found = [problem for problem in problems if problem is not None]
    if loaded.config.admin.address != running.config.admin.address:
        found.append(loaded.problem("the admin address cannot change while Stockade runs", "admin", "address"))
    if found:
        raise BadConfig(found)


def check_issuers(loaded: Loaded, built: Built) -> None:
    """Fetch every key set once. Raises BadConfig. Must not run inside an event loop."""
    asyncio.run(check_issuers_async(loaded, KeySources(built.sources)))


async def check_issuers_async(loaded: Loaded, sources: KeySources) -> None:
    troubles = await sources.refresh()
    if troubles:
        raise BadConfig([_at_source(loaded, text) for text in troubles])


def _at_source(loaded: Loaded, trouble: str) -> Problem:
    for index, api in enumerate(loaded.config.apis):
        for number, item in enumerate(api.authentication.any_of if api.authentication is not None else []):
            if item.jwt is not None and item.jwt.jwks and trouble.startswith(item.jwt.jwks):
                place = ("apis", index, "authentication", "any_of", number, "jwt", "jwks")
                return loaded.problem(f"the key set cannot be fetched: {trouble}", *place)
    return loaded.problem(trouble)


def _certificates(loaded: Loaded) -> list[Problem]:
    problems = []
    admin = loaded.config.admin.tls
    if admin is not None:
        text = certificate_trouble(loaded.folder, ListenTls(certificate=admin.certificate, key=admin.key))
        problems += [loaded.problem(text, "admin", "tls")] if text else []
    for index, listen in enumerate(loaded.config.listen):
        if listen.tls is None:
            continue
        text = certificate_trouble(loaded.folder, listen.tls)
        if text:
            problems.append(loaded.problem(text, "listen", index, "tls"))
        elif listen.tls.client_crl is not None:
            said = list_troubles(loaded, listen.tls)
            problems += [loaded.problem(text, "listen", index, "tls", "client_crl") for text in said]
    return problems


def certificate_trouble(folder: Path, tls: ListenTls) -> str:
    """What is wrong with a listener's certificate, key or client CA; empty when they are good together."""
    for what, path in (("certificate", tls.certificate), ("key", tls.key), ("client_ca", tls.client_ca)):
        if path is not None:
            try:
                (folder / path).read_bytes()
            except OSError as error:
                return f"the {what} {folder / path} cannot be read: {error.strerror}"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(folder / tls.certificate, folder / tls.key, password=lambda: "")
    except ssl.SSLError as error:
        if "KEY_VALUES_MISMATCH" in str(error):
            return f"the key {tls.key} does not belong to the certificate {tls.certificate}"
        return f"{tls.certificate} and {tls.key} are no PEM certificate and unencrypted key ({error.reason or error})"
    if tls.client_ca is not None:
        try:
            context.load_verify_locations(folder / tls.client_ca)
        except ssl.SSLError as error:
            return f"the client_ca {tls.client_ca} holds no PEM certificate ({error.reason or error})"
    elif tls.require_client_certificate:
        return "require_client_certificate needs client_ca: whose certificates are good?"
    return ""


def list_troubles(loaded: Loaded, tls: ListenTls) -> list[str]:
    """What is wrong with a listener's revocation lists. Those of our own authority must be the newest that it made."""
    if tls.client_ca is None:
        return ["client_crl needs client_ca: whose lists are they?"]
    from stockade.certificates.revocation import trouble_of_lists
    from stockade.identity.certificates import newest_lists

    assert tls.client_crl is not None
    path = loaded.folder / tls.client_crl
    try:
        lists = path.read_bytes()
        least = newest_lists(loaded) if tls.client_crl == loaded.config.certificates.crl else {}
    except OSError as error:
        return [f"the client_crl {path} cannot be read: {error.strerror}"]
    except (StoreError, BadConfig) as error:
        return [f"the newest list of client_crl is not known: {error}"]
    authorities = (loaded.folder / tls.client_ca).read_bytes()
    return [f"{path} {text}" for text in trouble_of_lists(authorities, lists, time.time(), least)]


def _upstreams(loaded: Loaded) -> list[Problem]:
    problems = []
    for index, api in enumerate(loaded.config.apis):
        tls = api.upstream.tls
        place = ("apis", index, "upstream")
        named = [loaded.folder / path for path in (tls.ca, tls.certificate, tls.key) if path is not None]
        problems += [loaded.problem(f"{path} is not there", *place, "tls") for path in named if not path.is_file()]
        if api.upstream.url.startswith("https") and tls.verify and tls.ca is None:
            try:
                system_authorities()
            except FileNotFoundError as error:
                problems.append(loaded.problem(str(error), *place))
    return problems


def _log(loaded: Loaded) -> list[Problem]:
    path = loaded.config.log.path
    if path == "-":
        return []
    if loaded.passive:
        return _writable(loaded, loaded.folder / path, "the log", "log", "path")
    try:
        with (loaded.folder / path).open("ab"):
            return []
    except OSError as error:
        return [loaded.problem(f"the log {loaded.folder / path} cannot be written: {error.strerror}", "log", "path")]


def _database(loaded: Loaded, place: DatabasePlace) -> list[Problem]:
    """Whether it can be opened; for who only looks, whether `up` could make what is not there."""
    from stockade.stores import Database, KeyStore, OlderTables

    here = ("database", "url") if place.url else ("keys", "path")
    try:
        with closing(Database(place, passive=loaded.passive)) as database:
            KeyStore(database)
    except OlderTables:
        return []  # `up` brings them up to date
    except StoreError as error:
        return [loaded.problem(str(error), *here)]
    if loaded.passive and not place.url:
        return _writable(loaded, place.path, f"{place.path}: the database", *here)
    return []


def _writable(loaded: Loaded, path: Path, what: str, *place: str) -> list[Problem]:
    """Whether a file can be written to, or made; notes the latter in `loaded.would_make`."""
    code = 0
    if path.is_dir():
        code = errno.EISDIR
    elif not path.parent.is_dir():
        code = errno.ENOENT
    elif not os.access(path if path.exists() else path.parent, os.W_OK):
        code = errno.EACCES
    if code:
        name = what if str(path) in what else f"{what} {path}"
        return [loaded.problem(f"{name} cannot be written: {os.strerror(code)}", *place)]
    if not path.exists() and loaded.would_make is not None:
        loaded.would_make.append(path)
    return []


def _free(loaded: Loaded, address: HostPort, *place: str | int) -> Problem | None:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Without SO_REUSEPORT: another gateway on the same port must be noticed, not shared with.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            why = {
                errno.EADDRINUSE: "is in use; stop what listens there or choose another port",
                errno.EACCES: "is not ours to open; ports below 1024 need root or CAP_NET_BIND_SERVICE",
                errno.EADDRNOTAVAIL: "is not an address of this machine",
            }.get(error.errno or 0, f"cannot be opened: {error.strerror}")
            return loaded.problem(f"{address} {why}", *place)
    return None
