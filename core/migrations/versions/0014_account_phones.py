"""the phone on which somebody of the desk is told of alerts and of the day's deadlines, sealed"""

import sqlalchemy as sa
from alembic import op

revision = "0014_account_phones"
down_revision = "0013_village_codes"


def upgrade() -> None:
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("phone", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.drop_column("phone")
