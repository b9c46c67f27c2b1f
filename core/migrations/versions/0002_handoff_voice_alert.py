"""conversations in a person's hands, voice messages, alerts, leases"""

import sqlalchemy as sa
from alembic import op

revision = "0002_handoff"
down_revision = "0001"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=40), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    _alerts()
    op.create_table(
        "handoffs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation", sa.String(length=64), nullable=False),
        sa.Column("open_key", sa.String(length=64), nullable=True),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("reach", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked_from", sa.String(length=32), nullable=True),
        sa.Column("voice_from", sa.String(length=32), nullable=True),
        sa.Column("taken_from", sa.String(length=32), nullable=True),
        sa.Column("taken_by", sa.Integer(), nullable=True),
        sa.Column("spoke", sa.Boolean(), nullable=False),
        sa.Column("waits", sa.Boolean(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.ForeignKeyConstraint(["taken_by"], ["accounts.id"], name=op.f("fk_handoffs_taken_by_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handoffs")),
        sa.UniqueConstraint("open_key", name=op.f("uq_handoffs_open_key")),
    )
    op.create_index(op.f("ix_handoffs_conversation"), "handoffs", ["conversation"])
    op.create_index(op.f("ix_handoffs_state"), "handoffs", ["state"])
    op.create_index(op.f("ix_handoffs_due_at"), "handoffs", ["due_at"])
    op.create_table(
        "voices",
        sa.Column("message_id", sa.String(length=32), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("audio", sa.LargeBinary(), nullable=False),
        sa.Column("transcript", sa.LargeBinary(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("heard_by", sa.String(length=12), nullable=True),
        sa.Column("heard_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["inbound.id"], name=op.f("fk_voices_message_id_inbound"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_voices")),
    )
    with op.batch_alter_table("notices") as notices:
        notices.add_column(sa.Column("who", sa.String(length=10), nullable=False, server_default="bot"))
        notices.add_column(sa.Column("name", sa.LargeBinary(), nullable=True))


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("reach", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("quiet", sa.Boolean(), nullable=False),
        sa.Column("duty_rounds", sa.Integer(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("seen_at", MOMENT, nullable=True),
        sa.Column("seen_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_alerts_case_id_cases"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["seen_by"], ["accounts.id"], name=op.f("fk_alerts_seen_by_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    for column in ("case_id", "state", "source", "due_at"):
        op.create_index(op.f(f"ix_alerts_{column}"), "alerts", [column])
    op.create_table(
        "alert_calls",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("delivered_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name=op.f("fk_alert_calls_alert_id_alerts"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_alert_calls_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_calls")),
    )
    for column in ("alert_id", "delivered_at"):
        op.create_index(op.f(f"ix_alert_calls_{column}"), "alert_calls", [column])


def downgrade() -> None:
    with op.batch_alter_table("notices") as notices:
        notices.drop_column("name")
        notices.drop_column("who")
    for table in ("voices", "handoffs", "alert_calls", "alerts", "leases"):
        op.drop_table(table)
