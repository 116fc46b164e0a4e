"""The tables of the private authority, of partners, and of the audit of both."""

from __future__ import annotations

import sqlalchemy as sql
from alembic import op

revision = "0004_partners"
down_revision = "0003_identity"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "certificate_authorities",
        sql.Column("role", sql.String(16), primary_key=True),
        sql.Column("certificate", sql.Text, nullable=False),
        sql.Column("sealed_key", sql.LargeBinary, nullable=False),
        sql.Column("trust_domain", sql.String(253), nullable=False),
        sql.Column("list_number", sql.BigInteger, nullable=False),
        sql.Column("created", sql.Float, nullable=False),
    )
    op.create_table(
        "certificates",
        sql.Column("serial", sql.String(40), primary_key=True),
        sql.Column("fingerprint", sql.String(64), nullable=False, unique=True),
        sql.Column("holder", sql.String(63), nullable=False, index=True),
        sql.Column("names", sql.JSON, nullable=False),
        sql.Column("key_digest", sql.String(64), nullable=False, index=True),
        sql.Column("start", sql.Float, nullable=False),
        sql.Column("end", sql.Float, nullable=False),
        sql.Column("revoked", sql.Float),
        sql.Column("reason", sql.String(32), nullable=False),
        sql.Column("replaced_by", sql.String(40)),
        sql.Column("networks", sql.JSON, nullable=False),
        sql.Column("scopes", sql.JSON, nullable=False),
        sql.Column("until", sql.Float),
        sql.Column("pem", sql.Text, nullable=False),
    )
    op.create_table(
        "certificate_names",
        sql.Column("name", sql.String(253), primary_key=True),
        sql.Column("holder", sql.String(63), nullable=False, index=True),
    )
    op.create_table(
        "partners",
        sql.Column("name", sql.String(63), primary_key=True),
        sql.Column("contact", sql.String(256), nullable=False),
        sql.Column("networks", sql.JSON, nullable=False),
        sql.Column("quota_amount", sql.BigInteger),
        sql.Column("quota_unit", sql.String(8)),
        sql.Column("names", sql.JSON, nullable=False),
        sql.Column("scopes", sql.JSON, nullable=False),
        sql.Column("created", sql.Float, nullable=False),
        sql.Column("expires", sql.Float),
        sql.Column("ended", sql.Float),
    )
    op.create_table(
        "partner_clients",
        sql.Column("client", sql.String(64), primary_key=True),
        sql.Column("partner", sql.String(63), nullable=False, index=True),
    )
    op.create_table(
        "credential_audit",
        sql.Column("id", sql.Integer, primary_key=True, autoincrement=True),
        sql.Column("at", sql.Float, nullable=False),
        sql.Column("actor", sql.String(256), nullable=False),
        sql.Column("action", sql.String(64), nullable=False),
        sql.Column("subject", sql.String(256), nullable=False, index=True),
        sql.Column("details", sql.JSON, nullable=False),
    )


def downgrade() -> None:
    for table in (
        "credential_audit",
        "partner_clients",
        "partners",
        "certificate_names",
        "certificates",
        "certificate_authorities",
    ):
        op.drop_table(table)
