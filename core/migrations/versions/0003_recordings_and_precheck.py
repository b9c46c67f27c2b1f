"""recordings of sections, the county's confirmation of criteria, an open pre-check of a conversation"""

import sqlalchemy as sa
from alembic import op

revision = "0003_recordings"
down_revision = "0002_handoff"


def upgrade() -> None:
    op.create_table(
        "recordings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("sheet", sa.String(length=40), nullable=False),
        sa.Column("section", sa.String(length=60), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("speaker", sa.String(length=40), nullable=False),
        sa.Column("words", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("media_type", sa.String(length=20), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("uploaded_by", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["uploaded_by"], ["accounts.id"], name=op.f("fk_recordings_uploaded_by_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recordings")),
        sa.UniqueConstraint("region", "sheet", "section", "language", name=op.f("uq_recordings_region")),
    )
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recordings_digest"), ["digest"], unique=False)

    op.create_table(
        "precheck_confirmations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("sheet", sa.String(length=40), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=16), nullable=False),
        sa.Column("figures", sa.String(length=400), nullable=False),
        sa.Column("standing", sa.Boolean(), nullable=False),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_precheck_confirmations_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_precheck_confirmations")),
    )
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("precheck", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("precheck_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(batch_op.f("ix_conversations_precheck_until"), ["precheck_until"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_conversations_precheck_until"))
        batch_op.drop_column("precheck_until")
        batch_op.drop_column("precheck")

    op.drop_table("precheck_confirmations")
    op.drop_table("recordings")
