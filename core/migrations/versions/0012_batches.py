"""assignments of many cases at once, to be undone; an index out of which SQLite answers the desk's lists alone"""

import sqlalchemy as sa
from alembic import op

revision = "0012_batches"
down_revision = "0011_contacts"

OPEN = sa.text("closed_at IS NULL")
OPEN_COLUMNS = ["region", "due_at", "urgency", "assignee_id", "paused_at", "danger", "reach", "closed_at", "id"]


def upgrade() -> None:
    op.create_table(
        "case_batches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("to_account", sa.Integer(), nullable=False),
        sa.Column("was", sa.Text(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_case_batches_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_batches")),
    )
    op.create_index("ix_case_batches_account_id", "case_batches", ["account_id"])
    # SQLite looks closed_at up in the table, though the index holds open cases only, unless it is in the index too
    op.drop_index("ix_cases_open", "cases")
    op.create_index("ix_cases_open", "cases", OPEN_COLUMNS, sqlite_where=OPEN, postgresql_where=OPEN)


def downgrade() -> None:
    op.drop_index("ix_cases_open", "cases")
    before = [column for column in OPEN_COLUMNS if column != "closed_at"]
    op.create_index("ix_cases_open", "cases", before, sqlite_where=OPEN, postgresql_where=OPEN)
    op.drop_table("case_batches")
