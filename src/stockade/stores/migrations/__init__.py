"""The tables' history: every database is brought to the newest revision when it is opened, and never back.

A revision is one file in `versions`, called after its id; they form one chain, which alembic walks. A database that
is up to date already costs one query, and alembic is not imported.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import sqlalchemy as sql

from stockade.vocabulary import StoreError

_FOLDER = Path(__file__).parent
_VERSIONS = "stockade_version"  # a name of our own: the database may hold others' tables, and their alembic's


@cache
def known() -> tuple[str, ...]:
    """The ids of all revisions, oldest first."""
    return tuple(sorted(file.stem for file in (_FOLDER / "versions").glob("[0-9]*.py")))


class OlderTables(StoreError):
    """They are not those of this Stockade yet, and whoever found that only looks."""


def migrate(connection: sql.Connection, lock: Callable[[sql.Connection], None] | None = None) -> None:
    """Make or change the tables, within the connection's transaction. Raises StoreError where they are newer than we.

    lock: what keeps others out meanwhile, where the transaction itself does not.
    """
    if is_current(connection):
        return
    if lock is not None:
        lock(connection)
        if is_current(connection):  # somebody did it while we waited
            return
    _upgrade(connection)


def is_current(connection: sql.Connection) -> bool:
    """Whether no revision is missing. Raises StoreError where they are newer than we."""
    if not sql.inspect(connection).has_table(_VERSIONS):
        return False
    version = connection.execute(sql.text(f"SELECT version_num FROM {_VERSIONS}")).scalar_one_or_none()  # noqa: S608
    if version is not None and version not in known():
        raise StoreError(
            f"its tables are at {version}, of a newer Stockade; this one knows them up to {known()[-1]}: update it"
        )
    return bool(version == known()[-1])


def _upgrade(connection: sql.Connection, revision: str = "head") -> None:
    import logging

    from alembic import command
    from alembic.config import Config

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = _VERSIONS
    command.upgrade(config, revision)
