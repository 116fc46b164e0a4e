"""PostgreSQL through psycopg: verified TLS, a bounded pool, and a watch that tells of other machines' changes."""

from __future__ import annotations

import itertools
import ssl
import threading
import time
from collections.abc import Generator
from contextlib import AbstractContextManager, suppress
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sql

from stockade.stores.backend import DatabasePlace, DatabaseTls, unopened
from stockade.stores.migrations import OlderTables, is_current, migrate
from stockade.stores.revision import Revision
from stockade.vocabulary import StoreError

R = TypeVar("R")
_LOCK = 0x53746F636B616465  # "Stockade", the advisory lock under which tables are made
_LOOK = 0.25  # seconds between looks at the server's revision
_SURE = 0.9  # seconds for which a look is believed: what was remembered then is asked anew
_LOST = 3.0  # seconds without an answer after which nobody waits for one
_PATIENCE = 5.0  # seconds for an answer: a server that takes our bytes and says nothing holds nobody up for longer
_SETTINGS = "-c statement_timeout=4000 -c lock_timeout=4000 -c idle_in_transaction_session_timeout=30000"
_LOOKING = " -c default_transaction_read_only=on"
_ALLOWED = frozenset({"application_name", "host", "target_session_attrs"})  # of the URL's query
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


class PostgreSQL:
    """A `Backend`."""

    remote = True

    def __init__(self, place: DatabasePlace, *, passive: bool = False) -> None:
        """passive: nothing is made or changed. Raises StoreError; OlderTables, where something would have to be."""
        url = read_url(place.url)
        self.name = url.set(query={}).render_as_string(hide_password=True)
        try:
            self.engine = _engine(url, place.tls, _LOOKING if passive else "")
        except ImportError:
            text = "PostgreSQL needs a package that is not here: pip install 'stockade[postgresql]'"
            raise StoreError(f"{self.name}: {text}") from None
        except (ValueError, sql.exc.SQLAlchemyError) as error:
            raise unopened(self.name, error) from error
        self.revision = Watch(self.engine, None if passive else _local(place.path))
        try:
            with self.engine.begin() as connection:
                (_only_if_current if passive else _migrate)(connection)
        except OlderTables as error:
            self.close()
            raise OlderTables(f"{self.name}: {error}") from error
        except (sql.exc.SQLAlchemyError, StoreError) as error:
            self.close()
            raise unopened(self.name, error) from error

    def reading(self) -> AbstractContextManager[sql.Connection]:
        return self.engine.connect()

    def lost(self) -> bool:
        return self.revision.lost()

    def close(self) -> None:
        self.revision.close()
        self.engine.dispose()


class Watch:
    """The server's revision, which a thread of its own looks at, and this machine's, which writers here advance.

    What nobody could confirm lately is never the same twice: caches then ask the server itself, and fail with it.
    The thread is started by the first who reads: who only writes, as the command line does, needs none.
    """

    def __init__(self, engine: sql.Engine, local: Revision | None) -> None:
        self._engine = engine
        self._local = local
        self._changes = itertools.count(1)
        self._changed = 0  # how often we saw another number, or changed something ourselves
        self._number: int | None = None
        self._confirmed = self._began = -1e9  # monotonic seconds
        self._unsure = itertools.count(1)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closing = threading.Event()

    def read(self) -> int:
        if time.monotonic() - self._confirmed > _SURE:
            if self._thread is None:
                self._start()
            return -next(self._unsure)
        return self._changed + (self._local.read() if self._local is not None else 0)

    def advance(self) -> None:
        """After a change is committed, which has told the server's readers already."""
        self._changed = next(self._changes)
        if self._local is not None:
            self._local.advance()

    def lost(self) -> bool:
        return self._thread is not None and time.monotonic() - max(self._confirmed, self._began) > _LOST

    def close(self) -> None:
        with self._starting:
            self._closing.set()
        if self._thread is not None:
            self._thread.join(_LOST)
        if self._local is not None:
            self._local.close()
            self._local = None

    def _start(self) -> None:
        with self._starting:
            if self._thread is None and not self._closing.is_set():
                self._began = time.monotonic()
                self._thread = threading.Thread(target=self._watch, name="stockade-revision", daemon=True)
                self._thread.start()

    def _watch(self) -> None:
        while not self._closing.is_set():
            with suppress(sql.exc.SQLAlchemyError), self._engine.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT")
                while not self._closing.is_set():
                    self._look(connection)
                    self._closing.wait(_LOOK)
            self._closing.wait(_LOOK)

    def _look(self, connection: sql.Connection) -> None:
        asked = time.monotonic()
        number: int = connection.execute(sql.text("SELECT number FROM stockade_revision")).scalar_one()
        if number != self._number:
            self._number = number
            self._changed = next(self._changes)
        self._confirmed = asked


def _local(path: Path) -> Revision | None:
    """Where the folder can be written to, a revoked key is refused at once by every process of the machine."""
    try:
        return Revision(path.with_name(path.name + ".revision"))
    except OSError:
        return None


def _migrate(connection: sql.Connection) -> None:
    migrate(connection, lock=_lock)


def _only_if_current(connection: sql.Connection) -> None:
    if not is_current(connection):
        raise OlderTables("its tables are not those of this Stockade yet: `stockade up` makes them so")


def _lock(connection: sql.Connection) -> None:
    """Whoever makes the tables may take their time, and so may those who wait for it."""
    patient: Any = connection.connection.driver_connection
    patient.patience = float("inf")
    connection.detach()  # it must not come back into the pool
    connection.execute(sql.text("SET LOCAL statement_timeout = 0"))
    connection.execute(sql.text("SET LOCAL lock_timeout = 0"))
    connection.execute(sql.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def read_url(text: str) -> sql.URL:
    """A URL of a PostgreSQL server that says nothing of its own about TLS. Raises StoreError; shows no password."""
    try:
        url = sql.make_url(text)
    except (sql.exc.ArgumentError, ValueError):
        raise StoreError("the URL of the database cannot be read; postgresql://user@host/name is one") from None
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername != "postgresql+psycopg":
        raise StoreError(f"a database of the kind {url.drivername} is not known; postgresql://… is")
    for name, value in url.query.items():
        if name.startswith("ssl"):
            raise StoreError(f"the URL of the database must not say {name}: `database.tls` does")
        if name not in _ALLOWED or not isinstance(value, str) or (name == "host" and not value.startswith("/")):
            raise StoreError(f"the URL of the database must not say {name}: only {', '.join(sorted(_ALLOWED))}")
    if "," in (url.host or "") or ("host" in url.query and url.host):
        raise StoreError("the URL of the database must name one host")
    if not url.host and "host" not in url.query:
        raise StoreError("the URL of the database names no host; a Unix socket is ?host=/its/folder")
    return url


def is_here(url: sql.URL) -> bool:
    """Whether it is reached through a loopback address or a Unix socket: nobody stands between."""
    host = (url.host or "").lower()
    if not host or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _engine(url: sql.URL, tls: DatabaseTls, settings: str = "") -> sql.Engine:
    engine = sql.create_engine(
        url,
        connect_args={
            **_encryption(url, tls),
            "hostaddr": "",  # whatever the environment says: the name that is verified is the one that is reached
            "gssencmode": "disable",
            "connect_timeout": 3,
            "tcp_user_timeout": 3000,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "options": _SETTINGS + settings,
            "prepare_threshold": None,  # a pooler between would mix up prepared statements
        },
        pool_size=4,
        max_overflow=5,  # as many as may ask at once, and the watch
        pool_timeout=3,
        pool_pre_ping=True,  # one that a restart of the server has cut is replaced unnoticed
        hide_parameters=True,
    )
    sql.event.listen(engine, "do_connect", _connect)
    return engine


def _connect(dialect: Any, record: Any, arguments: tuple[Any, ...], parameters: dict[str, Any]) -> Any:  # noqa: ARG001
    return _impatient().connect(*arguments, **parameters)


@cache
def _impatient() -> Any:
    """A connection whose every question has an end, which libpq leaves to the server."""
    import psycopg

    class Impatient(psycopg.Connection[Any]):
        patience = _PATIENCE  # seconds

        def wait(self, gen: Generator[Any, Any, R], *rest: Any, **options: Any) -> R:
            return super().wait(self._bounded(gen), *rest, **options)

        def _bounded(self, steps: Generator[Any, Any, R]) -> Generator[Any, Any, R]:
            ends = time.monotonic() + self.patience
            try:
                wanted = next(steps)
                while True:
                    ready = yield wanted
                    if time.monotonic() > ends:
                        self.close()
                        raise psycopg.OperationalError("it does not answer")
                    wanted = steps.send(ready)
            except StopIteration as end:
                answer: R = end.value
                return answer

    return Impatient


def _encryption(url: sql.URL, tls: DatabaseTls) -> dict[str, str]:
    """libpq's words for it; every one is said, so that no PGSSL… of the environment says another."""
    required = tls.required if tls.required is not None else not is_here(url) or tls.ca is not None
    own = {"sslcert": str(tls.certificate or ""), "sslkey": str(tls.key or "")}
    if not url.host or not (required or tls.verify is False):
        return {"sslmode": "disable"}
    if not tls.verify:
        return {"sslmode": "require" if required else "prefer", "sslrootcert": "", **own}
    return {"sslmode": "verify-full" if required else "disable", "sslrootcert": str(tls.ca or _system_bundle()), **own}


def _system_bundle() -> str:
    default = ssl.get_default_verify_paths().cafile
    for path in (default, *_BUNDLES):
        if path and Path(path).is_file():
            return path
    raise ValueError("the system has no list of authorities; name one as `database.tls.ca`")
