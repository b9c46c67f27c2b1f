"""contacts, lists of them, consent"""

import sqlalchemy as sa
from alembic import op

revision = "0011_contacts"
down_revision = "0010_wechat"


def upgrade() -> None:
    op.create_table(
        "outreach_contacts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person", sa.LargeBinary(length=16), nullable=False),
        sa.Column("address", sa.LargeBinary(length=20), nullable=True),
        sa.Column("household", sa.LargeBinary(length=16), nullable=True),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("categories", sa.Integer(), nullable=False),
        sa.Column("hold", sa.Integer(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("messaged_day", sa.Integer(), nullable=False),
        sa.Column("reached_day", sa.Integer(), nullable=False),
        sa.Column("replied_day", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("first_import", sa.Integer(), nullable=False),
        sa.Column("last_import", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outreach_contacts")),
        sa.UniqueConstraint("person", name=op.f("uq_outreach_contacts_person")),
    )
    with op.batch_alter_table("outreach_contacts", schema=None) as batch_op:
        batch_op.create_index("ix_outreach_contacts_address", ["address"], unique=False)
        batch_op.create_index(
            "ix_outreach_contacts_audience",
            ["hold", "region", "categories", "messaged_day", "reached_day", "replied_day", "shared"],
            unique=False,
        )
    op.create_table(
        "outreach_opt_outs",
        sa.Column("address", sa.LargeBinary(length=20), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_outreach_opt_outs")),
    )
    op.create_table(
        "outreach_staged",
        sa.Column("import_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person", sa.LargeBinary(length=16), nullable=False),
        sa.Column("address", sa.LargeBinary(length=20), nullable=True),
        sa.Column("household", sa.LargeBinary(length=16), nullable=True),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("categories", sa.Integer(), nullable=False),
        sa.Column("hold", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "line", name=op.f("pk_outreach_staged")),
    )
    op.create_table(
        "outreach_consents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address", sa.LargeBinary(length=20), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("how", sa.String(length=20), nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=False),
        sa.Column("basis", sa.String(length=80), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_outreach_consents_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outreach_consents")),
    )
    with op.batch_alter_table("outreach_consents", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outreach_consents_address"), ["address"], unique=False)
    op.create_table(
        "outreach_imports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("mapping", sa.String(length=1000), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("slices", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("same", sa.Integer(), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("doubtful", sa.Integer(), nullable=False),
        sa.Column("remarks_bytes", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_outreach_imports_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outreach_imports")),
    )
    op.create_table(
        "outreach_links",
        sa.Column("address", sa.LargeBinary(length=20), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["outreach_contacts.id"],
            name=op.f("fk_outreach_links_contact_id_outreach_contacts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_outreach_links")),
    )
    with op.batch_alter_table("outreach_links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outreach_links_contact_id"), ["contact_id"], unique=False)
    op.create_table(
        "outreach_merges",
        sa.Column("gone", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("hold_before", sa.Integer(), nullable=False),
        sa.Column("categories_before", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_outreach_merges_account_id_accounts")),
        sa.ForeignKeyConstraint(["gone"], ["outreach_contacts.id"], name=op.f("fk_outreach_merges_gone_outreach_contacts")),
        sa.ForeignKeyConstraint(["kept"], ["outreach_contacts.id"], name=op.f("fk_outreach_merges_kept_outreach_contacts")),
        sa.PrimaryKeyConstraint("gone", name=op.f("pk_outreach_merges")),
    )
    with op.batch_alter_table("outreach_merges", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outreach_merges_kept"), ["kept"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("outreach_merges", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outreach_merges_kept"))
    op.drop_table("outreach_merges")
    with op.batch_alter_table("outreach_links", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outreach_links_contact_id"))
    op.drop_table("outreach_links")
    op.drop_table("outreach_imports")
    with op.batch_alter_table("outreach_consents", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outreach_consents_address"))
    op.drop_table("outreach_consents")
    op.drop_table("outreach_staged")
    op.drop_table("outreach_opt_outs")
    with op.batch_alter_table("outreach_contacts", schema=None) as batch_op:
        batch_op.drop_index("ix_outreach_contacts_audience")
        batch_op.drop_index("ix_outreach_contacts_address")
    op.drop_table("outreach_contacts")
