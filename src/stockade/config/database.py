"""The `database` section: where all tables are kept, and how a server of them must prove who it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from stockade.config.base import INLINE, Model, Secret
from stockade.config.errors import BadConfig, Problem
from stockade.config.texts import FilePath
from stockade.config.units import Flag
from stockade.stores import DatabasePlace, DatabaseTls
from stockade.vocabulary import StoreError

if TYPE_CHECKING:
    from stockade.config.loading import Loaded
    from stockade.stores import Database


class DatabaseTlsSection(Model):
    """TLS to the database server; its certificate and its name are verified unless told otherwise."""

    ca: FilePath | None = Field(None, description="PEM file with the authorities to trust; default: the system's.")
    certificate: FilePath | None = Field(None, description="PEM file: our client certificate.")
    key: FilePath | None = Field(None, description="PEM file: its private key.")
    verify: Flag = Field(True, description="Whether the server must prove who it is; false gives a warning.")
    required: Flag | None = Field(
        None,
        description="Whether a server without TLS is refused; default: unless it is on this machine and no ca is said.",
    )

    @model_validator(mode="after")
    def _pair(self) -> DatabaseTlsSection:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("a client certificate needs both certificate and key")
        return self


class DatabaseSection(Model):
    """The database of keys, users and all else that is kept; without it the SQLite file of keys.path."""

    url: Secret | None = Field(None, description="postgresql://user:password@host:5432/name, best as ${DATABASE_URL}.")
    tls: DatabaseTlsSection = DatabaseTlsSection()


def database_place(loaded: Loaded) -> DatabasePlace:
    """Raises BadConfig."""
    config = loaded.config
    path = loaded.folder / config.keys.path
    url = _url(loaded)
    if not url:
        return DatabasePlace(path)
    from stockade.stores.postgresql import read_url

    try:
        read_url(url)
    except StoreError as error:
        raise BadConfig([loaded.problem(str(error), "database", "url")]) from None
    files = {
        name: loaded.folder / file
        for name in ("ca", "certificate", "key")
        if (file := getattr(config.database.tls, name)) is not None
    }
    missing = [
        loaded.problem(f"{file} is not there", "database", "tls", name)
        for name, file in files.items()
        if not file.is_file()
    ]
    if missing:
        raise BadConfig(missing)
    return DatabasePlace(
        path, url, DatabaseTls(**files, verify=config.database.tls.verify, required=config.database.tls.required)
    )


def open_database(loaded: Loaded) -> Database:
    """The database of a policy; for who only looks, nothing of it is made or changed. Raises BadConfig, StoreError."""
    from stockade.stores import Database

    return Database(database_place(loaded), passive=loaded.passive)


def _url(loaded: Loaded) -> str:
    secret = loaded.config.database.url
    if secret is None:
        return ""
    if secret.file is None:
        return secret.value or ""
    path = loaded.folder / secret.file
    try:
        return path.read_text().strip()
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise BadConfig([loaded.problem(f"{path} cannot be read: {why}", "database", "url")]) from None


def warn_of_database(loaded: Loaded, place: DatabasePlace | None) -> list[Problem]:
    """Of a password that many can read, and of a server that may be anybody's."""
    if place is None or not place.url:
        return []
    from stockade.stores.postgresql import is_here, read_url

    url, warnings = read_url(place.url), []
    secret = loaded.config.database.url
    if secret is not None and secret.inline and url.password is not None:
        warnings.append(loaded.problem(f"the password of the database {INLINE}", "database", "url"))
    if not is_here(url) and (not place.tls.verify or place.tls.required is False):
        key = "required" if place.tls.required is False else "verify"
        text = "the database need not prove who it is: whoever stands between can read and change all keys"
        warnings.append(loaded.problem(text, "database", "tls", key))
    return warnings
