"""calendars: feeds of a place or of every centre, their options, rendered events, invitations to advisers"""

import sqlalchemy as sa
from alembic import op

import rdv.db


revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

# Filled by the migration, then by the application alone.
WITHOUT_DEFAULT = ('shows_due', 'shows_free', 'shows_closures', 'shows_cancelled', 'timezone')
ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('rendered_event',
    sa.Column('id', ID, nullable=False),
    sa.Column('booking_id', ID, nullable=True),
    sa.Column('slot_id', ID, nullable=True),
    sa.Column('variant', sa.String(length=10), nullable=False),
    sa.Column('stamp', sa.String(length=32), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('rendered_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(booking_id IS NULL) <> (slot_id IS NULL)', name=op.f('ck_rendered_event_subject')),
    sa.ForeignKeyConstraint(['booking_id'], ['booking.id'], name=op.f('fk_rendered_event_booking_id_booking'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['slot_id'], ['slot.id'], name=op.f('fk_rendered_event_slot_id_slot'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rendered_event')),
    sa.UniqueConstraint('booking_id', 'variant', name=op.f('uq_rendered_event_booking_id_variant')),
    sa.UniqueConstraint('slot_id', 'variant', name=op.f('uq_rendered_event_slot_id_variant'))
    )
    with op.batch_alter_table('rendered_event', schema=None) as batch_op:
        batch_op.create_index('ix_rendered_event_rendered_at', ['rendered_at'], unique=False)

    op.create_table('sent_invitation',
    sa.Column('id', ID, nullable=False),
    sa.Column('user_id', ID, nullable=False),
    sa.Column('uid', sa.String(length=80), nullable=False),
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('starts_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('ends_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('created_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_sent_invitation_user_id_user_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sent_invitation')),
    sa.UniqueConstraint('user_id', 'uid', name=op.f('uq_sent_invitation_user_id_uid'))
    )
    with op.batch_alter_table('sent_invitation', schema=None) as batch_op:
        batch_op.create_index('ix_sent_invitation_ends_at', ['ends_at'], unique=False)

    with op.batch_alter_table('user_account', schema=None) as batch_op:
        batch_op.add_column(sa.Column('invitations_since', rdv.db.UTCDateTime(timezone=True), nullable=True))

    with op.batch_alter_table('calendar_feed', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_calendar_feed_scope'), type_='check')
        batch_op.alter_column('cfa_id', existing_type=ID, nullable=True)
        batch_op.add_column(sa.Column('site_id', ID, nullable=True))
        batch_op.add_column(sa.Column('shows_due', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('shows_free', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('shows_closures', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('shows_cancelled', sa.Boolean(), nullable=False, server_default=sa.true()))
        batch_op.add_column(sa.Column('timezone', sa.String(length=40), nullable=False, server_default='Europe/Paris'))
        batch_op.add_column(sa.Column('served_etag', sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column('changed_at', rdv.db.UTCDateTime(timezone=True), nullable=True))
        batch_op.create_index(batch_op.f('ix_calendar_feed_site_id'), ['site_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_calendar_feed_site_id_site'), 'site', ['site_id'], ['id'], ondelete='CASCADE')
        batch_op.create_check_constraint(op.f('ck_calendar_feed_scope'), "scope IN ('adviser', 'site', 'cfa')")
        batch_op.create_check_constraint(op.f('ck_calendar_feed_site'), "(scope = 'site') = (site_id IS NOT NULL)")
        batch_op.create_check_constraint(op.f('ck_calendar_feed_cfa'), "cfa_id IS NOT NULL OR scope = 'adviser'")
    with op.batch_alter_table('calendar_feed', schema=None) as batch_op:
        for column in WITHOUT_DEFAULT:
            batch_op.alter_column(column, server_default=None)


def downgrade() -> None:
    # What the former shape cannot hold.
    op.execute("DELETE FROM calendar_feed WHERE cfa_id IS NULL OR scope = 'site'")
    with op.batch_alter_table('calendar_feed', schema=None) as batch_op:
        for constraint in ('cfa', 'site', 'scope'):
            batch_op.drop_constraint(op.f(f'ck_calendar_feed_{constraint}'), type_='check')
        batch_op.drop_constraint(batch_op.f('fk_calendar_feed_site_id_site'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_calendar_feed_site_id'))
        for column in ('site_id', *WITHOUT_DEFAULT, 'served_etag', 'changed_at'):
            batch_op.drop_column(column)
        batch_op.alter_column('cfa_id', existing_type=ID, nullable=False)
        batch_op.create_check_constraint(op.f('ck_calendar_feed_scope'), "scope IN ('adviser', 'cfa')")
    with op.batch_alter_table('user_account', schema=None) as batch_op:
        batch_op.drop_column('invitations_since')
    op.drop_table('sent_invitation')
    op.drop_table('rendered_event')
