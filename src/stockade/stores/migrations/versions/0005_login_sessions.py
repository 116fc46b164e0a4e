"""The table of browsers that are logged in."""

from __future__ import annotations

import sqlalchemy as sql
from alembic import op

revision = "0005_login_sessions"
down_revision = "0002_users"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "login_sessions",
        sql.Column("digest", sql.LargeBinary(32), primary_key=True),
        sql.Column("party", sql.String(512), nullable=False),
        sql.Column("subject", sql.String(256), nullable=False),
        sql.Column("sid", sql.String(256), nullable=False),
        sql.Column("identity", sql.LargeBinary, nullable=False),
        sql.Column("tokens", sql.LargeBinary, nullable=False),
        sql.Column("created", sql.Float, nullable=False),
        sql.Column("seen", sql.Float, nullable=False),
        sql.Column("ends", sql.Float, nullable=False),
        sql.Column("refresh_at", sql.Float),
        sql.Column("stale_at", sql.Float),
        sql.Column("claimed", sql.Float, nullable=False),
    )
    op.create_index("ix_login_sessions_ends", "login_sessions", ["ends"])
    op.create_index("ix_login_sessions_subject", "login_sessions", ["party", "subject"])
    op.create_index("ix_login_sessions_sid", "login_sessions", ["party", "sid"])


def downgrade() -> None:
    op.drop_table("login_sessions")
