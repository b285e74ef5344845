"""the tag of the poster that a request came from"""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('candidate_request', schema=None) as batch_op:
        batch_op.add_column(sa.Column('source', sa.String(length=40), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('candidate_request', schema=None) as batch_op:
        batch_op.drop_column('source')
