"""the county's list of households; sweeps over it"""

import sqlalchemy as sa
from alembic import op

revision = "0016_sweeps"
down_revision = "0015_broadcasts"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "households",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("official", sa.String(length=60), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("name_hash", sa.String(length=64), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("people", sa.SmallInteger(), nullable=False),
        sa.Column("changed_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_households")),
        sa.UniqueConstraint("official", name=op.f("uq_households_official")),
    )
    op.create_index("ix_households_region", "households", ["region"])
    op.create_index("ix_households_name_hash", "households", ["name_hash"])
    op.create_table(
        "sweeps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("opened_by", sa.Integer(), nullable=False),
        sa.Column("opened_at", moment, nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("closed_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sweeps")),
    )
    op.create_index("ix_sweeps_region", "sweeps", ["region"])
    op.create_table(
        "sweep_checks",
        sa.Column("sweep_id", sa.Integer(), nullable=False),
        sa.Column("household_id", sa.Integer(), nullable=False),
        sa.Column("result", sa.String(length=10), nullable=False),
        sa.Column("happened_at", moment, nullable=False),
        sa.Column("by", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_sweep_checks_case_id_cases"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["household_id"], ["households.id"], name=op.f("fk_sweep_checks_household_id_households"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["sweep_id"], ["sweeps.id"], name=op.f("fk_sweep_checks_sweep_id_sweeps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sweep_id", "household_id", name=op.f("pk_sweep_checks")),
    )


def downgrade() -> None:
    for table in ("sweep_checks", "sweeps", "households"):
        op.drop_table(table)
