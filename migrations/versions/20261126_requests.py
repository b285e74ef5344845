"""requests answered: attempts, follow-ups, saved replies, bounces, first answers, notices"""

import sqlalchemy as sa
from alembic import op

import rdv.db


revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


KINDS = (
    'created', 'assigned', 'answer', 'call', 'note', 'closed', 'reopened', 'booked', 'moved', 'cancelled', 'opened_by_cfa',
    'link_sent', 'attendance', 'waitlisted', 'offered', 'offer_ended', 'left_waitlist', 'presence', 'late', 'slot_changed',
)
NEW_KINDS = (
    'answered_elsewhere', 'candidate_note', 'windows', 'undone', 'follow_up', 'contact_check', 'mail_failed',
    'redirect_asked', 'redirected',
)
MAIL_EVENTS = "('delivered', 'deferred', 'soft_bounce', 'hard_bounce', 'blocked', 'complaint', 'unsubscribed')"
# Filled by the migration, then by the application alone.
WITHOUT_DEFAULT = {
    'candidate_request': ('attempts', 'rung', 'name_key'), 'cfa': ('reply_values',), 'membership': ('notices',),
    'training': ('reply_values',),
}


def _kinds(kinds: tuple[str, ...]) -> str:
    return "kind IN (" + ", ".join(f"'{kind}'" for kind in kinds) + ")"


def upgrade() -> None:
    op.create_table('saved_reply',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('cfa_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('title', sa.String(length=80), nullable=False),
    sa.Column('reason', sa.String(length=20), nullable=True),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('reviewed_on', sa.Date(), nullable=False),
    sa.Column('reviewed_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('used', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('updated_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['cfa_id'], ['cfa.id'], name=op.f('fk_saved_reply_cfa_id_cfa'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['reviewed_by_id'], ['user_account.id'], name=op.f('fk_saved_reply_reviewed_by_id_user_account'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_reply')),
    sa.UniqueConstraint('cfa_id', 'title', name=op.f('uq_saved_reply_cfa_id_title')),
    sa.UniqueConstraint('public_id', name=op.f('uq_saved_reply_public_id'))
    )
    with op.batch_alter_table('saved_reply', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_saved_reply_cfa_id'), ['cfa_id'], unique=False)

    op.create_table('first_answer',
    sa.Column('request_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('cfa_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('site_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('training_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('platform_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('mode', sa.String(length=10), nullable=False),
    sa.Column('month', sa.Date(), nullable=False),
    sa.Column('minutes', sa.Integer(), nullable=False),
    sa.Column('on_time', sa.Boolean(), nullable=False),
    sa.Column('answered_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("mode IN ('callback', 'message', 'slot')", name=op.f('ck_first_answer_mode')),
    sa.CheckConstraint('minutes >= 0', name=op.f('ck_first_answer_minutes')),
    sa.ForeignKeyConstraint(['cfa_id'], ['cfa.id'], name=op.f('fk_first_answer_cfa_id_cfa'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['platform_id'], ['platform.id'], name=op.f('fk_first_answer_platform_id_platform')),
    sa.ForeignKeyConstraint(['request_id'], ['candidate_request.id'], name=op.f('fk_first_answer_request_id_candidate_request'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_first_answer_site_id_site'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['training_id'], ['training.id'], name=op.f('fk_first_answer_training_id_training'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_first_answer_user_id_user_account')),
    sa.PrimaryKeyConstraint('request_id', name=op.f('pk_first_answer'))
    )
    with op.batch_alter_table('first_answer', schema=None) as batch_op:
        batch_op.create_index('ix_first_answer_cfa', ['cfa_id', 'month', 'minutes'], unique=False)
        batch_op.create_index('ix_first_answer_month', ['month', 'minutes'], unique=False)
        batch_op.create_index('ix_first_answer_site', ['site_id', 'month', 'minutes'], unique=False)

    op.create_table('request_viewer',
    sa.Column('request_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('seen_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('writing_at', rdv.db.UTCDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['request_id'], ['candidate_request.id'], name=op.f('fk_request_viewer_request_id_candidate_request'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_request_viewer_user_id_user_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('request_id', 'user_id', name=op.f('pk_request_viewer'))
    )
    op.create_table('dead_address',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=16), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('reason', sa.String(length=12), nullable=False),
    sa.Column('mail_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('since', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('created_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("reason IN ('delivered', 'deferred', 'soft_bounce', 'hard_bounce', 'blocked', 'complaint', 'unsubscribed')", name=op.f('ck_dead_address_reason')),
    sa.ForeignKeyConstraint(['mail_id'], ['outgoing_mail.id'], name=op.f('fk_dead_address_mail_id_outgoing_mail'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dead_address')),
    sa.UniqueConstraint('email', name=op.f('uq_dead_address_email')),
    sa.UniqueConstraint('public_id', name=op.f('uq_dead_address_public_id'))
    )
    op.create_table('mail_event',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('event_key', sa.String(length=160), nullable=False),
    sa.Column('mail_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.Column('detail', sa.String(length=200), nullable=True),
    sa.Column('created_at', rdv.db.UTCDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("kind IN ('delivered', 'deferred', 'soft_bounce', 'hard_bounce', 'blocked', 'complaint', 'unsubscribed')", name=op.f('ck_mail_event_kind')),
    sa.ForeignKeyConstraint(['mail_id'], ['outgoing_mail.id'], name=op.f('fk_mail_event_mail_id_outgoing_mail'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mail_event')),
    sa.UniqueConstraint('event_key', name=op.f('uq_mail_event_event_key'))
    )
    with op.batch_alter_table('mail_event', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_mail_event_mail_id'), ['mail_id'], unique=False)

    with op.batch_alter_table('candidate_request', schema=None) as batch_op:
        batch_op.add_column(sa.Column('attempts', sa.SmallInteger(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('next_attempt_at', rdv.db.UTCDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('rung', sa.SmallInteger(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('follow_up_at', rdv.db.UTCDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('email_state', sa.String(length=10), nullable=True))
        batch_op.add_column(sa.Column('person_key', sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column('name_key', sa.String(length=170), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('redirected_from_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        batch_op.create_index('ix_candidate_request_follow_up', ['follow_up_at', 'id'], unique=False, sqlite_where=sa.text('follow_up_at IS NOT NULL'), postgresql_where=sa.text('follow_up_at IS NOT NULL'))
        batch_op.create_index('ix_candidate_request_name', ['cfa_id', 'name_key'], unique=False)
        batch_op.create_index('ix_candidate_request_person', ['person_key', 'training_id'], unique=False)
        batch_op.create_index('ix_candidate_request_redirected_from_id', ['redirected_from_id'], unique=False)
        batch_op.create_index('ix_candidate_request_calls', ['cfa_id', 'next_attempt_at', 'id'], unique=False, sqlite_where=sa.text('next_attempt_at IS NOT NULL'), postgresql_where=sa.text('next_attempt_at IS NOT NULL'))
        batch_op.create_index('ix_candidate_request_owned', ['cfa_id', 'owner_id', 'due_at', 'id'], unique=False, sqlite_where=sa.text("status IN ('new', 'in_progress')"), postgresql_where=sa.text("status IN ('new', 'in_progress')"))
        batch_op.create_index('ix_candidate_request_todo', ['cfa_id', 'due_at', 'id'], unique=False, sqlite_where=sa.text("status IN ('new', 'in_progress')"), postgresql_where=sa.text("status IN ('new', 'in_progress')"))
        batch_op.create_foreign_key(batch_op.f('fk_candidate_request_redirected_from_id_candidate_request'), 'candidate_request', ['redirected_from_id'], ['id'], ondelete='SET NULL')

    with op.batch_alter_table('cfa', schema=None) as batch_op:
        batch_op.add_column(sa.Column('reply_values', sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
        batch_op.add_column(sa.Column('answer_median', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('link_seen_at', rdv.db.UTCDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('link_seen_host', sa.String(length=120), nullable=True))

    with op.batch_alter_table('membership', schema=None) as batch_op:
        batch_op.add_column(sa.Column('notices', sa.String(length=10), nullable=False, server_default='digest'))

    with op.batch_alter_table('outgoing_mail', schema=None) as batch_op:
        batch_op.add_column(sa.Column('delivery', sa.String(length=12), nullable=True))
        batch_op.create_index('ix_outgoing_mail_message_id', ['message_id'], unique=False)
        batch_op.create_index('ix_outgoing_mail_to_email', ['to_email', 'created_at'], unique=False)

    with op.batch_alter_table('site', schema=None) as batch_op:
        batch_op.add_column(sa.Column('callback_open', sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column('message_open', sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column('answer_median', sa.Integer(), nullable=True))

    with op.batch_alter_table('training', schema=None) as batch_op:
        batch_op.add_column(sa.Column('callback_open', sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column('message_open', sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column('reply_values', sa.JSON(), nullable=False, server_default=sa.text("'{}'")))

    for table, columns in WITHOUT_DEFAULT.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column in columns:
                batch_op.alter_column(column, server_default=None)
            if table == 'candidate_request':
                batch_op.create_check_constraint(op.f('ck_candidate_request_email_state'), "email_state IN ('doubtful', 'dead')")
            if table == 'membership':
                batch_op.create_check_constraint(op.f('ck_membership_notices'), "notices IN ('each', 'digest', 'late')")
    with op.batch_alter_table('outgoing_mail', schema=None) as batch_op:
        batch_op.create_check_constraint(op.f('ck_outgoing_mail_delivery'), f"delivery IN {MAIL_EVENTS}")
    with op.batch_alter_table('request_event', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_request_event_kind'), type_='check')
        batch_op.create_check_constraint(op.f('ck_request_event_kind'), _kinds(KINDS + NEW_KINDS))
    # Who waited before there were follow-ups is followed up too.
    op.execute(
        "UPDATE candidate_request SET follow_up_at = COALESCE(due_at, last_event_at) WHERE status IN ('new', 'in_progress')"
    )
    op.execute("UPDATE candidate_request SET follow_up_at = last_event_at WHERE status = 'waiting_candidate'")



def downgrade() -> None:
    op.execute("UPDATE candidate_request SET outcome = 'not_for_us' WHERE outcome = 'redirected'")
    op.execute("DELETE FROM request_event WHERE kind NOT IN (" + ", ".join(f"'{kind}'" for kind in KINDS) + ")")
    with op.batch_alter_table('request_event', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_request_event_kind'), type_='check')
        batch_op.create_check_constraint(op.f('ck_request_event_kind'), _kinds(KINDS))
    for table, name in (
        ('outgoing_mail', 'ck_outgoing_mail_delivery'), ('membership', 'ck_membership_notices'),
        ('candidate_request', 'ck_candidate_request_email_state'),
    ):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(op.f(name), type_='check')
    with op.batch_alter_table('training', schema=None) as batch_op:
        batch_op.drop_column('reply_values')
        batch_op.drop_column('message_open')
        batch_op.drop_column('callback_open')

    with op.batch_alter_table('site', schema=None) as batch_op:
        batch_op.drop_column('answer_median')
        batch_op.drop_column('message_open')
        batch_op.drop_column('callback_open')

    with op.batch_alter_table('outgoing_mail', schema=None) as batch_op:
        batch_op.drop_index('ix_outgoing_mail_to_email')
        batch_op.drop_index('ix_outgoing_mail_message_id')
        batch_op.drop_column('delivery')

    with op.batch_alter_table('membership', schema=None) as batch_op:
        batch_op.drop_column('notices')

    with op.batch_alter_table('cfa', schema=None) as batch_op:
        batch_op.drop_column('link_seen_host')
        batch_op.drop_column('link_seen_at')
        batch_op.drop_column('answer_median')
        batch_op.drop_column('reply_values')

    with op.batch_alter_table('candidate_request', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_candidate_request_redirected_from_id_candidate_request'), type_='foreignkey')
        batch_op.drop_index('ix_candidate_request_owned', sqlite_where=sa.text("status IN ('new', 'in_progress')"), postgresql_where=sa.text("status IN ('new', 'in_progress')"))
        batch_op.drop_index('ix_candidate_request_calls', sqlite_where=sa.text('next_attempt_at IS NOT NULL'), postgresql_where=sa.text('next_attempt_at IS NOT NULL'))
        batch_op.drop_index('ix_candidate_request_todo', sqlite_where=sa.text("status IN ('new', 'in_progress')"), postgresql_where=sa.text("status IN ('new', 'in_progress')"))
        batch_op.drop_index('ix_candidate_request_redirected_from_id')
        batch_op.drop_index('ix_candidate_request_person')
        batch_op.drop_index('ix_candidate_request_name')
        batch_op.drop_index('ix_candidate_request_follow_up', sqlite_where=sa.text('follow_up_at IS NOT NULL'), postgresql_where=sa.text('follow_up_at IS NOT NULL'))
        batch_op.drop_column('redirected_from_id')
        batch_op.drop_column('name_key')
        batch_op.drop_column('person_key')
        batch_op.drop_column('email_state')
        batch_op.drop_column('follow_up_at')
        batch_op.drop_column('rung')
        batch_op.drop_column('next_attempt_at')
        batch_op.drop_column('attempts')

    with op.batch_alter_table('mail_event', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_mail_event_mail_id'))

    op.drop_table('mail_event')
    op.drop_table('dead_address')
    op.drop_table('request_viewer')
    with op.batch_alter_table('first_answer', schema=None) as batch_op:
        batch_op.drop_index('ix_first_answer_site')
        batch_op.drop_index('ix_first_answer_month')
        batch_op.drop_index('ix_first_answer_cfa')

    op.drop_table('first_answer')
    with op.batch_alter_table('saved_reply', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_saved_reply_cfa_id'))

    op.drop_table('saved_reply')
