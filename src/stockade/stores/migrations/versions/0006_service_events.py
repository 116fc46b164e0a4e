"""What happened at the token service: its own audit."""

from __future__ import annotations

import sqlalchemy as sql
from alembic import op

revision = "0006_service_events"
down_revision = "0005_login_sessions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service_events",
        sql.Column("id", sql.Integer, primary_key=True, autoincrement=True),
        sql.Column("at", sql.Float, nullable=False),
        sql.Column("event", sql.String(32), nullable=False),
        sql.Column("client", sql.String(64), nullable=False),
        sql.Column("user", sql.String(256), nullable=False),
        sql.Column("address", sql.String(64), nullable=False),
        sql.Column("detail", sql.String(256), nullable=False),
        sql.Column("times", sql.Integer, nullable=False),
    )
    op.create_index("ix_service_events_at", "service_events", ["at"])


def downgrade() -> None:
    op.drop_table("service_events")
