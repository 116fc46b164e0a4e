"""The table of API keys, which the first Stockades made without a history, and the number that tells of changes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql
from alembic import op

from stockade.vocabulary import StoreError

revision = "0001_api_keys"
down_revision = None
branch_labels = None
depends_on = None


def _columns() -> list[sql.Column[Any]]:
    return [
        sql.Column("id", sql.String(32), primary_key=True),
        sql.Column("owner", sql.String(256), nullable=False),
        sql.Column("digest", sql.LargeBinary, nullable=False),
        sql.Column("scopes", sql.JSON, nullable=False),
        sql.Column("networks", sql.JSON, nullable=False),
        sql.Column("created", sql.Float, nullable=False),
        sql.Column("expires", sql.Float),
        sql.Column("revoked", sql.Float),
        sql.Column("replaced_by", sql.String(32)),
        sql.Column("last_used", sql.Float),
    ]


def upgrade() -> None:
    tables = sql.inspect(op.get_bind())
    if tables.has_table("api_keys"):
        if {column["name"] for column in tables.get_columns("api_keys")} != {column.name for column in _columns()}:
            raise StoreError("it has a table api_keys that is not Stockade's")
    else:
        op.create_table("api_keys", *_columns())
        op.create_index("ix_api_keys_owner", "api_keys", ["owner"])
    revisions = op.create_table("stockade_revision", sql.Column("number", sql.BigInteger, nullable=False))
    op.execute(sql.insert(revisions).values(number=1))


def downgrade() -> None:
    op.drop_table("stockade_revision")
    op.drop_table("api_keys")
