"""Changing, cancelling and handing over what is published, through the pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from rdv import booking, clock, seats
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.models import AuditEntry, Booking, Membership, OutgoingMail, Slot
from tests import make
from tests.integration.test_changes import House, wall
from tests.support.pages import sign_in, submit, visit

TUESDAYS = ["2026-12-01", "2026-12-08", "2026-12-15"]


@pytest.fixture
def house(app, freeze):
    freeze("2026-11-24T08:00Z")
    return House()


def page_of(client, slot, path="modifier"):
    return visit(client, f"/equipe/creneaux/{slot.public_id}/{path}")


def kinds() -> list[str]:
    return list(db.session.scalars(sa.select(OutgoingMail.kind).order_by(OutgoingMail.id)))


# -- changing --------------------------------------------------------------------------------------------------------


def test_a_free_slot_is_changed_in_one_go(client, house):
    slot = house.slot("2026-12-01T14:00")
    sign_in(client, house.bob)
    page = visit(client, visit(client, f"/equipe/creneaux/{slot.public_id}").link("Modifier"))
    assert page.fields()["start"] == ["14:00:00"] or page.fields()["start"] == ["14:00"]
    done = submit(client, page, start="14:30", duration="20", capacity="4", title="Visite de l’atelier")
    assert "1 créneau modifié" in done.text
    assert done.h1 == "Visite de l’atelier"
    assert (wall(slot), slot.capacity) == ("2026-12-01 14:30", 4)
    assert slot.ends_at - slot.starts_at == timedelta(minutes=20)
    assert "Rien n’a été modifié" in submit(client, page_of(client, slot)).text


def test_somebody_booked_is_shown_and_told_only_after_a_decision(client, house):
    slot = house.slot("2026-12-01T14:00", capacity=5)
    booked = make.booking(slot, guests=2, request={"first_name": "Lina", "last_name": "Martin"})
    sign_in(client, house.bob)
    review = submit(client, page_of(client, slot), start="15:00", room="Salle 14")
    assert "Lina Martin (accompagné de 2 personnes)" in review.text
    assert "Deviendrait : mardi 1er décembre, 15 h" in review.text
    assert (wall(slot), kinds()) == ("2026-12-01 14:00", [])
    back = submit(client, review, button="Revenir à la saisie", **{f"slot-{slot.public_id}": "apply"})
    assert back.fields()["room"] == ["Salle 14"]
    done = submit(client, review, button="Appliquer", message="La salle change.")
    assert "1 créneau modifié. 1 personne prévenue." in done.text
    assert (wall(slot), slot.place_detail, kinds()) == ("2026-12-01 15:00", "Salle 14", ["booking_changed"])
    db.session.refresh(booked)
    assert booked.sequence == 1
    thread = visit(client, f"/equipe/demandes/{booked.request.public_id}")
    assert "La salle change." in thread.text


def test_a_series_asks_for_each_booked_slot_and_keeps_what_was_decided(client, house):
    slots = house.series(TUESDAYS)
    for slot in slots[1:]:
        make.booking(slot)
    sign_in(client, house.bob)
    form = page_of(client, slots[0])
    assert "Tous ceux à venir de la série" not in form.text  # from the first one, that is the same
    assert "Celui-ci et les suivants de la série (3 créneaux)" in form.text
    review = submit(client, form, scope="following", start="16:00")
    assert "1 autre créneau sera modifié" in review.text
    message = "Horaire d’hiver."
    again = submit(
        client, review, button="Appliquer", status=400, message=message, **{f"slot-{slots[1].public_id}": "keep"}
    )
    assert "Décidez ce que devient chaque créneau" in again.text
    assert again.fields()["message"] == [message]
    assert again.fields()[f"slot-{slots[1].public_id}"] == ["keep"]
    done = submit(client, again, button="Appliquer", others="apply")
    assert "2 créneaux modifiés, 1 laissé tel quel. 1 personne prévenue." in done.text
    assert [wall(slot)[11:] for slot in slots] == ["16:00", "14:00", "16:00"]
    alone = visit(client, f"/equipe/creneaux/{slots[1].public_id}")
    assert "Modifié à part" in alone.text
    assert "Modifier aussi les créneaux déjà modifiés à part" in page_of(client, slots[0]).text


def test_who_books_meanwhile_comes_back_in_the_review(client, house):
    slot = house.slot("2026-12-01T14:00", capacity=5)
    make.booking(slot)
    sign_in(client, house.bob)
    review = submit(client, page_of(client, slot), start="15:00")
    with transaction():
        zoe = Candidate("Inès", "Petit", "ines@courriel.example", None)
        booking.book(slot, zoe, Submission("a", "b"), clock.now())
    again = submit(client, review, button="Appliquer", status=409)
    assert "Inès Petit" in again.text
    assert "Quelque chose a changé pendant que vous relisiez" in again.text
    assert wall(slot) == "2026-12-01 14:00"
    assert "2 personnes prévenues" in submit(client, again, button="Appliquer").text


def test_a_colleague_who_edits_meanwhile_is_not_undone(client, house):
    slot = house.slot("2026-12-01T14:00")
    sign_in(client, house.bob)
    stale = page_of(client, slot)
    submit(client, page_of(client, slot), room="Salle 3")
    again = submit(client, stale, status=409, title="Ma visite")
    assert "modifié entre-temps par un collègue" in again.text
    assert again.fields()["title"] == ["Ma visite"]
    assert slot.place_detail == "Salle 3"


def test_a_booking_alone_does_not_make_the_form_stale(client, house):
    slot = house.slot("2026-12-01T14:00", capacity=5)
    sign_in(client, house.bob)
    page = page_of(client, slot)
    make.booking(slot)
    assert "1 créneau modifié" in submit(client, page, capacity="8").text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"day": "2026-11-20"}, "Ce moment est déjà passé."),
        ({"day": "2027-03-28", "start": "02:30"}, "Cette heure n’existe pas"),
        ({"start": "23:50"}, "Ce créneau finirait le lendemain."),
        ({"capacity": "0"}, "entre 1 et 500 places"),
        ({"duration": "abc"}, "Indiquez un nombre entier"),
        ({"place": "video", "video_url": "ici"}, "Indiquez l’adresse complète"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(client, house, typed, said):
    slot = house.slot("2026-12-01T14:00")
    sign_in(client, house.bob)
    page = submit(client, page_of(client, slot), status=400, title="Gardé", **typed)
    assert said in " ".join(page.errors)
    assert page.fields()["title"] == ["Gardé"]
    assert wall(slot) == "2026-12-01 14:00"


def test_places_are_taken_back_person_by_person(client, house):
    slot = house.slot("2026-12-01T14:00", capacity=3)
    other = house.slot("2026-12-02T10:00", capacity=3)
    names = ("Lina", "Hugo", "Nora")
    lina, hugo, nora = (make.booking(slot, request={"first_name": name}) for name in names)
    sign_in(client, house.bob)
    review = submit(client, page_of(client, slot), capacity="1")
    assert "2 places de trop : 3 prises pour 1." in review.text
    decided = {f"slot-{slot.public_id}": "apply", f"person-{lina.public_id}": "cancel"}
    short = submit(client, review, button="Appliquer", status=400, **decided)
    assert "Il reste 1 place de trop." in short.text
    done = submit(client, short, button="Appliquer", **{f"person-{hugo.public_id}": other.public_id})
    assert "2 personnes prévenues" in done.text
    for one in (lina, hugo, nora):
        db.session.refresh(one)
    assert (lina.status, hugo.slot_id, nora.slot_id, slot.capacity) == ("cancelled", other.id, slot.id, 1)


def test_a_slot_goes_to_a_colleague_with_its_booking(client, house):
    slot = house.slot("2026-12-01T14:00")
    booked = make.booking(slot, request={"owner_id": house.bob.id})
    sign_in(client, house.alice)
    review = submit(client, page_of(client, slot), adviser=house.carla.public_id)
    submit(client, review, button="Appliquer")
    db.session.refresh(slot)
    db.session.refresh(booked.request)
    assert (slot.adviser_id, booked.request.owner_id) == (house.carla.id, house.carla.id)
    assert sorted(kinds()) == ["adviser_slots_changed", "adviser_slots_changed", "booking_changed"]


def test_trainings_and_who_may_book_are_changed_in_silence(client, house):
    trainings = [make.training(house.cfa, house.site, title=title) for title in ("CAP Boucher", "CAP Fleuriste")]
    slot = house.slot("2026-12-01T14:00", trainings=trainings[:1])
    make.booking(slot)
    sign_in(client, house.bob)
    chosen = [training.public_id for training in trainings]
    assert "1 créneau modifié" in submit(client, page_of(client, slot), trainings=chosen, listed="no").text
    db.session.refresh(slot)
    assert ({each.id for each in slot.trainings}, slot.listed) == ({each.id for each in trainings}, False)
    assert kinds() == []


def test_another_centre_a_past_or_a_cancelled_slot_cannot_be_changed(client, house, freeze):
    theirs = House()
    slot, cancelled = house.slot("2026-12-01T14:00"), house.slot("2026-12-03T14:00", status="cancelled")
    sign_in(client, theirs.bob)
    for path in ("modifier", "annuler"):
        visit(client, f"/equipe/creneaux/{slot.public_id}/{path}", status=404)
    other = client.application.test_client()
    sign_in(other, house.bob)
    visit(other, f"/equipe/creneaux/{cancelled.public_id}/modifier", status=409)
    freeze("2026-12-01T13:05Z")
    sign_in(other, house.bob)
    visit(other, f"/equipe/creneaux/{slot.public_id}/modifier", status=409)


# -- cancelling ------------------------------------------------------------------------------------------------------


def test_a_series_is_cancelled_from_here_on(client, house):
    slots = house.series(TUESDAYS, capacity=5)
    for slot in (slots[0], slots[1], slots[2], slots[2]):
        make.booking(slot)
    sign_in(client, house.bob)
    ask = page_of(client, slots[1], "annuler")
    assert "3 personnes inscrites" in ask.text
    assert "4 personnes inscrites" in ask.text
    done = submit(client, ask, scope="following", message="Travaux.")
    assert "2 créneaux annulés. 3 personnes prévenues." in done.text
    for slot in slots:
        db.session.refresh(slot)
    assert [slot.status for slot in slots] == ["open", "cancelled", "cancelled"]
    assert kinds() == ["booking_cancelled"] * 3


def test_who_books_meanwhile_is_seen_before_the_slot_is_cancelled(client, house):
    slot = house.slot("2026-12-01T14:00", capacity=5)
    sign_in(client, house.bob)
    ask = page_of(client, slot, "annuler")
    make.booking(slot, request={"first_name": "Inès"})
    with transaction():
        db.session.get_one(Slot, slot.id).version += 1  # as every booking does
    again = submit(client, ask, status=409)
    assert "Inès" in again.text
    assert "1 personne prévenue" in submit(client, again).text


# -- the slot's own page ---------------------------------------------------------------------------------------------


def test_the_slot_says_who_comes_with_whom_and_what_they_announced(client, house):
    slot = house.slot("2026-12-01T14:00", capacity=9, programme="Visite puis questions", what_to_bring="Un CV")
    make.booking(slot, guests=1, presence_at=clock.now(), late_minutes=10)
    with transaction():
        request = make.candidate_request(house.cfa)
        seats.hold(slot.id, request.id, "proposal", clock.now() + timedelta(hours=2), clock.now())
    sign_in(client, house.bob)
    page = visit(client, f"/equipe/creneaux/{slot.public_id}")
    for words in (
        "Accompagné de 1 personne, a confirmé sa venue, en retard de 10 min",
        "1 personne inscrite, 1 accompagnant",
        "1, en attente de réponse",
        "Visite puis questions",
        "Un CV",
    ):
        assert words in page.text
    assert page.link("Inscrire quelqu’un") == f"/equipe/creneaux/{slot.public_id}/inscrire"


# -- handing over ----------------------------------------------------------------------------------------------------


def test_everything_of_a_colleague_is_handed_over_in_one_screen(client, house):
    free, booked_slot = house.slot("2026-12-01T14:00"), house.slot("2026-12-02T14:00")
    dropped = house.slot("2026-12-03T14:00")
    booked = make.booking(booked_slot, request={"first_name": "Lina", "last_name": "Martin", "owner_id": house.bob.id})
    asked = make.candidate_request(house.cfa, owner_id=house.bob.id, first_name="Hugo")
    sign_in(client, house.alice)
    member = visit(client, f"/equipe/membres/{house.bob.public_id}")
    assert "3 créneaux à venir et 1 demande à suivre" in member.text
    page = visit(client, member.link("Transmettre à un collègue"))
    assert "Lina Martin" in page.text
    assert "Hugo" in page.text
    missing = submit(client, page, status=400, message="Bienvenue à Carla.")
    assert "Choisissez la personne qui prend la suite." in missing.errors[0]
    assert missing.fields()["message"] == ["Bienvenue à Carla."]
    done = submit(client, missing, to=house.carla.public_id, **{f"slot-{dropped.public_id}": "cancel"})
    assert "2 créneaux et 1 demande à Carla Garnier : c’est fait. 1 créneau annulé. 1 personne prévenue." in done.text
    for row in (free, booked_slot, dropped, asked, booked, booked.request):
        db.session.refresh(row)
    assert [free.adviser_id, booked_slot.adviser_id, asked.owner_id, booked.request.owner_id] == [house.carla.id] * 4
    assert (dropped.status, booked.sequence) == ("cancelled", 1)
    assert sorted(kinds()) == ["adviser_slots_changed", "adviser_slots_changed", "booking_changed"]
    assert "slots.handed_over" in db.session.scalars(sa.select(AuditEntry.action)).all()
    assert "Tout est transmis" in visit(client, f"/equipe/membres/{house.bob.public_id}/transmettre").text


def test_what_meets_the_colleagues_agenda_is_shown_and_decided(client, house):
    slot, theirs = house.slot("2026-12-01T14:00"), house.slot("2026-12-01T14:10", adviser=house.carla)
    sign_in(client, house.alice)
    page = visit(client, f"/equipe/membres/{house.bob.public_id}/transmettre")
    again = submit(client, page, status=400, to=house.carla.public_id)
    assert "Chevauche 14 h 10 – 14 h 40" in again.text
    assert slot.adviser_id == house.bob.id
    submit(client, again, **{f"slot-{slot.public_id}": "force"})
    db.session.refresh(slot)
    assert slot.adviser_id == house.carla.id
    assert theirs.adviser_id == house.carla.id


def test_a_slot_with_somebody_in_it_cannot_be_cancelled_there(client, house):
    slot = house.slot("2026-12-01T14:00")
    make.booking(slot)
    sign_in(client, house.alice)
    page = visit(client, f"/equipe/membres/{house.bob.public_id}/transmettre")
    assert 'value="cancel"' not in str(page.one(f"#slot-{slot.public_id}"))


def test_after_somebody_left_their_slots_are_given_and_opened_again(client, house):
    slot = house.slot("2026-12-01T14:00")
    make.booking(house.slot("2026-12-02T14:00"))
    sign_in(client, house.alice)
    member = visit(client, f"/equipe/membres/{house.bob.public_id}")
    page = submit(client, member, form="retirer")
    assert "Transmettre ce que suit Bob Garnier" in page.h1
    assert "Bob Garnier : 2 créneaux à venir" in visit(client, "/equipe/membres").text
    submit(client, page, to=house.carla.public_id)
    db.session.refresh(slot)
    assert (slot.adviser_id, slot.status) == (house.carla.id, "open")
    assert "Après un départ" not in visit(client, "/equipe/membres").text
    told = db.session.scalars(
        sa.select(OutgoingMail.to_email).where(OutgoingMail.kind == "adviser_slots_changed")
    ).all()
    assert told == [house.carla.email]  # who has left reads nothing more


def test_only_a_manager_hands_over_and_only_of_their_centre(client, house):
    sign_in(client, house.bob)
    visit(client, f"/equipe/membres/{house.carla.public_id}/transmettre", status=403)
    other = client.application.test_client()
    sign_in(other, House().alice)
    visit(other, f"/equipe/membres/{house.bob.public_id}/transmettre", status=404)
    with transaction():
        membership = db.session.scalars(sa.select(Membership).filter_by(user_id=house.bob.id)).one()
        membership.ended_at = clock.now()
    third = client.application.test_client()
    sign_in(third, house.alice)
    assert "Tout est transmis" in visit(third, f"/equipe/membres/{house.bob.public_id}/transmettre").text


def test_a_booking_made_meanwhile_stops_the_hand_over(client, house):
    slot = house.slot("2026-12-01T14:00")
    sign_in(client, house.alice)
    page = visit(client, f"/equipe/membres/{house.bob.public_id}/transmettre")
    with transaction():
        ines = Candidate("Inès", "Petit", "ines@courriel.example", None)
        booking.book(slot, ines, Submission("a", "b"), clock.now())
    again = submit(client, page, status=409, to=house.carla.public_id)
    assert "Inès Petit" in again.text
    assert slot.adviser_id == house.bob.id
    submit(client, again)
    assert db.session.scalars(sa.select(Booking)).one().slot.adviser_id == house.carla.id
