"""The first screen and the agenda: what is late, today and next; a slot closed, cancelled, moved."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from rdv import clock
from rdv.db import db, transaction
from rdv.models import OutgoingMail
from tests import make
from tests.support.pages import sign_in, submit, visit
from tests.support.queries import queries

LETTERS = ("Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf")


@pytest.fixture
def place(app, freeze):
    freeze("2026-11-24T08:00Z")
    cfa = make.cfa()
    return cfa, make.site(cfa, name="Campus Nord"), make.adviser(cfa, first_name="Bob", last_name="Garnier")


def mails(kind):
    return db.session.scalars(sa.select(OutgoingMail).filter_by(kind=kind)).all()


# -- first screen -----------------------------------------------------------------------------------------------------


def test_a_new_centre_reads_what_to_do_first(client, place):
    sign_in(client, place[2])
    page = visit(client, "/equipe")
    assert "Rien en attente" in page.text
    assert "Aucun créneau à réserver" in page.text
    assert "Aucun rendez-vous aujourd’hui." in page.text
    assert page.links("Publier")


def test_late_today_and_next(client, place):
    cfa, site, adviser = place
    now = clock.now()
    for number in range(7):
        make.candidate_request(
            cfa, first_name="Lina", last_name=LETTERS[number],
            due_at=now + timedelta(hours=number - 2, minutes=-5),
        )  # fmt: skip
    soon = make.slot(adviser, site, starts_at="2026-11-24T10:00", minutes=20, place_detail="Salle 12")
    make.booking(soon, request={"first_name": "Noé", "last_name": "Durand", "phone": "+33199000042"})
    make.slot(adviser, site, starts_at="2026-11-25T10:00")
    late_slot = make.slot(adviser, site, starts_at="2026-12-01T10:00")
    make.booking(make.slot(adviser, site, starts_at="2026-11-27T10:00"), request={"first_name": "Zoé"})
    sign_in(client, adviser)
    page = visit(client, "/equipe")
    assert "À traiter (7, dont 3 en retard)" in page.text
    names = [node.text for node in page.all("section[aria-labelledby=todo-title] .rdv-row__name")]
    assert names == ["Lina Alpha", "Lina Bravo", "Lina Charlie", "Lina Delta", "Lina Echo"]
    assert "En retard de 2 h" in page.text
    assert "10 h – 10 h 20, dans 1 h" in page.text
    assert "Sur place, Salle 12, Campus Nord" in page.text
    assert "tel:+33199000042" in page.links("Appeler")
    assert f"/equipe/creneaux/{soon.public_id}" in page.links("Noé Durand")
    assert "Ven. 27 nov., 10 h – 10 h 30" in page.text
    counters = {node.one(".rdv-counter__label").text: node for node in page.all("a.rdv-counter")}
    free = counters["créneau libre sous 7 jours"]
    assert free.one(".rdv-counter__value").text == "1"
    listed = visit(client, free.get("href"))
    assert [node.text for node in listed.all(".rdv-event a")] == ["Entretien d’orientation"]
    assert late_slot.public_id not in listed.html
    late = visit(client, counters["en retard"].get("href"))
    assert len(late.all(".rdv-row")) == 3
    assert len(visit(client, counters["à traiter"].get("href")).all(".rdv-row")) == 7


def test_an_adviser_begins_with_their_own_day_and_a_manager_with_everybodys(app, client, place):
    cfa, site, adviser = place
    colleague = make.adviser(cfa)
    make.booking(make.slot(colleague, site, starts_at="2026-11-24T15:00"), request={"first_name": "Inès"})
    sign_in(client, adviser)
    assert "Inès" not in visit(client, "/equipe").text
    assert "Inès" in visit(client, "/equipe?conseiller=tous").text
    other = app.test_client()
    sign_in(other, make.manager(cfa))
    assert "Inès" in visit(other, "/equipe").text


def test_the_first_screen_asks_as_many_queries_for_two_requests_as_for_ten(client, place):
    cfa, site, adviser = place
    sign_in(client, adviser)

    def fill(count):
        for _ in range(count):
            make.candidate_request(cfa, owner_id=adviser.id, training_id=make.training(cfa, site).id)
            make.booking(make.slot(adviser, site, starts_at="2026-11-24T12:00"))

    fill(2)
    with queries() as few:
        visit(client, "/equipe")
    fill(8)
    with queries() as many:
        visit(client, "/equipe")
    # A page that is full asks nothing of the requests without a due date, which stand after it.
    assert len(few) - 1 == len(many) <= 14, few


# -- the agenda -------------------------------------------------------------------------------------------------------


def test_a_week_shows_states_in_words(client, place):
    _cfa, site, adviser = place
    make.slot(adviser, site, starts_at="2026-12-01T09:00")
    make.booking(make.slot(adviser, site, starts_at="2026-12-01T10:00"), request={"first_name": "Noé"})
    group = make.slot(adviser, site, starts_at="2026-12-02T10:00", capacity=2)
    make.booking(group)
    full = make.slot(adviser, site, starts_at="2026-12-02T14:00", capacity=2)
    make.booking(full), make.booking(full)
    make.slot(adviser, site, starts_at="2026-12-03T10:00", status="closed")
    make.slot(adviser, site, starts_at="2026-12-04T10:00", status="cancelled")
    make.slot(adviser, site, starts_at="2026-12-08T10:00")
    make.slot(make.adviser(make.cfa()), make.site(make.cfa()), starts_at="2026-12-01T09:00")
    sign_in(client, adviser)
    page = visit(client, "/equipe/agenda?semaine=2026-W49")
    assert "Du 30 novembre au 6 décembre 2026" in page.text
    states = [node.text for node in page.all(".rdv-only-narrow .rdv-event__state")]
    assert states == ["Libre", "Réservé", "1 place prise sur 2", "Complet, 2 places prises sur 2", "Fermé", "Annulé"]
    assert "Noé Lambert" in page.text
    assert len(visit(client, page.link("Semaine suivante")).all(".rdv-grid .rdv-event")) == 1
    assert len(visit(client, page.link("Liste")).all(".rdv-event")) == 6
    assert visit(client, "/equipe/agenda?semaine=n-importe&conseiller=quoi&site=rien&vue=x").h1 == "Agenda"


def test_the_agenda_of_a_colleague_a_site_or_everybody(client, place):
    cfa, site, adviser = place
    colleague, other_site = make.adviser(cfa, first_name="Dora", last_name="Petit"), make.site(cfa)
    make.slot(adviser, site, starts_at="2026-12-01T09:00")
    make.slot(colleague, other_site, starts_at="2026-12-01T10:00")
    sign_in(client, adviser)

    def times(query):
        page = visit(client, f"/equipe/agenda?semaine=2026-W49{query}")
        return [node.text for node in page.all(".rdv-grid .rdv-event__time")]

    assert times("") == ["9 h – 9 h 30"]
    assert times("&conseiller=tous") == ["9 h – 9 h 30", "10 h – 10 h 30"]
    assert times(f"&conseiller={colleague.public_id}") == ["10 h – 10 h 30"]
    assert times(f"&conseiller=tous&site={site.public_id}") == ["9 h – 9 h 30"]


def test_hours_are_those_of_each_site(client, place):
    cfa, _site, adviser = place
    reunion = make.site(cfa, timezone="Indian/Reunion", territory="974")
    make.slot(adviser, reunion, starts_at="2026-12-01T09:00")
    sign_in(client, adviser)
    page = visit(client, "/equipe/agenda?semaine=2026-W49")
    assert "9 h – 9 h 30 (heure de La Réunion)" in page.text
    with transaction():
        place[1].closed_at = clock.now()
    page = visit(client, "/equipe/agenda?semaine=2026-W49")
    assert "Heures affichées : heure de La Réunion." in page.text
    assert "9 h – 9 h 30" in [node.text for node in page.all(".rdv-event__time")]
    assert "Jour férié" in visit(client, "/equipe/agenda?semaine=2026-W53").text  # Friday 1 January


# -- a slot -----------------------------------------------------------------------------------------------------------


def test_a_slot_is_closed_and_opened_again(client, place):
    _cfa, site, adviser = place
    slot = make.slot(adviser, site)
    make_url = f"/equipe/creneaux/{slot.public_id}"
    sign_in(client, adviser)
    page = visit(client, make_url)
    assert page.one("#slot-link").text == f"http://localhost/rendez-vous/{slot.public_id}"
    page = submit(client, page, form="Fermer")
    assert slot.status == "closed"
    submit(client, page, form="Rouvrir")
    assert slot.status == "open"


def test_cancelling_a_slot_says_how_many_are_told_and_tells_them(client, place):
    _cfa, site, adviser = place
    slot = make.slot(adviser, site, capacity=5)
    make.booking(slot)
    make.booking(slot, request={"email": None, "first_name": "Hugo", "last_name": "Bernard"})
    sign_in(client, adviser)
    page = visit(client, f"/equipe/creneaux/{slot.public_id}")
    assert "2 personnes inscrites" in page.text
    ask = visit(client, page.link("Annuler le créneau"))
    assert "2 personnes inscrites seront prévenues" in ask.text
    assert "Sans adresse électronique : Hugo Bernard" in ask.text
    assert slot.status == "open"  # asking is not doing
    kept = submit(client, ask, status=400, message="Salle fermée", csrf_token="d’une autre session")
    assert kept.fields()["message"] == ["Salle fermée"]
    assert slot.status == "open"
    done = submit(client, ask, message="Salle fermée")
    assert "2 personnes prévenues" in done.text
    assert slot.status == "cancelled"
    assert len(mails("booking_cancelled")) == 1
    assert "Hugo Bernard" in visit(client, "/equipe/demandes").text  # to be called
    assert submit(client, ask, status=409)


def test_one_booking_is_moved_and_another_cancelled(client, place):
    _cfa, site, adviser = place
    slot, target = make.slot(adviser, site), make.slot(adviser, site, starts_at="2026-12-03T09:00")
    elsewhere = make.slot(make.adviser(make.cfa()), make.site(make.cfa()))
    booked = make.booking(slot)
    uid = booked.uid
    sign_in(client, adviser)
    page = visit(
        client,
        visit(client, f"/equipe/creneaux/{slot.public_id}").link("Déplacer ou annuler le rendez-vous de Zoé Lambert"),
    )
    refused = client.post(
        page.path,
        data={
            "csrf_token": page.fields("Déplacer")["csrf_token"][0],
            "action": "move",
            "move-target": elsewhere.public_id,
        },
    )
    assert refused.status_code == 404
    unsaid = submit(client, page, form="Nouveau créneau", status=400)  # nothing is chosen beforehand
    assert "Choisissez un créneau." in unsaid.text
    assert booked.slot_id == slot.id
    done = submit(client, page, form="Nouveau créneau", **{"move-target": target.public_id})
    assert "Rendez-vous déplacé au jeudi 3 décembre à 9 h" in done.text
    assert (booked.slot_id, booked.uid, booked.sequence) == (target.id, uid, 1)
    assert (slot.seats_taken, target.seats_taken) == (0, 1)
    assert len(mails("booking_moved")) == 1
    page = visit(client, f"/equipe/rendez-vous/{booked.public_id}")
    submit(client, page, form="Message", **{"cancel-message": "Conseiller absent"})
    assert (booked.status, booked.cancel_reason, target.seats_taken) == ("cancelled", "Conseiller absent", 0)
    again = submit(client, page, form="Message", status=409)
    assert "Ce rendez-vous est annulé" in again.text


def test_a_target_that_fills_meanwhile_is_refused_and_the_seat_kept(client, place):
    _cfa, site, adviser = place
    slot, target = make.slot(adviser, site), make.slot(adviser, site, starts_at="2026-12-03T09:00")
    booked = make.booking(slot)
    sign_in(client, adviser)
    page = visit(client, f"/equipe/rendez-vous/{booked.public_id}")
    make.booking(target)
    page = submit(client, page, form="Nouveau créneau", status=409, **{"move-target": target.public_id})
    assert (booked.slot_id, slot.seats_taken, target.seats_taken) == (slot.id, 1, 1)
    assert "Ce créneau est complet" in page.text  # nobody is put there without having read it


def test_a_booking_never_moves_where_the_person_cannot_be_reached(client, place):
    _cfa, site, adviser = place
    booked = make.booking(make.slot(adviser, site), request={"phone": None})
    by_phone = make.slot(adviser, site, starts_at="2026-12-03T09:00", place="phone")
    sign_in(client, adviser)
    page = visit(client, f"/equipe/rendez-vous/{booked.public_id}")
    assert "Aucun autre créneau ouvert" in page.text
    token = page.fields("Message")["csrf_token"][0]
    sent = {"csrf_token": token, "action": "move", "move-target": by_phone.public_id}
    answer = client.post(page.path, data=sent)
    assert answer.status_code == 400
    assert "indiquez un numéro" in answer.text
    assert by_phone.seats_taken == 0


@pytest.mark.parametrize(
    "path", ["/equipe/creneaux/{slot}", "/equipe/creneaux/{slot}/annuler", "/equipe/rendez-vous/{booking}"]
)
def test_another_centres_slot_does_not_exist(client, place, path):
    other = make.cfa()
    slot = make.slot(make.adviser(other), make.site(other))
    address = path.format(slot=slot.public_id, booking=make.booking(slot).public_id)
    sign_in(client, place[2])
    visit(client, address, status=404)
    token = visit(client, "/equipe/types-de-rendez-vous/nouveau").fields()["csrf_token"][0]
    for action in ("close", "cancel", "move"):
        assert client.post(address, data={"csrf_token": token, "action": action}).status_code == 404
    assert (slot.status, slot.seats_taken) == ("open", 1)
