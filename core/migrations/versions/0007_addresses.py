"""addresses of conversations"""

import sqlalchemy as sa
from alembic import op

revision = "0007_addresses"
down_revision = "0006_outbox"


def upgrade() -> None:
    op.create_table(
        "channel_addresses",
        sa.Column("conversation", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("conversation", name=op.f("pk_channel_addresses")),
    )


def downgrade() -> None:
    op.drop_table("channel_addresses")
