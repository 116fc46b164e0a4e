"""Users: their passwords, second factors and places, and what was done to them by whom."""

from __future__ import annotations

import sqlalchemy as sql
from alembic import op

revision = "0002_users"
down_revision = "0001_api_keys"
branch_labels = None
depends_on = None

_TABLES = ("users", "user_passwords", "user_places", "user_audit", "user_names_retired", "user_factors", "user_codes")


def upgrade() -> None:
    _users()
    _factors()
    for table in ("user_passwords", "user_audit", "user_factors", "user_codes"):
        op.create_index(f"ix_{table}_user", table, ["user"])


def _users() -> None:
    op.create_table(
        "users",
        sql.Column("id", sql.String(32), primary_key=True),
        sql.Column("name", sql.String(128), nullable=False, unique=True),
        sql.Column("password", sql.String(512), nullable=False),
        sql.Column("password_set", sql.Float, nullable=False),
        sql.Column("roles", sql.JSON, nullable=False),
        sql.Column("scopes", sql.JSON, nullable=False),
        sql.Column("tenant", sql.String(256), nullable=False),
        sql.Column("email", sql.String(320), nullable=False),
        sql.Column("created", sql.Float, nullable=False),
        sql.Column("disabled", sql.Float),
        sql.Column("expires", sql.Float),
        sql.Column("stamp", sql.BigInteger, nullable=False),
        sql.Column("factors", sql.JSON, nullable=False),
    )
    op.create_table(
        "user_passwords",
        sql.Column("id", sql.Integer, primary_key=True, autoincrement=True),
        sql.Column("user", sql.String(32), nullable=False),
        sql.Column("password", sql.String(512), nullable=False),
        sql.Column("until", sql.Float, nullable=False),
    )
    op.create_table(
        "user_places",
        sql.Column("user", sql.String(32), primary_key=True),
        sql.Column("place", sql.LargeBinary(32), primary_key=True),
        sql.Column("at", sql.Float, nullable=False),
        sql.Column("strong", sql.Float),
    )
    op.create_table(
        "user_audit",
        sql.Column("id", sql.Integer, primary_key=True, autoincrement=True),
        sql.Column("at", sql.Float, nullable=False),
        sql.Column("actor", sql.String(256), nullable=False),
        sql.Column("user", sql.String(32), nullable=False),
        sql.Column("name", sql.String(128), nullable=False),
        sql.Column("action", sql.String(64), nullable=False),
        sql.Column("detail", sql.JSON, nullable=False),
    )
    op.create_table("user_names_retired", sql.Column("digest", sql.LargeBinary(32), primary_key=True))


def _factors() -> None:
    op.create_table(
        "user_factors",
        sql.Column("id", sql.String(32), primary_key=True),
        sql.Column("user", sql.String(32), nullable=False),
        sql.Column("kind", sql.String(16), nullable=False),
        sql.Column("label", sql.String(128), nullable=False),
        sql.Column("handle", sql.LargeBinary(1024), unique=True),
        sql.Column("sealed", sql.LargeBinary),
        sql.Column("public_key", sql.LargeBinary),
        sql.Column("counter", sql.BigInteger, nullable=False),
        sql.Column("created", sql.Float, nullable=False),
        sql.Column("used", sql.Float),
        sql.Column("confirmed", sql.Boolean, nullable=False),
    )
    op.create_table(
        "user_codes",
        sql.Column("id", sql.String(32), primary_key=True),
        sql.Column("user", sql.String(32), nullable=False),
        sql.Column("purpose", sql.String(64), nullable=False),
        sql.Column("digest", sql.LargeBinary(32), nullable=False),
        sql.Column("expires", sql.Float, nullable=False),
        sql.Column("tries", sql.Integer, nullable=False),
    )


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
