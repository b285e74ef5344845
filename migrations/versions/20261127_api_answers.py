"""answers of the API, for the same call again; what was bookable on a platform, day by day"""

import sqlalchemy as sa
from alembic import op

import rdv.db


revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('api_answer',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('platform_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('key_hash', sa.String(length=64), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('status', sa.SmallInteger(), nullable=False),
    sa.Column('body', sa.JSON(), nullable=False),
    sa.Column('created_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['platform_id'], ['platform.id'], name=op.f('fk_api_answer_platform_id_platform'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_answer')),
    sa.UniqueConstraint('platform_id', 'key_hash', name=op.f('uq_api_answer_platform_id_key_hash'))
    )
    with op.batch_alter_table('api_answer', schema=None) as batch_op:
        batch_op.create_index('ix_api_answer_created_at', ['created_at'], unique=False)
    op.create_table('bookable_snapshot',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('platform_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['platform_id'], ['platform.id'], name=op.f('fk_bookable_snapshot_platform_id_platform'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bookable_snapshot')),
    sa.UniqueConstraint('platform_id', 'day', name=op.f('uq_bookable_snapshot_platform_id_day'))
    )


def downgrade() -> None:
    op.drop_table('bookable_snapshot')
    with op.batch_alter_table('api_answer', schema=None) as batch_op:
        batch_op.drop_index('ix_api_answer_created_at')
    op.drop_table('api_answer')
