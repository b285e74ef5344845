"""addresses that people chose, which imports leave alone"""

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None

TABLES = ('cfa', 'site', 'training')


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column('chosen_email', sa.String(length=254), nullable=True))


def downgrade() -> None:
    for table in TABLES:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column('chosen_email')
