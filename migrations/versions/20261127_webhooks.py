"""webhooks: where platforms are told, what they are told, which events were relayed"""

import sqlalchemy as sa
from alembic import op

import rdv.db


revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('webhook_endpoint',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('platform_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('url', sa.String(length=500), nullable=False),
    sa.Column('events', sa.JSON(), nullable=False),
    sa.Column('secret_version', sa.Integer(), nullable=False),
    sa.Column('former_until', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('disabled_at', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('last_success_at', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('resting_until', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('claimed_until', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('claim_token', sa.String(length=32), nullable=True),
    sa.Column('created_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['platform_id'], ['platform.id'], name=op.f('fk_webhook_endpoint_platform_id_platform'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_endpoint')),
    sa.UniqueConstraint('public_id', name=op.f('uq_webhook_endpoint_public_id'))
    )
    with op.batch_alter_table('webhook_endpoint', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_webhook_endpoint_platform_id'), ['platform_id'], unique=False)

    op.create_table('webhook_delivery',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('endpoint_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('event_id', sa.String(length=24), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('request_public_id', sa.String(length=16), nullable=True),
    sa.Column('has_contacts', sa.Boolean(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=True),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('attempts', sa.SmallInteger(), nullable=False),
    sa.Column('first_tried_at', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('next_attempt_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('last_status', sa.SmallInteger(), nullable=True),
    sa.Column('last_error', sa.String(length=60), nullable=True),
    sa.Column('delivered_at', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('created_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("kind IN ('created', 'answered', 'booked', 'moved', 'cancelled', 'attended', 'erased', 'test')", name=op.f('ck_webhook_delivery_kind')),
    sa.CheckConstraint("state IN ('pending', 'delivered', 'failed', 'dropped')", name=op.f('ck_webhook_delivery_state')),
    sa.ForeignKeyConstraint(['endpoint_id'], ['webhook_endpoint.id'], name=op.f('fk_webhook_delivery_endpoint_id_webhook_endpoint'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_delivery')),
    sa.UniqueConstraint('endpoint_id', 'event_id', name=op.f('uq_webhook_delivery_endpoint_id_event_id')),
    sa.UniqueConstraint('public_id', name=op.f('uq_webhook_delivery_public_id'))
    )
    with op.batch_alter_table('webhook_delivery', schema=None) as batch_op:
        batch_op.create_index('ix_webhook_delivery_created_at', ['created_at'], unique=False)
        batch_op.create_index('ix_webhook_delivery_pending', ['endpoint_id', 'next_attempt_at', 'id'], unique=False, sqlite_where=sa.text("state = 'pending'"), postgresql_where=sa.text("state = 'pending'"))
        batch_op.create_index(batch_op.f('ix_webhook_delivery_request_public_id'), ['request_public_id'], unique=False)

    # Nobody is told of what happened before: those rows are born relayed, the next ones are not.
    if op.get_bind().dialect.name == 'sqlite':
        op.add_column('request_event', sa.Column('relayed', sa.Boolean(), server_default=sa.false(), nullable=False))
        op.execute(sa.text("UPDATE request_event SET relayed = 1"))
    else:  # without writing the whole table anew
        op.add_column('request_event', sa.Column('relayed', sa.Boolean(), server_default=sa.true(), nullable=False))
        op.alter_column('request_event', 'relayed', server_default=sa.false())
    op.create_index('ix_request_event_to_relay', 'request_event', ['at', 'id'], unique=False, sqlite_where=sa.text("relayed = 0"), postgresql_where=sa.text("NOT relayed"))


def downgrade() -> None:
    op.drop_index('ix_request_event_to_relay', table_name='request_event')
    with op.batch_alter_table('request_event', schema=None) as batch_op:
        batch_op.drop_column('relayed')
    op.drop_table('webhook_delivery')
    op.drop_table('webhook_endpoint')
