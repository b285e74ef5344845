"""trainings: whether Parcoursup and Affelnet list them"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COLUMNS = ("parcoursup_visible", "affelnet_visible")


def upgrade() -> None:
    with op.batch_alter_table("training", schema=None) as batch_op:
        for name in COLUMNS:
            batch_op.add_column(sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    # Filled by the migration, then by the application alone.
    with op.batch_alter_table("training", schema=None) as batch_op:
        for name in COLUMNS:
            batch_op.alter_column(name, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("training", schema=None) as batch_op:
        for name in COLUMNS:
            batch_op.drop_column(name)
