"""casework: deadlines, people at work, history, kin, referrals to departments; indexes for the desk's lists"""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

revision = "0009_casework"
down_revision = "0008_accounts_audit"

OPEN, CALLED = sa.text("closed_at IS NULL"), sa.text("closed_at IS NULL AND assignee_id IS NOT NULL")
CAP = timedelta(days=15)


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    with op.batch_alter_table("cases", schema=None) as batch_op:
        for name, kind, default in (
            ("origin", sa.String(length=10), "self"), ("outside_number", sa.String(length=40), ""),
            ("official_number", sa.String(length=60), ""), ("pause_reason", sa.String(length=40), ""),
            ("reach", sa.SmallInteger(), "12"), ("warnings", sa.SmallInteger(), "0"), ("provisional", sa.Boolean(), sa.false()),
        ):  # fmt: skip
            batch_op.add_column(sa.Column(name, kind, nullable=False, server_default=default))
        batch_op.add_column(sa.Column("name_hash", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("transfer_to", sa.String(length=12), nullable=True))
        batch_op.add_column(sa.Column("assignee_id", sa.Integer(), nullable=True))
        for name in ("due_at", "paused_at", "closed_at", "next_warning_at"):
            batch_op.add_column(sa.Column(name, moment, nullable=True))
        for name in ("since", "cap_at"):  # filled below: SQLite cannot forbid NULL later without writing the table anew
            batch_op.add_column(sa.Column(name, moment, nullable=False, server_default="1970-01-01 00:00:00"))
        batch_op.drop_index(batch_op.f("ix_cases_region"))
        batch_op.drop_index(batch_op.f("ix_cases_state"))
    _date_old_cases()
    op.create_index("ix_cases_region", "cases", ["region", "id", "danger"])
    columns = ["region", "due_at", "urgency", "assignee_id", "paused_at", "danger", "reach", "id"]
    op.create_index("ix_cases_open", "cases", columns, sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index("ix_cases_assignee", "cases", ["assignee_id"], sqlite_where=CALLED, postgresql_where=CALLED)
    for name, column in (("warning", "next_warning_at"), ("transfer", "transfer_to"), ("name", "name_hash")):
        there = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_cases_{name}", "cases", [column], sqlite_where=there, postgresql_where=there)

    op.create_table(
        "case_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("happened_at", moment, nullable=False),
        sa.Column("actor", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("before", sa.String(length=12), nullable=False),
        sa.Column("after", sa.String(length=12), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_events_case_id_cases"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_events")),
    )
    op.create_index("ix_case_events_case_id", "case_events", ["case_id", "id"])
    op.create_table(
        "case_recusals",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_case_recusals_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_recusals_case_id_cases"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", "case_id", name=op.f("pk_case_recusals")),
    )
    op.create_table(
        "case_referrals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(length=20), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("asked_by", sa.Integer(), nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("question", sa.LargeBinary(), nullable=False),
        sa.Column("answered_by", sa.Integer(), nullable=True),
        sa.Column("answered_at", moment, nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_referrals_case_id_cases"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_referrals")),
    )
    op.create_index("ix_case_referrals_case_id", "case_referrals", ["case_id"])
    op.create_index("ix_case_referrals_unit", "case_referrals", ["unit", "region"])


def _date_old_cases() -> None:
    """Cases of before: the cap runs from their report, the step from their last change; what is over is over."""
    connection = op.get_bind()
    moment = sa.DateTime(timezone=True)
    names = ("created_at", "updated_at", "since", "due_at", "cap_at", "closed_at", "next_warning_at")
    cases = sa.table("cases", sa.column("id"), sa.column("state"), *(sa.column(name, moment) for name in names))
    for row in connection.execute(sa.select(cases.c.id, cases.c.state, cases.c.created_at, cases.c.updated_at)).all():
        is_open, cap = row.state in ("reported", "accepted"), row.created_at + CAP
        values = {"since": row.updated_at, "cap_at": cap, "due_at": cap if is_open else None,
                  "next_warning_at": cap if is_open else None, "closed_at": None if is_open else row.updated_at}  # fmt: skip
        connection.execute(cases.update().where(cases.c.id == row.id).values(values))


def downgrade() -> None:
    for table in ("case_referrals", "case_recusals", "case_events"):
        op.drop_table(table)
    for name in ("name", "transfer", "warning", "assignee", "open", "region"):
        op.drop_index(f"ix_cases_{name}", "cases")
    with op.batch_alter_table("cases", schema=None) as batch_op:
        for name in (
            "origin", "outside_number", "official_number", "pause_reason", "reach", "warnings", "provisional", "name_hash",
            "transfer_to", "assignee_id", "since", "due_at", "cap_at", "paused_at", "closed_at", "next_warning_at",
        ):  # fmt: skip
            batch_op.drop_column(name)
        batch_op.create_index(batch_op.f("ix_cases_region"), ["region"])
        batch_op.create_index(batch_op.f("ix_cases_state"), ["state"])
