"""roles, passwords and second factors of accounts; the audit log, which refuses to be changed"""

import sqlalchemy as sa
from alembic import op

revision = "0008_accounts_audit"
down_revision = "0007_addresses"


def account_columns() -> list[sa.Column]:
    return [
        sa.Column("unit", sa.String(length=20), nullable=False, server_default=""),
        sa.Column("named", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("must_change", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("second_factor", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("totp_secret", sa.LargeBinary(), nullable=True),
        sa.Column("totp_step", sa.Integer(), nullable=False, server_default="0"),
    ]


REFUSE = {
    "sqlite": [
        "create trigger audit_entries_stay_{verb} before {verb} on audit_entries "
        "begin select raise(abort, 'the audit log is append-only'); end"
    ],
    "postgresql": [
        "create or replace function refuse_change() returns trigger language plpgsql as "
        "$$ begin raise exception 'the audit log is append-only'; end $$",
        "create trigger audit_entries_stay_{verb} before {verb} on audit_entries for each row execute function refuse_change()",
    ],
}


def upgrade() -> None:
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        for column in account_columns():
            batch_op.add_column(column)
    with op.batch_alter_table("desk_sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("verified", sa.Boolean(), nullable=False, server_default=sa.true()))
    # before this, who worked with villagers saw every case of their place: nobody loses sight of one unasked
    op.execute("update accounts set named = true where role in ('village', 'town', 'county')")

    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Integer(), nullable=True),
        sa.Column("verb", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.create_index("ix_audit_entries_subject", ["kind", "subject"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    for verb in ("update", "delete"):
        for statement in REFUSE[op.get_bind().dialect.name]:
            op.execute(statement.format(verb=verb))


def downgrade() -> None:
    op.drop_table("audit_head")
    op.drop_table("audit_entries")
    with op.batch_alter_table("desk_sessions", schema=None) as batch_op:
        batch_op.drop_column("verified")
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        for column in reversed(account_columns()):
            batch_op.drop_column(column.name)
