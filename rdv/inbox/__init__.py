"""Requests of candidates on the CFA's side: open, answer, follow, close. The state is the fold of events (`state`)."""

from __future__ import annotations

import sqlalchemy as sa

from rdv.db import db
from rdv.errors import NotFound, RequestErased
from rdv.inbox import calling as calling
from rdv.inbox import repair as repair
from rdv.inbox import state as state
from rdv.inbox.acts import UNDO as UNDO
from rdv.inbox.acts import add_candidate_note as add_candidate_note
from rdv.inbox.acts import answer as answer
from rdv.inbox.acts import answered_elsewhere as answered_elsewhere
from rdv.inbox.acts import assign as assign
from rdv.inbox.acts import change_windows as change_windows
from rdv.inbox.acts import close as close
from rdv.inbox.acts import log_call as log_call
from rdv.inbox.acts import note as note
from rdv.inbox.acts import promise as promise
from rdv.inbox.acts import rebuild as rebuild
from rdv.inbox.acts import record as record
from rdv.inbox.acts import reopen as reopen
from rdv.inbox.acts import revoke_links as revoke_links
from rdv.inbox.acts import take as take
from rdv.inbox.acts import wake_as_call as wake_as_call
from rdv.inbox.asking_again import SAME_ASK as SAME_ASK
from rdv.inbox.asking_again import open_or_add as open_or_add
from rdv.inbox.counts import MOST as MOST
from rdv.inbox.counts import Counters as Counters
from rdv.inbox.counts import count as count
from rdv.inbox.counts import counters as counters
from rdv.inbox.counts import counts as counts
from rdv.inbox.counts import in_words as in_words
from rdv.inbox.counts import latest as latest
from rdv.inbox.counts import named as named
from rdv.inbox.filters import Filter as Filter
from rdv.inbox.following import following as following
from rdv.inbox.lists import chosen as chosen
from rdv.inbox.lists import last_words as last_words
from rdv.inbox.opening import arrival as arrival
from rdv.inbox.opening import earlier as earlier
from rdv.inbox.opening import open_request as open_request
from rdv.inbox.opening import promised as promised
from rdv.inbox.opening import tell_cfa as tell_cfa
from rdv.inbox.pages import PAGE as PAGE
from rdv.inbox.pages import Cursor as Cursor
from rdv.inbox.pages import Page as Page
from rdv.inbox.pages import page as page
from rdv.inbox.people import answerable_for as answerable_for
from rdv.inbox.people import colleagues as colleagues
from rdv.inbox.people import main_site as main_site
from rdv.inbox.people import managers as managers
from rdv.inbox.people import number_of as number_of
from rdv.inbox.people import phone_of as phone_of
from rdv.inbox.people import team as team
from rdv.inbox.people import team_of as team_of
from rdv.inbox.people import works_for as works_for
from rdv.inbox.replying import may_call as may_call
from rdv.inbox.replying import may_write as may_write
from rdv.inbox.replying import new_windows as new_windows
from rdv.inbox.replying import reply as reply
from rdv.inbox.same import same_name as same_name
from rdv.inbox.same import same_person as same_person
from rdv.inbox.same import with_contact as with_contact
from rdv.inbox.state import TO_TREAT as TO_TREAT
from rdv.inbox.telling import Recipient as Recipient
from rdv.inbox.telling import address_of as address_of
from rdv.inbox.telling import receivers as receivers
from rdv.inbox.telling import tell as tell
from rdv.inbox.undo import last_event as last_event
from rdv.inbox.undo import settled as settled
from rdv.inbox.undo import settled_state as settled_state
from rdv.inbox.undo import undo as undo
from rdv.inbox.undo import undoable as undoable
from rdv.inbox.words import CALL_RESULTS as CALL_RESULTS
from rdv.inbox.words import CLOSING_OUTCOMES as CLOSING_OUTCOMES
from rdv.inbox.words import MODE_LABELS as MODE_LABELS
from rdv.inbox.words import NOT_REACHED as NOT_REACHED
from rdv.inbox.words import OUTCOME_LABELS as OUTCOME_LABELS
from rdv.inbox.words import STATUS_LABELS as STATUS_LABELS
from rdv.inbox.words import TRANSITIONS as TRANSITIONS
from rdv.models import CandidateRequest


def get_for_cfa(cfa_id: int, public_id: str) -> CandidateRequest:
    """Return a request of this CFA, or raise NotFound, or RequestErased when it is only a figure any more."""
    found = db.session.scalar(
        sa.select(CandidateRequest).where(CandidateRequest.public_id == public_id, CandidateRequest.cfa_id == cfa_id)
    )
    if found is None:
        raise NotFound("Cette demande n’existe pas dans votre centre.")
    if found.erased_at is not None:
        raise RequestErased(found)
    return found


def get_by_public_id(public_id: str) -> CandidateRequest:
    """Return a request named by a signed link, or raise NotFound, or RequestErased: the caller has checked the link."""
    found = db.session.scalar(sa.select(CandidateRequest).where(CandidateRequest.public_id == public_id))
    if found is None:
        raise NotFound
    if found.erased_at is not None:
        raise RequestErased(found)
    return found
