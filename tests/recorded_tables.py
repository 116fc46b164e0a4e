"""Tables made from a recording: in a test process alembic walks the migrations once, not for every database.

A walk takes 50 ms, and most tests begin with an empty SQLite file. Everything else is walked: databases that hold
something, servers, gateways, commands of their own process, and all of `test_migrations`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sql

from stockade.stores import migrations

Upgrade = Callable[..., None]
WALK: Upgrade = migrations._upgrade


@contextmanager
def recorded() -> Iterator[None]:
    """While it lasts, tables are made from the recording."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "_upgrade", _playing_back())
        yield


def _playing_back() -> Upgrade:
    statements: list[str] = []

    def upgrade(connection: sql.Connection, revision: str = "head") -> None:
        is_empty_file = connection.dialect.name == "sqlite" and not sql.inspect(connection).get_table_names()
        if revision != "head" or not is_empty_file:
            WALK(connection, revision)
        elif statements:
            for statement in statements:
                connection.exec_driver_sql(statement)
        else:
            WALK(connection)
            statements.extend(_statements(connection))

    return upgrade


def _statements(connection: sql.Connection) -> list[str]:
    driver = connection.connection.driver_connection
    assert driver is not None
    return [line for line in driver.iterdump() if not line.startswith(("BEGIN", "COMMIT"))]
