"""What the domain enqueues is what the mails can tell: each act, through the same functions as the pages, to a mailbox."""

from collections import Counter
from email import message_from_bytes
from email.policy import SMTP

import pytest
import sqlalchemy as sa

from rdv import accounts, booking, booking_for, clock, delivery, inbox, memberships, personal_links
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.models import Booking
from tests import make
from tests.support.mail_cases import NOW

ZOE = Candidate("Zoé", "Lambert", "zoe@courriel.example", "+33199001234")


@pytest.fixture
def mailbox(app, freeze, instance_dir):
    """`mailbox()` delivers what is due and returns the new mails: (recipient, subject)."""
    freeze(NOW)
    seen = set()

    def read():
        delivery.deliver_due()
        new = [path for path in (instance_dir / "outbox").glob("*.eml") if path not in seen]
        seen.update(new)
        mails = [message_from_bytes(path.read_bytes(), policy=SMTP) for path in new]
        return Counter((mail["To"], mail["Subject"].replace("\u00a0", " ")) for mail in mails)

    return read


@pytest.fixture
def house(app, freeze):
    freeze(NOW)
    cfa = make.cfa(name="CFA des Tilleuls", email="accueil@cfa.example")
    site = make.site(cfa, email=None)
    return cfa, site, make.adviser(cfa, email="bob@cfa.example"), make.adviser(cfa, email="eva@cfa.example")


def _held(booked):
    return db.session.scalars(sa.select(Booking).where(Booking.request_id == booked.request_id)).one()


def test_a_meeting_booked_moved_and_cancelled(house, mailbox):
    _cfa, site, bob, eva = house
    first = make.slot(bob, site, starts_at="2026-12-01T14:00")
    second = make.slot(eva, site, starts_at="2026-12-02T10:20")
    with transaction():
        booked = booking.book(first, ZOE, Submission("essai", "x"), clock.now())
    assert mailbox() == {
        ("zoe@courriel.example", "Rendez-vous confirmé : mardi 1er décembre à 14 h"): 1,
        ("bob@cfa.example", "Nouveau rendez-vous : mardi 1er décembre à 14 h"): 1,
    }
    held = _held(booked)
    with transaction():
        booking.move(held, second, "staff", clock.now(), user=make.manager(_cfa))
    assert mailbox() == {
        ("zoe@courriel.example", "Rendez-vous déplacé : mercredi 2 décembre à 10 h 20"): 1,
        ("bob@cfa.example", "Rendez-vous déplacé : mercredi 2 décembre à 10 h 20"): 1,
        ("eva@cfa.example", "Rendez-vous déplacé : mercredi 2 décembre à 10 h 20"): 1,
    }
    with transaction():
        booking.cancel(held, "candidate", clock.now())
    assert mailbox() == {
        ("zoe@courriel.example", "Rendez-vous annulé : mercredi 2 décembre à 10 h 20"): 1,
        ("eva@cfa.example", "Rendez-vous annulé : mercredi 2 décembre à 10 h 20"): 1,
    }


def test_an_adviser_who_left_reads_nothing_more_and_the_managers_do(house, mailbox, instance_dir):
    cfa, site, bob, _eva = house
    alice = make.manager(cfa)
    slot = make.slot(bob, site, starts_at="2026-12-01T14:00")
    with transaction():
        booked = booking.book(slot, ZOE, Submission("essai", "x"), clock.now())
    with transaction():
        memberships.end(bob.memberships[0], by=alice)
    assert set(mailbox()) == {("zoe@courriel.example", "Rendez-vous confirmé : mardi 1er décembre à 14 h")}
    (confirmation,) = (instance_dir / "outbox").glob("*.eml")
    assert message_from_bytes(confirmation.read_bytes(), policy=SMTP)["Reply-To"] == "accueil@cfa.example"
    with transaction():
        booking.cancel(_held(booked), "candidate", clock.now())
    assert {to for to, _ in mailbox()} == {"zoe@courriel.example", alice.email}


def test_booked_and_cancelled_before_any_mail_left(house, mailbox):
    _cfa, site, bob, _eva = house
    slot = make.slot(bob, site, starts_at="2026-12-01T14:00")
    with transaction():
        booked = booking.book(slot, ZOE, Submission("essai", "x"), clock.now())
    with transaction():
        booking.cancel(_held(booked), "candidate", clock.now())
    assert {subject.split(" :")[0] for _to, subject in mailbox()} == {"Rendez-vous annulé"}


def test_a_message_received_answered_and_its_link_sent_again(house, mailbox):
    cfa, _site, bob, _eva = house
    with transaction():
        request = inbox.open_request("message", cfa, ZOE, Submission("essai", "x"), clock.now())
    assert mailbox() == {
        ("zoe@courriel.example", "Votre message est enregistré"): 1,
        ("accueil@cfa.example", "Message d’un candidat"): 1,
    }
    with transaction():
        inbox.answer(request, "Bonjour, c’est d’accord.", "staff", clock.now(), user=bob)
        personal_links.send_again(request, clock.now())
    assert mailbox() == {
        ("zoe@courriel.example", "CFA des Tilleuls vous a répondu"): 1,
        ("zoe@courriel.example", "Le lien de votre page personnelle"): 1,
    }


def test_people_invited_and_passwords_forgotten(house, mailbox):
    cfa, _site, bob, _eva = house
    other = make.cfa(name="CFA des Ormes")
    with transaction():
        memberships.invite(cfa, "dina@cfa.example", "Dina", "Petit", "adviser")
        memberships.invite(other, bob.email, "Bob", "Garnier", "adviser")
        accounts.send_reset("eva@cfa.example")
    assert mailbox() == {
        ("dina@cfa.example", "Votre invitation à RDV Apprentissage"): 1,
        ("bob@cfa.example", "Vous avez accès à un nouveau centre de formation"): 1,
        ("eva@cfa.example", "Choisir un nouveau mot de passe"): 1,
    }


def test_two_moves_before_the_mails_leave_tell_who_lost_the_meeting_once(house, mailbox):
    cfa, site, bob, eva = house
    carla = make.adviser(cfa, email="carla@cfa.example")
    held = make.booking(make.slot(bob, site, starts_at="2026-12-01T14:00"))
    for adviser in (eva, carla, eva, carla):
        target = make.slot(adviser, site, starts_at="2026-12-02T10:20")
        with transaction():
            booking.move(held, target, "staff", clock.now(), user=make.manager(cfa))
    told = {to: count for (to, _), count in mailbox().items() if to.endswith("@cfa.example")}
    assert (told["bob@cfa.example"], told["carla@cfa.example"]) == (1, 1)


def test_a_meeting_cancelled_and_taken_up_again_before_the_mails_leave_is_confirmed_once(house, mailbox):
    _cfa, site, bob, _eva = house
    slot = make.slot(bob, site, starts_at="2026-12-01T14:00")
    with transaction():
        booked = booking.book(slot, ZOE, Submission("essai", "x"), clock.now())
    held = _held(booked)
    with transaction():
        booking.cancel(held, "candidate", clock.now())
    with transaction():
        booking_for.book(slot, held.request, clock.now(), bob)
    assert mailbox() == {("zoe@courriel.example", "Rendez-vous confirmé : mardi 1er décembre à 14 h"): 1}
