"""editions of sheets, golden questions, trials; declined questions are settled"""

import sqlalchemy as sa
from alembic import op

revision = "0004_editions"
down_revision = "0003_recordings"

SETTLED_BY = "fk_unanswered_settled_by_accounts"


def upgrade() -> None:
    op.create_table(
        "sheet_editions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("sheet", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("origin", sa.String(length=10), nullable=False),
        sa.Column("base_id", sa.Integer(), nullable=True),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.Integer(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["author_id"], ["accounts.id"], name=op.f("fk_sheet_editions_author_id_accounts")),
        sa.ForeignKeyConstraint(["base_id"], ["sheet_editions.id"], name=op.f("fk_sheet_editions_base_id_sheet_editions")),
        sa.ForeignKeyConstraint(["published_by"], ["accounts.id"], name=op.f("fk_sheet_editions_published_by_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sheet_editions")),
        sa.UniqueConstraint("region", "sheet", "number", name=op.f("uq_sheet_editions_region")),
    )
    with op.batch_alter_table("sheet_editions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sheet_editions_state"), ["state"], unique=False)

    op.create_table(
        "edition_steps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(length=12), nullable=False),
        sa.Column("remark", sa.String(length=400), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_edition_steps_account_id_accounts")),
        sa.ForeignKeyConstraint(["edition_id"], ["sheet_editions.id"], name=op.f("fk_edition_steps_edition_id_sheet_editions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edition_steps")),
    )
    with op.batch_alter_table("edition_steps", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_edition_steps_edition_id"), ["edition_id"], unique=False)

    op.create_table(
        "golden_questions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("question", sa.String(length=120), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("sheet", sa.String(length=40), nullable=False),
        sa.Column("section", sa.String(length=60), nullable=False),
        sa.Column("added_by", sa.Integer(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["added_by"], ["accounts.id"], name=op.f("fk_golden_questions_added_by_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_golden_questions")),
        sa.UniqueConstraint("question", "region", name=op.f("uq_golden_questions_question")),
    )
    op.create_table(
        "edition_trials",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["sheet_editions.id"], name=op.f("fk_edition_trials_edition_id_sheet_editions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edition_trials")),
    )
    with op.batch_alter_table("edition_trials", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_edition_trials_edition_id"), ["edition_id"], unique=False)

    with op.batch_alter_table("unanswered", schema=None) as batch_op:
        batch_op.add_column(sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("settled_by", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("settled_as", sa.String(length=10), nullable=True))
        batch_op.create_index(batch_op.f("ix_unanswered_settled_at"), ["settled_at"], unique=False)
        batch_op.create_foreign_key(batch_op.f(SETTLED_BY), "accounts", ["settled_by"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("unanswered", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f(SETTLED_BY), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_unanswered_settled_at"))
        batch_op.drop_column("settled_as")
        batch_op.drop_column("settled_by")
        batch_op.drop_column("settled_at")
    for table in ("edition_trials", "golden_questions", "edition_steps", "sheet_editions"):
        op.drop_table(table)
