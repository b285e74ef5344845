"""requests whose person was erased"""

import sqlalchemy as sa
from alembic import op

import rdv.db

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

KINDS = (
    'created', 'assigned', 'answer', 'call', 'note', 'closed', 'reopened', 'booked', 'moved', 'cancelled', 'opened_by_cfa',
    'link_sent', 'attendance', 'waitlisted', 'offered', 'offer_ended', 'left_waitlist', 'presence', 'late', 'slot_changed',
    'answered_elsewhere', 'candidate_note', 'windows', 'undone', 'follow_up', 'contact_check', 'mail_failed',
    'redirect_asked', 'redirected',
)
CONTACT = "email IS NOT NULL OR phone IS NOT NULL"


def _kinds(kinds: tuple[str, ...]) -> str:
    return "kind IN (" + ", ".join(f"'{kind}'" for kind in kinds) + ")"


def upgrade() -> None:
    with op.batch_alter_table('candidate_request', schema=None) as batch_op:
        batch_op.add_column(sa.Column('erased_at', rdv.db.UTCDateTime(timezone=True), nullable=True))
        batch_op.drop_constraint(op.f('ck_candidate_request_contact'), type_='check')
        batch_op.create_check_constraint(op.f('ck_candidate_request_contact'), f"{CONTACT} OR erased_at IS NOT NULL")
    with op.batch_alter_table('request_event', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_request_event_kind'), type_='check')
        batch_op.create_check_constraint(op.f('ck_request_event_kind'), _kinds((*KINDS, 'erased')))


def downgrade() -> None:
    # What was erased stays so: a mark takes the place of what the former rule asks for.
    op.execute(sa.text("UPDATE candidate_request SET email = '' WHERE erased_at IS NOT NULL"))
    op.execute(sa.text("DELETE FROM request_event WHERE kind = 'erased'"))
    with op.batch_alter_table('request_event', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_request_event_kind'), type_='check')
        batch_op.create_check_constraint(op.f('ck_request_event_kind'), _kinds(KINDS))
    with op.batch_alter_table('candidate_request', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_candidate_request_contact'), type_='check')
        batch_op.drop_column('erased_at')
        batch_op.create_check_constraint(op.f('ck_candidate_request_contact'), CONTACT)
