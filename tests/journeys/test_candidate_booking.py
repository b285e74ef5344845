"""A candidate books: from a page to a confirmed meeting, and every way it can go wrong."""

import re
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from rdv.contacts import normalise_phone
from rdv.db import db, transaction
from rdv.models import Booking, CandidateRequest, Cfa, OutgoingMail, RequestEvent, Slot
from tests import make
from tests.support.pages import SAME_SITE, submit, visit

LINA = {"first_name": "Lina", "last_name": "Martin", "email": "lina@courriel.example"}
NOW = "2026-11-23T08:00Z"


def count(model, *conditions):
    return db.session.scalar(sa.select(sa.func.count()).select_from(model).where(*conditions))


@pytest.fixture
def house(app, freeze):
    """A centre in Lille with one adviser and one training, on a Monday morning."""
    clock = freeze(NOW)
    cfa = make.cfa(name="CFA des Tilleuls", city="Lille")
    site = make.site(cfa)
    return SimpleNamespace(
        clock=clock, cfa=cfa, site=site, training=make.training(cfa, site), adviser=make.adviser(cfa, site)
    )


def slot_at(house, when="2026-12-01T14:00", **columns):
    return make.slot(house.adviser, house.site, starts_at=when, **columns)


def path(slot):
    return f"/rendez-vous/{slot.public_id}"


def nothing_written(slot):
    return (count(Booking), count(CandidateRequest), count(OutgoingMail), slot.seats_taken) == (0, 0, 0, 0)


# -- from link to confirmed --------------------------------------------------------------------------------------------


def test_from_a_training_page_two_clicks_and_three_typed_fields(client, house):
    slot = slot_at(house)
    page = visit(client, f"/formation/{house.training.public_id}?origine=lba")
    assert page.h1 == "CAP Pâtissier"
    first = visit(client, page.link("mardi 1er décembre 14 h"))
    assert first.h1 == "Rendez-vous mardi 1er décembre à 14 h"
    done = submit(client, first, **LINA)
    assert done.path.startswith("/suivi/")
    assert done.h1 == "Rendez-vous confirmé"
    assert "Mardi 1er décembre à 14 h" in done.text
    assert "Avec Bob, CFA des Tilleuls" in done.text
    assert house.site.shown_address in done.text
    request = db.session.scalar(sa.select(CandidateRequest))
    assert request.reference in done.text
    assert (request.mode, request.status, request.outcome, request.due_at) == ("slot", "closed", "meeting_set", None)
    assert (request.asker, request.platform.code, request.training) == ("candidate", "lba", house.training)
    assert slot.seats_taken == 1
    kinds = db.session.scalars(sa.select(OutgoingMail.kind).order_by(OutgoingMail.kind)).all()
    assert kinds == ["adviser_new_booking", "booking_confirmed"]


def test_a_parent_says_so_and_may_precise_the_questions(client, house):
    page = visit(client, path(slot_at(house)))
    submit(client, page, **LINA, asker="parent", reasons=["place", "frais"], text="Nous venons à deux.")
    request = db.session.scalar(sa.select(CandidateRequest))
    assert (request.asker, request.reasons, request.text) == ("parent", ["place", "frais"], "Nous venons à deux.")
    assert len(page.all("input[name=reasons]")) == 12


def test_a_form_without_the_asker_is_the_candidate(client, house):
    submit(client, visit(client, path(slot_at(house))), **LINA, asker=None)
    assert db.session.scalar(sa.select(CandidateRequest.asker)) == "candidate"


def test_the_zone_is_named_where_it_is_not_paris(client, house):
    site = make.site(house.cfa, timezone="Indian/Reunion", territory="RE", city="Saint-Denis")
    training = make.training(house.cfa, site)
    slot = make.slot(house.adviser, site, starts_at="2026-12-01T14:00")
    page = visit(client, f"/formation/{training.public_id}")
    assert "Horaires affichés : heure de La Réunion." in page.text
    assert "à 17 h (heure de La Réunion)" in page.text
    done = submit(client, visit(client, path(slot)), **LINA)
    assert "Mardi 1er décembre à 14 h (heure de La Réunion)" in done.text


@pytest.mark.parametrize("typed", ["0692 12 34 56", "06.12.34.56.78", "+687 75 12 34", "0590 27 12 34"])
def test_a_phone_alone_books_a_call_or_a_visit(client, house, typed):
    slot = slot_at(house, place="phone")
    done = submit(client, visit(client, path(slot)), first_name="Lina", last_name="Martin", phone=typed)
    request = db.session.scalar(sa.select(CandidateRequest))
    assert (request.email, request.phone) == (None, normalise_phone(typed))
    assert "Le centre vous appellera au" in done.text
    by_text = typed != "0590 27 12 34"  # a landline reads none
    assert ("par SMS" in done.text, "gardez l’adresse de cette page" in done.text) == (by_text, not by_text)
    assert count(OutgoingMail, OutgoingMail.kind == "booking_confirmed") == 0


def test_a_group_session_shows_what_is_left(client, house):
    slot = slot_at(house, capacity=7)
    page = visit(client, f"/formation/{house.training.public_id}")
    assert "En groupe" in page.text
    assert "places" not in page.one(".rdv-slots").text
    for number in range(7):
        submit(client, visit(client, path(slot)), **{**LINA, "email": f"lina{number}@courriel.example"})
    assert (slot.seats_taken, count(Booking)) == (7, 7)
    assert "Complet : inscrivez-vous sur la liste d’attente" in visit(client, path(slot)).text


def test_a_known_training_is_kept_and_a_stranger_s_is_not(client, house):
    slot = slot_at(house)
    other = make.training(make.cfa())
    submit(client, visit(client, f"{path(slot)}?formation={house.training.public_id}&origine=inconnue"), **LINA)
    request = db.session.scalar(sa.select(CandidateRequest))
    assert (request.training, request.platform) == (house.training, None)
    second = slot_at(house, "2026-12-02T14:00")
    submit(client, visit(client, f"{path(second)}?formation={other.public_id}"), **LINA)
    assert count(CandidateRequest, CandidateRequest.training_id.is_(None)) == 1


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"first_name": ""}, "Indiquez un prénom"),
        ({"last_name": "   "}, "Indiquez un nom"),
        ({"first_name": "L" * 81}, "80 caractères"),
        ({"first_name": "http://pub.exemple.fr"}, "lettres seulement"),
        ({"last_name": "gagner.exemple"}, "lettres seulement"),
        ({"email": "lina@"}, "prenom.nom@exemple.fr"),
        ({"email": ""}, "adresse électronique ou un numéro de téléphone"),
        ({"email": "", "phone": "3949"}, "06 12 34 56 78"),
        ({"phone": "08 99 12 34 56"}, "06 12 34 56 78"),
        ({"text": "é" * 2001}, "2000 caractères"),
    ],
)
def test_bad_input_gets_the_form_again_as_typed(client, house, typed, told):
    slot = slot_at(house)
    again = submit(client, visit(client, path(slot)), status=422, **{**LINA, **typed})
    assert any(told in error for error in again.errors), again.errors
    assert again.title.startswith("Erreur :")
    assert again.fields()["last_name"] == [typed.get("last_name", "Martin").strip()]
    assert nothing_written(slot)
    submit(client, again, **{**LINA, **dict.fromkeys(typed, ""), **{k: LINA[k] for k in typed if k in LINA}})
    assert slot.seats_taken == 1


def test_a_video_needs_an_email_and_a_call_a_phone(client, house):
    video, call = slot_at(house, place="video"), slot_at(house, "2026-12-02T14:00", place="phone")
    typed = {"first_name": "Lina", "last_name": "Martin"}
    again = submit(client, visit(client, path(video)), status=422, **typed, phone="01 99 00 12 34")
    assert "visioconférence" in again.one("#email-error").text
    again = submit(client, visit(client, path(call)), status=422, **typed, email="lina@courriel.example")
    assert "par téléphone" in again.one("#phone-error").text
    assert nothing_written(video)


def test_an_expired_form_is_shown_again_as_typed(client, house):
    slot = slot_at(house)
    page = visit(client, path(slot))
    house.clock.tick(hours=5)
    again = submit(client, page, status=400, **LINA, text="Bonjour")
    assert "trop longtemps" in " ".join(again.errors)
    assert again.fields()["email"] == ["lina@courriel.example"]
    assert again.fields()["text"] == ["Bonjour"]
    assert nothing_written(slot)
    submit(client, again)
    assert slot.seats_taken == 1


def test_a_robot_is_refused_by_the_trap_and_by_its_haste(client, house, change_settings):
    slot = slot_at(house)
    change_settings(form_min_seconds=2)
    page = visit(client, path(slot))
    house.clock.tick(seconds=3)
    assert submit(client, page, status=400, **LINA, site_web="https://pub.exemple.fr").errors
    page = visit(client, path(slot))
    house.clock.tick(seconds=1)
    again = submit(client, page, status=400, **LINA)
    assert again.fields()["email"] == ["lina@courriel.example"]
    assert nothing_written(slot)
    house.clock.tick(seconds=3)
    submit(client, again)
    assert slot.seats_taken == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": None, "Origin": "https://ailleurs.example"},
    ],
)
def test_a_form_posted_from_elsewhere_is_refused(client, house, headers):
    slot = slot_at(house)
    data = {**visit(client, path(slot)).fields(), **LINA}
    sent = {name: value for name, value in {**SAME_SITE, **headers}.items() if value is not None}
    answer = client.post(path(slot), data=data, headers=sent)
    assert answer.status_code == 400
    assert "lina@courriel.example" in answer.get_data(as_text=True)
    assert nothing_written(slot)


@pytest.mark.parametrize("token", [None, "", "faux", "WyJhIl0.abc"])
def test_a_form_without_our_token_is_refused(client, house, token):
    slot = slot_at(house)
    data = {**LINA, **({} if token is None else {"form_token": token})}
    assert client.post(path(slot), data=data, headers=SAME_SITE).status_code == 400
    assert nothing_written(slot)


def test_a_token_of_another_form_is_refused(client, house):
    slot = slot_at(house)
    other = visit(client, f"/formation/{house.training.public_id}/ecrire").fields()["form_token"][0]
    assert client.post(path(slot), data={**LINA, "form_token": other}, headers=SAME_SITE).status_code == 400
    assert nothing_written(slot)


def test_a_token_of_another_centre_is_refused(client, house):
    slot = slot_at(house)
    other = make.cfa()
    elsewhere = make.slot(make.adviser(other), make.site(other))
    token = visit(client, path(elsewhere)).fields()["form_token"][0]
    assert client.post(path(slot), data={**LINA, "form_token": token}, headers=SAME_SITE).status_code == 400
    assert nothing_written(slot)


def test_a_centre_that_closed_takes_nobody(client, house):
    slot = slot_at(house)
    slot_at(house, "2026-12-02T14:00")
    page = visit(client, path(slot))
    with transaction() as session:
        session.execute(sa.update(Cfa).values(closed_at=house.clock.now))
    for answer in (visit(client, path(slot)), submit(client, page, status=409, **LINA)):
        assert "n’est plus disponible" in answer.text
        assert not answer.all(".rdv-slot, .fr-tile")
    assert nothing_written(slot)


def test_past_the_limit_what_was_typed_is_kept(client, house, change_settings):
    change_settings(limit_posts_per_contact=1)
    submit(client, visit(client, path(slot_at(house))), **LINA)
    second = slot_at(house, "2026-12-02T14:00")
    again = submit(client, visit(client, path(second)), status=429, **LINA)
    assert again.fields()["email"] == ["lina@courriel.example"]
    assert "Réessayez dans une heure" in " ".join(again.errors)
    assert count(Booking) == 1


# -- the same form twice -----------------------------------------------------------------------------------------------


def test_a_double_click_on_the_last_seat_shows_the_success_twice(client, house):
    slot = slot_at(house)
    page = visit(client, path(slot))
    first = submit(client, page, **LINA)
    assert submit(client, page, **LINA).h1 == first.h1 == "Rendez-vous confirmé"
    assert (count(Booking), count(CandidateRequest), slot.seats_taken) == (1, 1, 1)
    assert count(OutgoingMail) == 2


def test_the_same_form_with_other_words_is_shown_again(client, house):
    slot = slot_at(house, capacity=5)
    page = visit(client, path(slot))
    submit(client, page, **LINA)
    again = submit(client, page, status=409, **{**LINA, "first_name": "Tom", "email": "tom@courriel.example"})
    assert "déjà été envoyé" in " ".join(again.errors)
    assert again.fields()["first_name"] == ["Tom"]
    assert count(Booking) == 1
    submit(client, again)
    assert count(Booking) == 2


def test_the_same_form_for_another_slot_is_another_request(client, house):
    first, second = slot_at(house), slot_at(house, "2026-12-02T14:00")
    page = visit(client, path(first))
    submit(client, page, **LINA)
    answer = client.post(path(second), data={**page.fields(), **LINA}, headers=SAME_SITE)
    assert answer.status_code == 409
    assert (count(Booking), second.seats_taken) == (1, 0)


@pytest.mark.parametrize("contact", [{"email": "lina@courriel.example"}, {"phone": "06 12 34 56 78", "email": ""}])
def test_the_same_person_is_answered_the_same_and_mailed_at_their_own_address(client, house, contact):
    slot = slot_at(house, capacity=5)
    typed = {**LINA, **contact}
    submit(client, visit(client, path(slot)), **typed)
    page = submit(client, visit(client, path(slot)), status=409, **{**typed, "first_name": "LINA "})
    assert page.h1 == "Votre rendez-vous est peut-être déjà réservé"
    assert not any(words in page.text for words in ("Lina", "Martin", "lina@"))
    again = submit(client, visit(client, path(slot)), status=409, **typed)
    assert again.text == page.text
    assert (count(Booking), slot.seats_taken) == (1, 1)
    mailed = count(OutgoingMail, OutgoingMail.kind == "personal_link")
    assert mailed == (1 if typed["email"] else 0)


def test_booked_with_one_adviser_is_booked_with_the_other(client, house):
    slot = slot_at(house)
    sibling = make.slot(make.adviser(house.cfa), house.site, slot.meeting_type, starts_at="2026-12-01T14:00")
    submit(client, visit(client, path(slot)), **LINA)
    submit(client, visit(client, path(sibling)), status=409, **LINA)
    assert sibling.seats_taken == 0


def test_brother_and_sister_share_a_phone(client, house):
    slot = slot_at(house, capacity=2)
    for name in ("Lina", "Tom"):
        submit(client, visit(client, path(slot)), first_name=name, last_name="Martin", phone="06 12 34 56 78")
    assert slot.seats_taken == 2


# -- gone --------------------------------------------------------------------------------------------------------------


def test_equal_slots_show_once_and_the_sibling_is_taken(client, house):
    slot = slot_at(house)
    sibling = make.slot(make.adviser(house.cfa), house.site, slot.meeting_type, starts_at="2026-12-01T14:00")
    assert len(visit(client, f"/formation/{house.training.public_id}").all("a.rdv-slot")) == 1
    page = visit(client, path(slot))
    make.booking(slot)
    done = submit(client, page, **LINA)
    assert done.h1 == "Rendez-vous confirmé"
    assert (slot.seats_taken, sibling.seats_taken) == (1, 1)


def test_a_slot_just_taken_keeps_what_was_typed_and_takes_the_next_at_once(client, house):
    slot = slot_at(house)
    others = [slot_at(house, f"2026-12-0{day}T14:00") for day in (2, 3, 4, 7)]
    page = visit(client, f"{path(slot)}?formation={house.training.public_id}&origine=lba")
    make.booking(slot)
    before = count(Booking)
    again = submit(client, page, status=409, **LINA, text="Bonjour")
    assert "Ce que vous avez saisi est conservé" in again.text
    assert again.fields()["text"] == ["Bonjour"]
    buttons = again.all("button[formaction]")
    assert [button.get("formaction").split("?")[0] for button in buttons] == [path(other) for other in others[:3]]
    assert count(Booking) == before
    done = submit(client, again, button="jeudi 3 décembre")
    assert done.h1 == "Rendez-vous confirmé"
    booked = db.session.scalar(sa.select(Booking).where(Booking.slot_id == others[1].id))
    request = booked.request
    assert (request.text, request.training, request.platform.code) == ("Bonjour", house.training, "lba")


@pytest.mark.parametrize("change", [{"status": "closed"}, {"status": "cancelled"}, {"seats_taken": 1}])
def test_a_slot_that_is_gone_shows_the_nearest(client, house, change):
    slot, near = slot_at(house), slot_at(house, "2026-12-02T09:00")
    with transaction() as session:
        session.execute(sa.update(Slot).where(Slot.id == slot.id).values(**change))
    page = visit(client, path(slot))
    assert "Ce créneau n’est plus disponible" in page.text
    assert page.link("mercredi 2 décembre 9 h").startswith(path(near))
    assert not page.all("form")


def test_a_slot_that_began_shows_the_next(client, house):
    slot = slot_at(house, "2026-11-23T09:30")
    page = visit(client, path(slot))
    house.clock.tick(hours=2)
    assert "n’est plus disponible" in visit(client, path(slot)).text
    again = submit(client, page, status=409, **LINA)
    assert "pas d’autre créneau libre" in again.text
    assert again.links("Être rappelé")
    assert nothing_written(slot)


def test_unknown_slot(client, house):
    page = visit(client, "/rendez-vous/abcdefgh23456789", status=404)
    assert page.link("Chercher une formation") == "/"


# -- what holds for all ------------------------------------------------------------------------------------------------


def test_no_cookie_no_store_no_integer(client, house):
    slot = slot_at(house)
    done = submit(client, visit(client, path(slot)), **LINA)
    for address in (path(slot), done.url, f"/formation/{house.training.public_id}", "/renvoyer-mon-lien"):
        answer = client.get(address)
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"
        assert not re.search(r'(href|action)="/[a-z-]+/[0-9]+["/?]', answer.get_data(as_text=True))


def test_what_a_reader_opens_changes_nothing(client, house):
    slot = slot_at(house)
    before = slot.version
    for _ in range(2):
        visit(client, f"{path(slot)}?origine=lba&formation={house.training.public_id}")
    assert nothing_written(slot)
    assert slot.version == before
    assert count(RequestEvent) == 0


def test_the_nearest_are_found_however_far_ahead(client, house):
    with transaction():
        kind = make.meeting_type(house.cfa)
        for day in range(1, 29):
            for hour in (9, 10, 11):
                make.slot(house.adviser, house.site, kind, starts_at=f"2027-01-{day:02d}T{hour:02d}:00")
    gone = slot_at(house, "2027-01-28T08:00", meeting_type=kind, status="closed")
    days = [node.text for node in visit(client, path(gone)).all("a.rdv-slot .rdv-slot__day")]
    assert days == ["jeudi 28 janvier"] * 3
