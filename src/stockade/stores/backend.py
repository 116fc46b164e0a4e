"""What every kind of database is to `Database`, and where one is found."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from stockade.vocabulary import StoreError

if TYPE_CHECKING:
    import sqlalchemy as sql

_MENDS = {
    "SQLITE_NOTADB": "name another file, or move this one away",
    "SQLITE_CORRUPT": "put a copy of it in its place, or what `sqlite3 FILE .recover` can save",
}


class DatabaseTls(Struct, frozen=True):
    """How a PostgreSQL server must prove who it is. Paths are PEM files.

    verify: its certificate and its name (`sslmode=verify-full`). required: whether a server that offers no TLS is
    refused; None: unless it is on this machine (a loopback address or a Unix socket) and no `ca` is named.
    """

    ca: Path | None = None  # None: the authorities that the system trusts
    certificate: Path | None = None  # ours, where the server asks for one
    key: Path | None = None
    verify: bool = True
    required: bool | None = None


class DatabasePlace(Struct, frozen=True):
    """Which database, and how it is reached; equal places are one database. `url` may hold a password."""

    path: Path  # of the SQLite file; with a server, what its revision file is called after
    url: str = ""  # postgresql+psycopg://…; empty: the file
    tls: DatabaseTls = DatabaseTls()

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("path", self.path), ("url", "…" if self.url else ""), ("tls", self.tls)]

    def __repr__(self) -> str:
        return f"DatabasePlace({self.path}{', with a server' if self.url else ''})"


class SharedRevision(Protocol):
    """The number that changes when anybody changed anything."""

    def read(self) -> int: ...
    def advance(self) -> None: ...
    def close(self) -> None: ...


class Backend(Protocol):
    """One kind of database, opened and up to date."""

    name: str  # for errors: a path, or a URL without its password
    engine: sql.Engine
    remote: bool  # whether an answer has to be waited for

    @property
    def revision(self) -> SharedRevision: ...

    def reading(self) -> AbstractContextManager[sql.Connection]:
        """A connection for one question."""

    def lost(self) -> bool:
        """Whether it has not answered for so long that asking only makes people wait."""

    def close(self) -> None: ...


def plain(error: Exception) -> str:
    """The driver's own words on one line, without SQLAlchemy's statement and link, and without values."""
    original = getattr(error, "orig", None) or error
    said = getattr(getattr(original, "diag", None), "message_primary", None) or str(original)
    if isinstance(error, UnicodeError):
        said = "a text that is no Unicode"
    return " ".join(said.split())


def unopened(name: str, error: Exception) -> StoreError:
    """Why the database of that name cannot be opened, and how that is mended where it is known."""
    mend = _MENDS.get(getattr(getattr(error, "orig", None) or error, "sqlite_errorname", ""), "")
    return StoreError(f"{name}: the database cannot be opened: {plain(error)}{mend and f'; {mend}'}")
