"""The staff book for somebody, move and cancel: from a request, from scratch, without a booking; read again at the end."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rdv import clock
from rdv.db import db, transaction
from rdv.models import AuditEntry, Booking, CandidateRequest, OutgoingMail, Slot
from tests import make
from tests.support.pages import sign_in, submit, visit
from tests.support.queries import queries


@pytest.fixture
def place(app, client, freeze):
    clocks = freeze("2026-11-24T08:00Z")
    cfa = make.cfa()
    site, bob = make.site(cfa, name="Campus Nord"), make.adviser(cfa, first_name="Bob", last_name="Garnier")
    sign_in(client, bob)
    return clocks, cfa, site, bob


def mails(kind):
    return [mail.to_email for mail in db.session.scalars(sa.select(OutgoingMail).filter_by(kind=kind))]


def bookings():
    return db.session.scalars(sa.select(Booking).order_by(Booking.id)).all()


ZOE = {"first_name": "Zoé", "last_name": "Lambert", "email": "zoe@courriel.example", "phone": "01 99 00 00 42"}


# -- from a request ---------------------------------------------------------------------------------------------------


def test_from_a_callback_to_a_meeting_in_three_clicks(client, place):
    _clocks, cfa, site, bob = place
    asked = make.candidate_request(cfa, first_name="Lina", last_name="Martin", site_id=site.id)
    slot = make.slot(bob, site, starts_at="2026-12-01T14:00")
    page = visit(client, f"/equipe/demandes/{asked.public_id}")
    page = visit(client, page.link("Prendre rendez-vous"))
    assert page.h1 == "Prendre rendez-vous pour Lina Martin"
    page = visit(client, page.link("Entretien d’orientation"))
    assert page.h1 == "Confirmer le rendez-vous de Lina Martin"
    assert "plus aucune réponse ne sera attendue" in page.text
    assert bookings() == []
    done = submit(client, page, form="confirmer")
    assert f"Rendez-vous pris pour Lina Martin, mardi 1er décembre à 14 h. Référence {asked.reference}." in done.text
    assert "La confirmation part par courriel." in done.text
    assert (asked.status, asked.outcome, slot.seats_taken) == ("closed", "meeting_set", 1)
    assert mails("booking_confirmed") == [asked.email]
    # The second click of a hasty hand, and the button that has gone.
    again = submit(client, page, form="confirmer")
    assert "Rendez-vous pris pour Lina Martin" in again.text
    assert slot.seats_taken == len(bookings()) == 1
    assert "Prendre rendez-vous pour Lina" not in visit(client, f"/equipe/demandes/{asked.public_id}").text


def test_somebody_without_an_address_is_told_on_the_phone(client, place):
    _clocks, cfa, site, bob = place
    asked = make.candidate_request(cfa, email=None)
    slot = make.slot(bob, site)
    page = visit(client, f"/equipe/creneaux/{slot.public_id}/inscrire?demande={asked.public_id}")
    assert "tell" not in page.fields("confirmer")
    done = submit(client, page, form="confirmer")
    assert "Rien n’est envoyé : donnez l’heure et la référence." in done.text
    assert asked.status == "closed"


# -- from scratch -----------------------------------------------------------------------------------------------------


def test_somebody_new_is_read_again_then_booked(client, place):
    _clocks, cfa, site, bob = place
    training = make.training(cfa, site, title="CAP Pâtissier")
    slot = make.slot(bob, site)
    page = visit(client, visit(client, "/equipe/rendez-vous/nouveau").link("Entretien d’orientation"))
    recap = submit(client, page, form="personne", **ZOE, training=training.public_id)
    assert "Confirmer le rendez-vous de Zoé Lambert" in recap.h1
    assert "01 99 00 00 42" in recap.text
    assert "CAP Pâtissier" in recap.text
    assert bookings() == []
    back = submit(client, recap, form="confirmer", button="Corriger les coordonnées")
    assert back.fields("personne")["email"] == ["zoe@courriel.example"]
    done = submit(client, recap, form="confirmer", tell=None)
    assert "Rien n’est envoyé" in done.text
    (held,) = bookings()
    assert (held.request.email, held.request.training_id, slot.seats_taken) == ("zoe@courriel.example", training.id, 1)
    assert mails("booking_confirmed") == []
    # Two clicks, one meeting; the same page used for somebody else is refused.
    submit(client, recap, form="confirmer", tell=None)
    assert len(bookings()) == 1
    other = submit(client, recap, form="confirmer", status=409, first_name="Noé", tell=None)
    assert "Ce formulaire a déjà servi" in other.text
    assert len(bookings()) == 1


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"first_name": ""}, "Indiquez le prénom"),
        ({"email": "zoe", "phone": ""}, "semble incorrecte"),
        ({"email": "", "phone": ""}, "Indiquez une adresse électronique ou un téléphone"),
        ({"email": "", "phone": "7"}, "ne peut pas être appelé"),
    ],
)
def test_what_was_typed_is_kept_with_its_reason(client, place, typed, words):
    _clocks, _cfa, site, bob = place
    page = visit(client, f"/equipe/creneaux/{make.slot(bob, site).public_id}/inscrire")
    kept = submit(client, page, form="personne", status=400, **{**ZOE, **typed})
    assert words in kept.text
    assert kept.fields("personne")["last_name"] == ["Lambert"]
    assert bookings() == []


def test_a_call_asks_for_the_phone_beside_its_field(client, place):
    _clocks, _cfa, site, bob = place
    page = visit(client, f"/equipe/creneaux/{make.slot(bob, site, place='phone').public_id}/inscrire")
    kept = submit(client, page, form="personne", status=400, **{**ZOE, "phone": ""})
    assert "indiquez un numéro" in kept.one("#phone-error").text
    assert kept.fields("personne")["email"] == ["zoe@courriel.example"]


def test_an_old_session_loses_nothing_of_what_was_typed(client, place):
    _clocks, _cfa, site, bob = place
    page = visit(client, f"/equipe/creneaux/{make.slot(bob, site).public_id}/inscrire")
    kept = submit(client, page, form="personne", status=400, **ZOE, csrf_token="d’une autre session")
    assert kept.fields("personne")["email"] == ["zoe@courriel.example"]
    recap = submit(client, page, form="personne", **ZOE)
    kept = submit(client, recap, form="confirmer", status=400, csrf_token="d’une autre session")
    assert kept.fields("personne")["email"] == ["zoe@courriel.example"]
    assert bookings() == []


def test_what_is_known_of_the_person_is_shown_and_can_be_taken_up(client, place):
    _clocks, cfa, site, bob = place
    person = {"email": "zoe@courriel.example", "first_name": "Zoé", "last_name": "Lambert"}
    make.booking(make.slot(bob, site, starts_at="2026-11-03T14:00"), status="no_show", request=person)
    open_one = make.candidate_request(cfa, **person)
    make.candidate_request(make.cfa(), **person)  # another centre's
    slot = make.slot(bob, site)
    recap = submit(client, visit(client, f"/equipe/creneaux/{slot.public_id}/inscrire"), form="personne", **ZOE)
    assert "Historique de la personne (1 absence)" in recap.text
    assert "Rendez-vous du mardi 3 novembre à 14 h Absent" in recap.text
    assert len(recap.all("section[aria-labelledby=history-title] li")) == 2
    taken = visit(client, recap.link("Prendre ce rendez-vous pour cette demande"))
    submit(client, taken, form="confirmer")
    assert open_one.booking.slot_id == slot.id


def test_somebody_known_is_picked_instead_of_typed(client, place):
    _clocks, _cfa, site, bob = place
    person = {"email": "zoe@courriel.example", "search_text": "zoe lambert"}
    make.booking(make.slot(bob, site, starts_at="2026-11-03T14:00"), request=person)
    slot = make.slot(bob, site)
    page = visit(client, f"/equipe/creneaux/{slot.public_id}/inscrire")
    assert "Personne ne correspond" in submit(client, page, form="connue", text="Durand").text
    assert "Indiquez un nom" in submit(client, page, form="connue", text="", status=400).text
    found = submit(client, page, form="connue", text="lambert")
    assert "lambert" not in found.url
    again = visit(client, found.link("Zoé Lambert"))  # that request has its meeting: a new one is made
    assert again.fields("personne")["email"] == ["zoe@courriel.example"]
    recap = submit(client, again, form="personne")
    submit(client, recap, form="confirmer")
    assert [held.slot_id for held in bookings()][1:] == [slot.id]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(CandidateRequest)) == 2


# -- read again on the last step --------------------------------------------------------------------------------------


def test_a_seat_taken_meanwhile_is_told_at_the_last_click(client, place):
    _clocks, _cfa, site, bob = place
    slot = make.slot(bob, site)
    recap = submit(client, visit(client, f"/equipe/creneaux/{slot.public_id}/inscrire"), form="personne", **ZOE)
    assert not recap.all("#avertissements")
    make.booking(slot)
    told = submit(client, recap, form="confirmer", status=409)
    assert "Ce créneau est complet : 1 place prise sur 1." in told.one("#avertissements").text
    assert told.fields("confirmer")["email"] == ["zoe@courriel.example"]
    assert slot.seats_taken == 1
    submit(client, told, form="confirmer", status=409)  # not ticked
    done = submit(client, told, form="confirmer", accepted="full")
    assert "Rendez-vous pris pour Zoé Lambert" in done.text
    assert (slot.seats_taken, slot.extra_seats) == (2, 1)
    assert db.session.scalar(sa.select(AuditEntry.action).where(AuditEntry.action == "slot.overbooked"))


def test_a_full_slot_says_so_on_each_step(client, place):
    _clocks, _cfa, site, bob = place
    slot = make.slot(bob, site)
    make.booking(slot)
    assert slot.public_id not in "".join(visit(client, "/equipe/rendez-vous/nouveau").links("Entretien"))
    choose = visit(client, "/equipe/rendez-vous/nouveau?complets=y")
    assert "Réservé" in choose.text
    recap = submit(client, visit(client, choose.link("Entretien")), form="personne", **ZOE)
    assert recap.all("#avertissements")


def test_another_meeting_of_the_adviser_is_told_too(client, place):
    _clocks, _cfa, site, bob = place
    slot = make.slot(bob, site, starts_at="2026-12-01T14:00")
    recap = submit(client, visit(client, f"/equipe/creneaux/{slot.public_id}/inscrire"), form="personne", **ZOE)
    other = make.slot(bob, site, starts_at="2026-12-01T14:10")
    make.booking(other)
    told = submit(client, recap, form="confirmer", status=409)
    assert "Bob Garnier a un autre rendez-vous de 14 h 10 à 14 h 40" in told.text
    submit(client, told, form="confirmer", accepted=f"overlap:{other.public_id}")
    assert slot.seats_taken == 1


def test_a_slot_that_ends_or_is_cancelled_meanwhile_is_refused(client, place):
    clocks, _cfa, site, bob = place
    slot = make.slot(bob, site, starts_at="2026-11-24T14:00")
    address = f"/equipe/creneaux/{slot.public_id}/inscrire"
    recap = submit(client, visit(client, address), form="personne", **ZOE)
    clocks.to("2026-11-24T14:00Z")
    assert "Ce créneau est passé" in submit(client, recap, form="confirmer", status=409).text
    with transaction():
        db.session.get_one(Slot, slot.id).status = "cancelled"
    assert "Ce créneau est annulé" in visit(client, address, status=409).text


# -- who comes without a booking --------------------------------------------------------------------------------------


def test_who_walks_in_is_on_the_list_at_once(client, place):
    clocks, _cfa, site, bob = place
    slot = make.slot(bob, site, starts_at="2026-11-24T14:00", capacity=12)
    clocks.to("2026-11-24T13:05Z")
    page = visit(client, visit(client, "/equipe/journee").link("Ajouter une personne venue sans rendez-vous"))
    recap = submit(client, page, form="personne", **ZOE)
    done = submit(client, recap, form="confirmer")
    assert "Zoé Lambert est sur la liste, sa présence est notée." in done.text
    assert "Venu sans rendez-vous" in done.text
    (held,) = bookings()
    assert (held.status, held.walk_in, slot.seats_taken) == ("attended", True, 1)
    assert mails("booking_confirmed") == []
    clocks.to("2026-11-24T23:30Z")  # the next day, in Paris
    sign_in(client, bob)
    visit(client, page.url, status=409)


# -- move, guests, cancel ---------------------------------------------------------------------------------------------


def test_a_meeting_moves_to_a_colleagues_full_slot_on_purpose(client, place):
    _clocks, cfa, site, bob = place
    carla = make.adviser(cfa, first_name="Carla", last_name="Petit")
    held = make.booking(make.slot(bob, site))
    target = make.slot(carla, make.site(cfa), starts_at="2026-12-03T09:00")
    make.booking(target)
    page = visit(client, f"/equipe/rendez-vous/{held.public_id}")
    assert "Aucun autre créneau ouvert" in page.text
    choose = visit(client, page.link("Chercher ailleurs"))
    choose = visit(client, choose.url + "&complets=y")
    page = visit(client, choose.link("Entretien").split("#")[0])
    assert "Ce créneau est complet" in page.one("#avertissements").text
    said = "Bob est en jury ce jour-là."
    kept = submit(client, page, form="Nouveau créneau", status=409, **{"move-message": said})
    assert kept.fields("Nouveau créneau")["move-message"] == [said]
    assert target.seats_taken == 1
    done = submit(client, kept, form="Nouveau créneau", accepted="full")
    assert "Rendez-vous déplacé au jeudi 3 décembre à 9 h. Zoé Lambert reçoit un message." in done.text
    assert said in done.text  # in what happened
    assert (held.slot_id, target.seats_taken, target.extra_seats) == (target.id, 2, 1)
    mail = db.session.scalar(sa.select(OutgoingMail).filter_by(kind="booking_moved"))
    assert mail.event.text == said


def test_the_staff_may_tell_people_themselves(client, place):
    _clocks, _cfa, site, bob = place
    held, target = make.booking(make.slot(bob, site)), make.slot(bob, site, starts_at="2026-12-03T09:00")
    page = visit(client, f"/equipe/rendez-vous/{held.public_id}")
    page = submit(client, page, form="Nouveau créneau", **{"move-target": target.public_id, "move-tell": None})
    assert "Rien n’est envoyé à" in page.text
    submit(client, page, form="Message", **{"cancel-tell": None})
    assert held.status == "cancelled"
    assert mails("booking_moved") == mails("booking_cancelled") == []
    assert held.request.status == "closed"


def test_guests_are_changed(client, place):
    _clocks, cfa, site, bob = place
    kind = make.meeting_type(cfa, guests_allowed=2, guests_counted=True)
    slot = make.slot(bob, site, kind, capacity=2)
    held = make.booking(slot)
    page = visit(client, f"/equipe/rendez-vous/{held.public_id}")
    page = submit(client, page, form="Accompagnants", button="Enregistrer", **{"guests-guests": 1})
    assert "Avec 1 accompagnant" in page.text
    told = submit(client, page, form="Accompagnants", button="Enregistrer", status=409, **{"guests-guests": 2})
    assert told.fields("Accompagnants")["guests-guests"] == ["2"]
    done = submit(client, told, form="Accompagnants", button="Enregistrer", accepted="full")
    assert "Avec 2 accompagnants" in done.text
    assert (slot.seats_taken, slot.extra_seats, held.seats) == (3, 1, 3)


# -- choosing ---------------------------------------------------------------------------------------------------------


def test_slots_are_looked_for(client, place):
    _clocks, cfa, site, bob = place
    carla, north = make.adviser(cfa, first_name="Carla", last_name="Petit"), make.site(cfa)
    make.slot(bob, site, starts_at="2026-12-01T09:00")
    make.slot(carla, north, starts_at="2026-12-02T09:00")

    def days(query=""):
        page = visit(client, "/equipe/rendez-vous/nouveau" + query)
        return [node.text for node in page.all("main h2")]

    assert days() == ["Mardi 1er décembre", "Mercredi 2 décembre"]
    assert days(f"?conseiller={carla.public_id}") == days(f"?lieu={north.public_id}") == ["Mercredi 2 décembre"]
    assert days("?jour=2026-12-02") == ["Mercredi 2 décembre"]
    assert days("?jour=n’importe&conseiller=x&lieu=9&type=y") == days()
    assert days("?jour=2027-01-01") == []


def test_reading_a_long_list_costs_no_more_queries(client, place):
    _clocks, _cfa, site, bob = place

    def cost():
        with queries() as seen:
            visit(client, "/equipe/rendez-vous/nouveau")
        return len(seen)

    make.slot(bob, site)
    one = cost()
    for day in range(1, 25):
        make.slot(bob, site, starts_at=f"2026-12-{day:02d}T09:00")
    assert cost() == one


def test_another_centres_request_or_meeting_does_not_exist_here(client, place):
    _clocks, _cfa, site, bob = place
    other = make.cfa()
    theirs = make.booking(make.slot(make.adviser(other), make.site(other)))
    slot = make.slot(bob, site)
    for address in (
        f"/equipe/creneaux/{slot.public_id}/inscrire?demande={theirs.request.public_id}",
        f"/equipe/creneaux/{theirs.slot.public_id}/inscrire",
        f"/equipe/rendez-vous/nouveau?demande={theirs.request.public_id}",
        f"/equipe/rendez-vous/nouveau?deplacer={theirs.public_id}",
        f"/equipe/rendez-vous/{make.booking(slot).public_id}?vers={theirs.slot.public_id}",
        f"/equipe/creneaux/{theirs.slot.public_id}/emargement",
    ):
        visit(client, address, status=404)
    assert clock.now() < slot.starts_at
