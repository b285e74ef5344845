"""the agenda: series, closures, rules, waiting list, held seats, text messages"""

import sqlalchemy as sa
from alembic import op

import rdv.db


revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


KINDS = (
    'created', 'assigned', 'answer', 'call', 'note', 'closed', 'reopened', 'booked', 'moved', 'cancelled', 'opened_by_cfa',
    'link_sent', 'attendance',
)
NEW_KINDS = ('waitlisted', 'offered', 'offer_ended', 'left_waitlist', 'presence', 'late', 'slot_changed')
# Filled by the migration, then by the application alone.
WITHOUT_DEFAULT = {
    'cfa': ('sms_open',), 'meeting_type': ('guests_allowed', 'guests_counted'), 'slot': ('day_full', 'edited_alone'),
}


def _kinds(kinds: tuple[str, ...]) -> str:
    return "kind IN (" + ", ".join(f"'{kind}'" for kind in kinds) + ")"


def upgrade() -> None:
    op.create_table('booking_rule',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('cfa_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('site_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('meeting_type_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('notice_minutes', sa.Integer(), nullable=True),
    sa.Column('horizon_days', sa.SmallInteger(), nullable=True),
    sa.Column('pause_minutes', sa.SmallInteger(), nullable=True),
    sa.Column('most_a_day', sa.SmallInteger(), nullable=True),
    sa.Column('most_a_person', sa.SmallInteger(), nullable=True),
    sa.Column('opens_at', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('platforms', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('horizon_days BETWEEN 1 AND 550', name=op.f('ck_booking_rule_horizon')),
    sa.CheckConstraint('most_a_day BETWEEN 1 AND 100 AND most_a_person BETWEEN 1 AND 50', name=op.f('ck_booking_rule_most')),
    sa.CheckConstraint('notice_minutes BETWEEN 0 AND 525600', name=op.f('ck_booking_rule_notice')),
    sa.CheckConstraint('pause_minutes BETWEEN 0 AND 240', name=op.f('ck_booking_rule_pause')),
    sa.CheckConstraint('site_id IS NULL OR meeting_type_id IS NULL', name=op.f('ck_booking_rule_scope')),
    sa.ForeignKeyConstraint(['cfa_id'], ['cfa.id'], name=op.f('fk_booking_rule_cfa_id_cfa'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['meeting_type_id'], ['meeting_type.id'], name=op.f('fk_booking_rule_meeting_type_id_meeting_type'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_booking_rule_site_id_site'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_booking_rule'))
    )
    with op.batch_alter_table('booking_rule', schema=None) as batch_op:
        batch_op.create_index('uq_booking_rule_cfa_id', ['cfa_id'], unique=True, sqlite_where=sa.text('site_id IS NULL AND meeting_type_id IS NULL'), postgresql_where=sa.text('site_id IS NULL AND meeting_type_id IS NULL'))
        batch_op.create_index('uq_booking_rule_cfa_id_meeting_type_id', ['cfa_id', 'meeting_type_id'], unique=True)
        batch_op.create_index('uq_booking_rule_cfa_id_site_id', ['cfa_id', 'site_id'], unique=True)

    op.create_table('closure',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('cfa_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('site_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=False),
    sa.Column('starts', sa.Time(), nullable=True),
    sa.Column('ends', sa.Time(), nullable=True),
    sa.Column('label', sa.String(length=120), nullable=True),
    sa.Column('created_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('created_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(starts IS NULL) = (ends IS NULL) AND (starts IS NULL OR (first_day = last_day AND ends > starts))', name=op.f('ck_closure_hours')),
    sa.CheckConstraint('last_day >= first_day', name=op.f('ck_closure_order')),
    sa.CheckConstraint('site_id IS NULL OR user_id IS NULL', name=op.f('ck_closure_scope')),
    sa.ForeignKeyConstraint(['cfa_id'], ['cfa.id'], name=op.f('fk_closure_cfa_id_cfa'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['created_by_id'], ['user_account.id'], name=op.f('fk_closure_created_by_id_user_account'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_closure_site_id_site'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_closure_user_id_user_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_closure')),
    sa.UniqueConstraint('public_id', name=op.f('uq_closure_public_id'))
    )
    with op.batch_alter_table('closure', schema=None) as batch_op:
        batch_op.create_index('ix_closure_cfa_id_last_day', ['cfa_id', 'last_day'], unique=False)
        batch_op.create_index(batch_op.f('ix_closure_site_id'), ['site_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_closure_user_id'), ['user_id'], unique=False)

    op.create_table('slot_series',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('cfa_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('site_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('adviser_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('meeting_type_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('every_weeks', sa.SmallInteger(), nullable=False),
    sa.Column('weekdays', sa.JSON(), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=True),
    sa.Column('count', sa.SmallInteger(), nullable=True),
    sa.Column('ranges', sa.JSON(), nullable=False),
    sa.Column('duration_minutes', sa.SmallInteger(), nullable=False),
    sa.Column('pause_minutes', sa.SmallInteger(), nullable=False),
    sa.Column('place', sa.String(length=10), nullable=False),
    sa.Column('place_detail', sa.String(length=500), nullable=True),
    sa.Column('capacity', sa.SmallInteger(), nullable=False),
    sa.Column('listed', sa.Boolean(), nullable=False),
    sa.Column('training_scope', sa.String(length=10), nullable=False),
    sa.Column('details', sa.JSON(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("place IN ('on_site', 'phone', 'video')", name=op.f('ck_slot_series_place')),
    sa.CheckConstraint("training_scope IN ('chosen', 'site', 'cfa')", name=op.f('ck_slot_series_training_scope')),
    sa.CheckConstraint('duration_minutes BETWEEN 5 AND 480 AND pause_minutes BETWEEN 0 AND 240', name=op.f('ck_slot_series_duration')),
    sa.CheckConstraint('every_weeks BETWEEN 1 AND 52', name=op.f('ck_slot_series_every_weeks')),
    sa.ForeignKeyConstraint(['adviser_id'], ['user_account.id'], name=op.f('fk_slot_series_adviser_id_user_account')),
    sa.ForeignKeyConstraint(['cfa_id'], ['cfa.id'], name=op.f('fk_slot_series_cfa_id_cfa'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['meeting_type_id'], ['meeting_type.id'], name=op.f('fk_slot_series_meeting_type_id_meeting_type')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_slot_series_site_id_site'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_slot_series')),
    sa.UniqueConstraint('public_id', name=op.f('uq_slot_series_public_id'))
    )
    with op.batch_alter_table('slot_series', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_slot_series_cfa_id'), ['cfa_id'], unique=False)

    op.create_table('seat_hold',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('slot_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('request_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('seats', sa.SmallInteger(), nullable=False),
    sa.Column('until', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('status', sa.String(length=10), nullable=False),
    sa.Column('created_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("kind IN ('waitlist', 'earlier', 'proposal')", name=op.f('ck_seat_hold_kind')),
    sa.CheckConstraint("status IN ('live', 'used', 'expired', 'released')", name=op.f('ck_seat_hold_status')),
    sa.CheckConstraint('seats BETWEEN 1 AND 21', name=op.f('ck_seat_hold_seats')),
    sa.ForeignKeyConstraint(['request_id'], ['candidate_request.id'], name=op.f('fk_seat_hold_request_id_candidate_request'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['slot_id'], ['slot.id'], name=op.f('fk_seat_hold_slot_id_slot'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_seat_hold')),
    sa.UniqueConstraint('public_id', name=op.f('uq_seat_hold_public_id'))
    )
    with op.batch_alter_table('seat_hold', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_seat_hold_request_id'), ['request_id'], unique=False)
        batch_op.create_index('ix_seat_hold_until', ['until', 'id'], unique=False, sqlite_where=sa.text("status = 'live'"), postgresql_where=sa.text("status = 'live'"))
        batch_op.create_index('uq_seat_hold_slot_id_request_id', ['slot_id', 'request_id'], unique=True, sqlite_where=sa.text("status = 'live'"), postgresql_where=sa.text("status = 'live'"))

    op.create_table('outgoing_sms',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('dedup_key', sa.String(length=160), nullable=False),
    sa.Column('to_phone', sa.String(length=20), nullable=False),
    sa.Column('request_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('booking_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('event_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.Column('not_before', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('not_after', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('status', sa.String(length=10), nullable=False),
    sa.Column('attempts', sa.SmallInteger(), nullable=False),
    sa.Column('claimed_until', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('claim_token', sa.String(length=32), nullable=True),
    sa.Column('text', sa.String(length=480), nullable=True),
    sa.Column('provider_id', sa.String(length=80), nullable=True),
    sa.Column('sent_at', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('last_error', sa.String(length=300), nullable=True),
    sa.Column('created_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("status IN ('pending', 'sent', 'dropped', 'failed')", name=op.f('ck_outgoing_sms_status')),
    sa.ForeignKeyConstraint(['booking_id'], ['booking.id'], name=op.f('fk_outgoing_sms_booking_id_booking'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['event_id'], ['request_event.id'], name=op.f('fk_outgoing_sms_event_id_request_event'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['request_id'], ['candidate_request.id'], name=op.f('fk_outgoing_sms_request_id_candidate_request'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outgoing_sms')),
    sa.UniqueConstraint('dedup_key', name=op.f('uq_outgoing_sms_dedup_key')),
    sa.UniqueConstraint('public_id', name=op.f('uq_outgoing_sms_public_id'))
    )
    with op.batch_alter_table('outgoing_sms', schema=None) as batch_op:
        batch_op.create_index('ix_outgoing_sms_pending', ['not_before', 'id'], unique=False, sqlite_where=sa.text("status = 'pending'"), postgresql_where=sa.text("status = 'pending'"))
        batch_op.create_index(batch_op.f('ix_outgoing_sms_request_id'), ['request_id'], unique=False)
        batch_op.create_index('ix_outgoing_sms_to_phone', ['to_phone', 'not_before'], unique=False)

    op.create_table('waitlist_entry',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('cfa_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('request_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('slot_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('booking_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('person_key', sa.String(length=64), nullable=True),
    sa.Column('guests', sa.SmallInteger(), nullable=False),
    sa.Column('seats', sa.SmallInteger(), nullable=False),
    sa.Column('status', sa.String(length=10), nullable=False),
    sa.Column('hold_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('offers', sa.SmallInteger(), nullable=False),
    sa.Column('last_offered_at', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.Column('created_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(kind = 'earlier') = (booking_id IS NOT NULL)", name=op.f('ck_waitlist_entry_booking')),
    sa.CheckConstraint("(kind = 'full') = (slot_id IS NOT NULL)", name=op.f('ck_waitlist_entry_slot')),
    sa.CheckConstraint("kind IN ('full', 'earlier')", name=op.f('ck_waitlist_entry_kind')),
    sa.CheckConstraint("status IN ('waiting', 'offered', 'accepted', 'left', 'closed')", name=op.f('ck_waitlist_entry_status')),
    sa.CheckConstraint('guests BETWEEN 0 AND 20 AND seats BETWEEN 1 AND 21', name=op.f('ck_waitlist_entry_seats')),
    sa.ForeignKeyConstraint(['booking_id'], ['booking.id'], name=op.f('fk_waitlist_entry_booking_id_booking'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['cfa_id'], ['cfa.id'], name=op.f('fk_waitlist_entry_cfa_id_cfa'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['hold_id'], ['seat_hold.id'], name=op.f('fk_waitlist_entry_hold_id_seat_hold'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['request_id'], ['candidate_request.id'], name=op.f('fk_waitlist_entry_request_id_candidate_request'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['slot_id'], ['slot.id'], name=op.f('fk_waitlist_entry_slot_id_slot'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_waitlist_entry')),
    sa.UniqueConstraint('public_id', name=op.f('uq_waitlist_entry_public_id'))
    )
    with op.batch_alter_table('waitlist_entry', schema=None) as batch_op:
        batch_op.create_index('ix_waitlist_entry_earlier', ['cfa_id', 'id'], unique=False, sqlite_where=sa.text("status = 'waiting' AND kind = 'earlier'"), postgresql_where=sa.text("status = 'waiting' AND kind = 'earlier'"))
        batch_op.create_index('ix_waitlist_entry_request_id', ['request_id'], unique=False)
        batch_op.create_index('ix_waitlist_entry_slot_id', ['slot_id', 'id'], unique=False, sqlite_where=sa.text("status = 'waiting'"), postgresql_where=sa.text("status = 'waiting'"))
        batch_op.create_index('uq_waitlist_entry_booking_id', ['booking_id'], unique=True, sqlite_where=sa.text("status IN ('waiting', 'offered')"), postgresql_where=sa.text("status IN ('waiting', 'offered')"))
        batch_op.create_index('uq_waitlist_entry_slot_id_person_key', ['slot_id', 'person_key'], unique=True, sqlite_where=sa.text("status IN ('waiting', 'offered')"), postgresql_where=sa.text("status IN ('waiting', 'offered')"))

    with op.batch_alter_table('booking', schema=None) as batch_op:
        batch_op.add_column(sa.Column('cfa_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        batch_op.add_column(sa.Column('starts_at', rdv.db.UTCDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('guests', sa.SmallInteger(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('seats', sa.SmallInteger(), nullable=False, server_default='1'))
        batch_op.add_column(sa.Column('presence_at', rdv.db.UTCDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('late_minutes', sa.SmallInteger(), nullable=True))
        batch_op.add_column(sa.Column('walk_in', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('cancel_choice', sa.String(length=15), nullable=True))
        batch_op.add_column(sa.Column('kept_closure_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        batch_op.drop_index('uq_booking_slot_id_person_key')
    op.execute(
        "UPDATE booking SET cfa_id = (SELECT cfa_id FROM slot WHERE slot.id = booking.slot_id),"
        " starts_at = (SELECT starts_at FROM slot WHERE slot.id = booking.slot_id)"
    )
    # Two posts at the same instant could seat one person twice at one hour: the later keeps its seat, without its key.
    op.execute(
        "UPDATE booking SET person_key = NULL WHERE status <> 'cancelled' AND EXISTS ("
        "SELECT 1 FROM booking AS earlier WHERE earlier.cfa_id = booking.cfa_id AND earlier.starts_at = booking.starts_at"
        " AND earlier.person_key = booking.person_key AND earlier.status <> 'cancelled' AND earlier.id < booking.id)"
    )
    with op.batch_alter_table('booking', schema=None) as batch_op:
        batch_op.alter_column('cfa_id', existing_type=sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False)
        batch_op.alter_column('starts_at', existing_type=rdv.db.UTCDateTime(timezone=True), nullable=False)
        for column in ('guests', 'seats'):
            batch_op.alter_column(column, existing_type=sa.SmallInteger(), server_default=None)
        batch_op.alter_column('walk_in', existing_type=sa.Boolean(), server_default=None)
        batch_op.create_check_constraint(op.f('ck_booking_seats'), 'guests BETWEEN 0 AND 20 AND seats BETWEEN 1 AND 21')
        batch_op.create_check_constraint(op.f('ck_booking_late'), 'late_minutes BETWEEN 1 AND 120')
        batch_op.create_index('ix_booking_person_key', ['person_key'], unique=False)
        batch_op.create_index('ix_booking_starts_at', ['starts_at', 'id'], unique=False, sqlite_where=sa.text("status = 'booked'"), postgresql_where=sa.text("status = 'booked'"))
        batch_op.create_index('uq_booking_cfa_id_starts_at_person_key', ['cfa_id', 'starts_at', 'person_key'], unique=True, sqlite_where=sa.text("status <> 'cancelled'"), postgresql_where=sa.text("status <> 'cancelled'"))
        batch_op.create_index('ix_booking_kept_closure_id', ['kept_closure_id'], unique=False, sqlite_where=sa.text('kept_closure_id IS NOT NULL'), postgresql_where=sa.text('kept_closure_id IS NOT NULL'))
        batch_op.create_foreign_key(batch_op.f('fk_booking_cfa_id_cfa'), 'cfa', ['cfa_id'], ['id'], ondelete='CASCADE')
        batch_op.create_foreign_key(batch_op.f('fk_booking_kept_closure_id_closure'), 'closure', ['kept_closure_id'], ['id'], ondelete='SET NULL')

    with op.batch_alter_table('request_event', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_request_event_kind'), type_='check')
        batch_op.create_check_constraint(op.f('ck_request_event_kind'), _kinds(KINDS + NEW_KINDS))

    with op.batch_alter_table('candidate_request', schema=None) as batch_op:
        batch_op.add_column(sa.Column('asker_first_name', sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column('asker_last_name', sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column('asker_email', sa.String(length=254), nullable=True))
        batch_op.add_column(sa.Column('asker_phone', sa.String(length=20), nullable=True))
        batch_op.create_index('ix_candidate_request_asker_email', ['asker_email'], unique=False)

    with op.batch_alter_table('cfa', schema=None) as batch_op:
        batch_op.add_column(sa.Column('sms_open', sa.Boolean(), nullable=False, server_default=sa.false()))

    with op.batch_alter_table('meeting_type', schema=None) as batch_op:
        batch_op.add_column(sa.Column('guests_allowed', sa.SmallInteger(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('guests_counted', sa.Boolean(), nullable=False, server_default=sa.false()))

    with op.batch_alter_table('site', schema=None) as batch_op:
        batch_op.add_column(sa.Column('no_slot_told_at', rdv.db.UTCDateTime(timezone=True), nullable=True))

    with op.batch_alter_table('slot', schema=None) as batch_op:
        batch_op.add_column(sa.Column('title', sa.String(length=120), nullable=True))
        batch_op.add_column(sa.Column('programme', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('what_to_bring', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('opens_at', rdv.db.UTCDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('closes_at', rdv.db.UTCDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('day_full', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('series_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        batch_op.add_column(sa.Column('edited_alone', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('closure_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        batch_op.create_index(batch_op.f('ix_slot_closure_id'), ['closure_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_slot_series_id'), ['series_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_slot_closure_id_closure'), 'closure', ['closure_id'], ['id'], ondelete='SET NULL')
        batch_op.create_foreign_key(batch_op.f('fk_slot_series_id_slot_series'), 'slot_series', ['series_id'], ['id'], ondelete='SET NULL')
    for table, columns in WITHOUT_DEFAULT.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column in columns:
                batch_op.alter_column(column, server_default=None)
            if table == 'meeting_type':
                batch_op.create_check_constraint(op.f('ck_meeting_type_guests'), 'guests_allowed BETWEEN 0 AND 20')


def downgrade() -> None:
    with op.batch_alter_table('slot', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_slot_series_id_slot_series'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('fk_slot_closure_id_closure'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_slot_series_id'))
        batch_op.drop_index(batch_op.f('ix_slot_closure_id'))
        batch_op.drop_column('closure_id')
        batch_op.drop_column('edited_alone')
        batch_op.drop_column('series_id')
        batch_op.drop_column('day_full')
        batch_op.drop_column('closes_at')
        batch_op.drop_column('opens_at')
        batch_op.drop_column('what_to_bring')
        batch_op.drop_column('programme')
        batch_op.drop_column('title')

    with op.batch_alter_table('site', schema=None) as batch_op:
        batch_op.drop_column('no_slot_told_at')

    with op.batch_alter_table('meeting_type', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_meeting_type_guests'), type_='check')
        batch_op.drop_column('guests_counted')
        batch_op.drop_column('guests_allowed')

    with op.batch_alter_table('cfa', schema=None) as batch_op:
        batch_op.drop_column('sms_open')

    with op.batch_alter_table('candidate_request', schema=None) as batch_op:
        batch_op.drop_index('ix_candidate_request_asker_email')
        batch_op.drop_column('asker_phone')
        batch_op.drop_column('asker_email')
        batch_op.drop_column('asker_last_name')
        batch_op.drop_column('asker_first_name')

    op.execute("DELETE FROM request_event WHERE kind NOT IN (" + ", ".join(f"'{kind}'" for kind in KINDS) + ")")
    with op.batch_alter_table('request_event', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_request_event_kind'), type_='check')
        batch_op.create_check_constraint(op.f('ck_request_event_kind'), _kinds(KINDS))
    with op.batch_alter_table('booking', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_booking_seats'), type_='check')
        batch_op.drop_constraint(op.f('ck_booking_late'), type_='check')
        batch_op.drop_constraint(batch_op.f('fk_booking_cfa_id_cfa'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('fk_booking_kept_closure_id_closure'), type_='foreignkey')
        batch_op.drop_index('ix_booking_kept_closure_id', sqlite_where=sa.text('kept_closure_id IS NOT NULL'), postgresql_where=sa.text('kept_closure_id IS NOT NULL'))
        batch_op.drop_index('uq_booking_cfa_id_starts_at_person_key', sqlite_where=sa.text("status <> 'cancelled'"), postgresql_where=sa.text("status <> 'cancelled'"))
        batch_op.drop_index('ix_booking_starts_at', sqlite_where=sa.text("status = 'booked'"), postgresql_where=sa.text("status = 'booked'"))
        batch_op.drop_index('ix_booking_person_key')
        batch_op.create_index(batch_op.f('uq_booking_slot_id_person_key'), ['slot_id', 'person_key'], unique=True, sqlite_where=sa.text("status <> 'cancelled'"), postgresql_where=sa.text("status <> 'cancelled'"))
        batch_op.drop_column('kept_closure_id')
        batch_op.drop_column('cancel_choice')
        batch_op.drop_column('walk_in')
        batch_op.drop_column('late_minutes')
        batch_op.drop_column('presence_at')
        batch_op.drop_column('seats')
        batch_op.drop_column('guests')
        batch_op.drop_column('starts_at')
        batch_op.drop_column('cfa_id')

    with op.batch_alter_table('waitlist_entry', schema=None) as batch_op:
        batch_op.drop_index('uq_waitlist_entry_slot_id_person_key', sqlite_where=sa.text("status IN ('waiting', 'offered')"), postgresql_where=sa.text("status IN ('waiting', 'offered')"))
        batch_op.drop_index('uq_waitlist_entry_booking_id', sqlite_where=sa.text("status IN ('waiting', 'offered')"), postgresql_where=sa.text("status IN ('waiting', 'offered')"))
        batch_op.drop_index('ix_waitlist_entry_slot_id', sqlite_where=sa.text("status = 'waiting'"), postgresql_where=sa.text("status = 'waiting'"))
        batch_op.drop_index('ix_waitlist_entry_request_id')
        batch_op.drop_index('ix_waitlist_entry_earlier', sqlite_where=sa.text("status = 'waiting' AND kind = 'earlier'"), postgresql_where=sa.text("status = 'waiting' AND kind = 'earlier'"))

    op.drop_table('waitlist_entry')
    with op.batch_alter_table('outgoing_sms', schema=None) as batch_op:
        batch_op.drop_index('ix_outgoing_sms_to_phone')
        batch_op.drop_index(batch_op.f('ix_outgoing_sms_request_id'))
        batch_op.drop_index('ix_outgoing_sms_pending', sqlite_where=sa.text("status = 'pending'"), postgresql_where=sa.text("status = 'pending'"))

    op.drop_table('outgoing_sms')
    with op.batch_alter_table('seat_hold', schema=None) as batch_op:
        batch_op.drop_index('uq_seat_hold_slot_id_request_id', sqlite_where=sa.text("status = 'live'"), postgresql_where=sa.text("status = 'live'"))
        batch_op.drop_index('ix_seat_hold_until', sqlite_where=sa.text("status = 'live'"), postgresql_where=sa.text("status = 'live'"))
        batch_op.drop_index(batch_op.f('ix_seat_hold_request_id'))

    op.drop_table('seat_hold')
    with op.batch_alter_table('slot_series', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_slot_series_cfa_id'))

    op.drop_table('slot_series')
    with op.batch_alter_table('closure', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_closure_user_id'))
        batch_op.drop_index(batch_op.f('ix_closure_site_id'))
        batch_op.drop_index('ix_closure_cfa_id_last_day')

    op.drop_table('closure')
    with op.batch_alter_table('booking_rule', schema=None) as batch_op:
        batch_op.drop_index('uq_booking_rule_cfa_id_site_id')
        batch_op.drop_index('uq_booking_rule_cfa_id_meeting_type_id')
        batch_op.drop_index('uq_booking_rule_cfa_id', sqlite_where=sa.text('site_id IS NULL AND meeting_type_id IS NULL'), postgresql_where=sa.text('site_id IS NULL AND meeting_type_id IS NULL'))

    op.drop_table('booking_rule')
