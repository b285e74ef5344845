"""silences of platforms that were told to the service team; requests of a platform by date"""

import sqlalchemy as sa
from alembic import op

import rdv.db


revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('platform_silence',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('platform_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('since', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('expected', sa.Integer(), nullable=False),
    sa.Column('told_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('ended_at', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['platform_id'], ['platform.id'], name=op.f('fk_platform_silence_platform_id_platform'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_platform_silence')),
    sa.UniqueConstraint('platform_id', 'since', name=op.f('uq_platform_silence_platform_id_since'))
    )
    with op.batch_alter_table('candidate_request', schema=None) as batch_op:
        batch_op.create_index('ix_candidate_request_platform_id_created_at', ['platform_id', 'created_at'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('candidate_request', schema=None) as batch_op:
        batch_op.drop_index('ix_candidate_request_platform_id_created_at')
    op.drop_table('platform_silence')
