"""requests for more time, granted by a higher level"""

import sqlalchemy as sa
from alembic import op

revision = "0017_extensions"
down_revision = "0016_sweeps"


def upgrade() -> None:
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("extension_days", sa.SmallInteger(), nullable=True))
        batch_op.add_column(sa.Column("extension_by", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_column("extension_by")
        batch_op.drop_column("extension_days")
