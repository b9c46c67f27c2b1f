"""followers and tokens of WeChat"""

import sqlalchemy as sa
from alembic import op

revision = "0010_wechat"
down_revision = "0009_casework"


def upgrade() -> None:
    op.create_table(
        "wechat_followers",
        sa.Column("conversation", sa.String(length=40), nullable=False),
        sa.Column("village", sa.String(length=12), nullable=True),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("conversation", name=op.f("pk_wechat_followers")),
    )
    op.create_table(
        "channel_tokens",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_channel_tokens")),
    )


def downgrade() -> None:
    op.drop_table("channel_tokens")
    op.drop_table("wechat_followers")
