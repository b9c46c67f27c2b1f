"""the QR codes of villages"""

import sqlalchemy as sa
from alembic import op

revision = "0013_village_codes"
down_revision = "0012_batches"


def upgrade() -> None:
    op.create_table(
        "village_codes",
        sa.Column("token", sa.String(length=8), nullable=False),
        sa.Column("village", sa.String(length=12), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scans", sa.Integer(), nullable=False),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["accounts.id"], name=op.f("fk_village_codes_created_by_accounts")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_village_codes")),
    )
    op.create_index(op.f("ix_village_codes_village"), "village_codes", ["village"])


def downgrade() -> None:
    op.drop_table("village_codes")
