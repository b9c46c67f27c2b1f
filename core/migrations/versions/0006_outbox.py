"""the outbox"""

import sqlalchemy as sa
from alembic import op

revision = "0006_outbox"
down_revision = "0005_reports"


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("recipient", sa.String(length=40), nullable=False),
        sa.Column("batch", sa.String(length=40), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=True),
        sa.Column("provider_id", sa.String(length=64), nullable=True),
        sa.Column("holder", sa.String(length=40), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    queued, sending, live = (
        sa.text(where) for where in ("state = 'queued'", "state = 'sending'", "state in ('queued', 'sending')")
    )
    for name, columns, where in (
        ("ix_outbox_due", ["channel", "priority", "due_at", "id"], queued),
        ("ix_outbox_order", ["recipient", "channel", "priority", "id"], live),
        ("ix_outbox_leases", ["lease_until"], sending),
        ("ix_outbox_batch", ["batch", "state"], None),
        ("ix_outbox_state", ["state", "channel", "id"], None),
        ("ix_outbox_provider_id", ["provider_id"], None),
    ):
        op.create_index(name, "outbox", columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_table("outbox")
