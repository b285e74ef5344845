"""runs of the catalogue, what they changed, and what it last said of each centre"""

import sqlalchemy as sa
from alembic import op

import rdv.db


revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('catalogue_run',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('source', sa.String(length=500), nullable=False),
    sa.Column('whole', sa.Boolean(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('step', sa.String(length=8), nullable=False),
    sa.Column('owner', sa.String(length=120), nullable=False),
    sa.Column('started_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('beat_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('ended_at', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('digest', sa.String(length=64), nullable=True),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('total', sa.Integer(), nullable=True),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('counts', sa.JSON(), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=True),
    sa.Column('known', sa.Integer(), nullable=True),
    sa.Column('missing_digest', sa.String(length=64), nullable=True),
    sa.Column('allowed_at', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('allowed_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('created_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("state IN ('running', 'done', 'interrupted', 'waiting', 'failed')", name=op.f('ck_catalogue_run_state')),
    sa.CheckConstraint("step IN ('fetch', 'import', 'close')", name=op.f('ck_catalogue_run_step')),
    sa.ForeignKeyConstraint(['allowed_by_id'], ['user_account.id'], name=op.f('fk_catalogue_run_allowed_by_id_user_account'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_catalogue_run')),
    sa.UniqueConstraint('public_id', name=op.f('uq_catalogue_run_public_id'))
    )
    with op.batch_alter_table('catalogue_run', schema=None) as batch_op:
        batch_op.create_index('ix_catalogue_run_started_at', ['started_at'], unique=False)
        batch_op.create_index('uq_catalogue_run_state', ['state'], unique=True, sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))

    op.create_table('catalogue_change',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('run_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('label', sa.String(length=300), nullable=False),
    sa.Column('key', sa.String(length=400), nullable=True),
    sa.Column('fields', sa.JSON(), nullable=False),
    sa.CheckConstraint("kind IN ('added', 'changed', 'place', 'centre', 'reopened', 'replaced', 'closed', 'to_close', 'refused')", name=op.f('ck_catalogue_change_kind')),
    sa.ForeignKeyConstraint(['run_id'], ['catalogue_run.id'], name=op.f('fk_catalogue_change_run_id_catalogue_run'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_catalogue_change'))
    )
    with op.batch_alter_table('catalogue_change', schema=None) as batch_op:
        batch_op.create_index('ix_catalogue_change_run_id', ['run_id', 'kind', 'id'], unique=False)
    op.create_table('catalogue_centre',
    sa.Column('catalogue', sa.String(length=40), nullable=False),
    sa.Column('siret', sa.String(length=14), nullable=False),
    sa.Column('digest', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('catalogue', 'siret', name=op.f('pk_catalogue_centre'))
    )


def downgrade() -> None:
    op.drop_table('catalogue_centre')
    with op.batch_alter_table('catalogue_change', schema=None) as batch_op:
        batch_op.drop_index('ix_catalogue_change_run_id')

    op.drop_table('catalogue_change')
    with op.batch_alter_table('catalogue_run', schema=None) as batch_op:
        batch_op.drop_index('uq_catalogue_run_state')
        batch_op.drop_index('ix_catalogue_run_started_at')

    op.drop_table('catalogue_run')
