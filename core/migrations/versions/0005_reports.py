"""complaints, tries at a report's state, unfinished and joined reports"""

import sqlalchemy as sa
from alembic import op

revision = "0005_reports"
down_revision = "0004_editions"


def upgrade() -> None:
    op.create_table(
        "complaints",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("about", sa.String(length=12), nullable=False),
        sa.Column("to_region", sa.String(length=12), nullable=False),
        sa.Column("conversation", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["accepted_by"], ["accounts.id"], name=op.f("fk_complaints_accepted_by_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaints")),
    )
    with op.batch_alter_table("complaints", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_complaints_conversation"), ["conversation"], unique=False)
        batch_op.create_index(batch_op.f("ix_complaints_to_region"), ["to_region"], unique=False)

    op.create_table(
        "status_tries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_tries")),
    )
    with op.batch_alter_table("status_tries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_status_tries_conversation"), ["conversation"], unique=False)
        batch_op.create_index(batch_op.f("ix_status_tries_number"), ["number"], unique=False)

    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("last_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("draft_region", sa.String(length=12), nullable=True))
        batch_op.add_column(sa.Column("draft_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("notices_wanted", sa.Boolean(), nullable=True))
        batch_op.create_index(batch_op.f("ix_conversations_draft_region"), ["draft_region"], unique=False)

    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("contact_hash", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("proxy", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("notice", sa.String(length=20), nullable=True))
        batch_op.create_index(batch_op.f("ix_cases_contact_hash"), ["contact_hash"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cases_contact_hash"))
        batch_op.drop_column("notice")
        batch_op.drop_column("proxy")
        batch_op.drop_column("contact_hash")

    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_conversations_draft_region"))
        batch_op.drop_column("notices_wanted")
        batch_op.drop_column("draft_at")
        batch_op.drop_column("draft_region")
        batch_op.drop_column("last_at")

    op.drop_table("status_tries")
    op.drop_table("complaints")
