"""invitations of advisers: what the last one said of when and where"""

import sqlalchemy as sa
from alembic import op


revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('sent_invitation', schema=None) as batch_op:
        batch_op.add_column(sa.Column('digest', sa.String(length=32), nullable=False, server_default=''))
    with op.batch_alter_table('sent_invitation', schema=None) as batch_op:
        batch_op.alter_column('digest', server_default=None)


def downgrade() -> None:
    with op.batch_alter_table('sent_invitation', schema=None) as batch_op:
        batch_op.drop_column('digest')
