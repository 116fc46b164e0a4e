"""The tables of the token service: clients, grants, tokens, devices, what is used once, revocations, signing keys."""

from __future__ import annotations

import sqlalchemy as sql
from alembic import op

revision = "0003_identity"
down_revision = "0002_users"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _clients()
    _grants()
    _tokens()
    op.create_table(
        "used_once",
        sql.Column("digest", sql.LargeBinary(32), primary_key=True),
        sql.Column("expires", sql.Float, nullable=False, index=True),
    )
    op.create_table(
        "revocations",
        sql.Column("seq", sql.Integer, primary_key=True, autoincrement=True),
        sql.Column("name", sql.String(300), nullable=False),
        sql.Column("before", sql.Float, nullable=False),
        sql.Column("expires", sql.Float, nullable=False, index=True),
    )
    op.create_table(
        "signing_keys",
        sql.Column("kid", sql.String(64), primary_key=True),
        sql.Column("slot", sql.BigInteger, nullable=False),
        sql.Column("generation", sql.Integer, nullable=False),
        sql.Column("public", sql.Text, nullable=False),
        sql.Column("sealed", sql.LargeBinary, nullable=False),
        sql.Column("created", sql.Float, nullable=False),
        sql.Column("expires", sql.Float, nullable=False),
        sql.UniqueConstraint("slot", "generation", name="uq_signing_keys_slot"),
    )


def _clients() -> None:
    op.create_table(
        "clients",
        sql.Column("id", sql.String(64), primary_key=True),
        sql.Column("name", sql.String(128), nullable=False),
        sql.Column("authentication", sql.String(32), nullable=False),
        sql.Column("grants", sql.JSON, nullable=False),
        sql.Column("scopes", sql.JSON, nullable=False),
        sql.Column("audiences", sql.JSON, nullable=False),
        sql.Column("redirects", sql.JSON, nullable=False),
        sql.Column("digest", sql.LargeBinary, nullable=False),
        sql.Column("former", sql.LargeBinary, nullable=False),
        sql.Column("former_until", sql.Float, nullable=False),
        sql.Column("jwks", sql.Text, nullable=False),
        sql.Column("certificate", sql.String(1024), nullable=False),
        sql.Column("tokens", sql.String(16), nullable=False),
        sql.Column("bound", sql.String(16), nullable=False),
        sql.Column("created", sql.Float, nullable=False),
        sql.Column("disabled", sql.Float),
    )


def _grants() -> None:
    op.create_table(
        "grants",
        sql.Column("id", sql.String(64), primary_key=True),
        sql.Column("client", sql.String(64), nullable=False, index=True),
        sql.Column("subject", sql.String(256), nullable=False, index=True),
        sql.Column("scopes", sql.JSON, nullable=False),
        sql.Column("audience", sql.String(256), nullable=False),
        sql.Column("created", sql.Float, nullable=False),
        sql.Column("expires", sql.Float, nullable=False, index=True),
        sql.Column("acr", sql.String(128), nullable=False),
        sql.Column("amr", sql.JSON, nullable=False),
        sql.Column("auth_time", sql.Float),
        sql.Column("revoked", sql.Float),
    )


def _tokens() -> None:
    op.create_table(
        "tokens",
        sql.Column("digest", sql.LargeBinary(32), primary_key=True),
        sql.Column("kind", sql.String(16), nullable=False),
        sql.Column("grant", sql.String(64), nullable=False, index=True),
        sql.Column("issued", sql.Float, nullable=False),
        sql.Column("expires", sql.Float, nullable=False, index=True),
        sql.Column("scopes", sql.JSON, nullable=False),
        sql.Column("used", sql.Float),
        sql.Column("extra", sql.JSON, nullable=False),
    )
    op.create_table(
        "devices",
        sql.Column("digest", sql.LargeBinary(32), primary_key=True),
        sql.Column("user_code", sql.LargeBinary(32), nullable=False, unique=True),
        sql.Column("client", sql.String(64), nullable=False),
        sql.Column("scopes", sql.JSON, nullable=False),
        sql.Column("audience", sql.String(256), nullable=False),
        sql.Column("expires", sql.Float, nullable=False, index=True),
        sql.Column("polled", sql.Float, nullable=False),
        sql.Column("interval", sql.Float, nullable=False),
        sql.Column("state", sql.String(16), nullable=False),
        sql.Column("grant", sql.String(64), nullable=False),
    )


def downgrade() -> None:
    for table in ("signing_keys", "revocations", "used_once", "devices", "tokens", "grants", "clients"):
        op.drop_table(table)
