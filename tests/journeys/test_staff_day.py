"""The day: who is next, who came in one tap, what is missing, and the sheets to print."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rdv import clock
from rdv.db import db, transaction
from rdv.models import AuditEntry, OutgoingMail, RequestEvent
from tests import make
from tests.support.pages import sign_in, submit, visit
from tests.support.queries import queries


@pytest.fixture
def place(app, client, freeze):
    clocks = freeze("2026-11-24T13:10Z")  # 14 h 10 in Paris
    cfa = make.cfa(name="CFA des Tilleuls")
    site, bob = make.site(cfa, name="Campus Nord"), make.adviser(cfa, first_name="Bob", last_name="Garnier")
    sign_in(client, bob)
    return clocks, cfa, site, bob


def booked(bob, site, at, first_name="Zoé", **columns):
    request = {"first_name": first_name, **columns.pop("request", {})}
    return make.booking(
        make.slot(bob, site, starts_at=f"2026-11-24T{at}", **columns.pop("slot", {})), request=request, **columns
    )


def test_the_next_person_stands_in_big_with_what_is_known(client, place):
    _clocks, cfa, site, bob = place
    training = make.training(cfa, site, title="CAP Pâtissier")
    booked(bob, site, "09:00", "Noé")
    held = booked(
        bob, site, "15:00", "Lina", presence_at=clock.now(), late_minutes=10, guests=1,
        request={"last_name": "Martin", "phone": "+33199000042", "training_id": training.id, "reasons": ["frais"]},
        slot={"place_detail": "Salle 12"},
    )  # fmt: skip
    with transaction() as session:
        said = "Apportez votre dernier bulletin."
        session.add(
            RequestEvent(request_id=held.request_id, kind="answer", actor="staff", at=clock.now(), text=said, data={})
        )
    page = visit(client, "/equipe/journee")
    assert page.h1 == "Mardi 24 novembre"
    following = page.one(".rdv-next").text
    for words in (
        "Prochain rendez-vous, 15 h – 15 h 30, dans 50 min", "Lina Martin", "Sur place, Salle 12, Campus Nord", "CAP Pâtissier",
        "Frais d’inscription", "Réponse du mar. 24 nov. : Apportez votre dernier bulletin.", "En retard de 10 min",
        "A confirmé sa venue", "Avec 1 accompagnant",
    ):  # fmt: skip
        assert words in following
    assert page.one(".rdv-next .fr-btn").get("href") == "tel:+33199000042"
    assert [node.text for node in page.all(".rdv-meeting__title")] == [
        "9 h – 9 h 30 Entretien d’orientation"
    ]  # the others


def test_one_tap_tells_who_came_and_leads_back(client, place):
    _clocks, _cfa, site, bob = place
    held = booked(bob, site, "14:00", "Lina", request={"last_name": "Martin"})
    page = visit(client, "/equipe/journee?jour=2026-11-24&conseiller=moi")
    form = page.one(f"#rdv-{held.public_id} form").get("action")
    after = submit(client, page, form=form, button="Absent", follow=False, status=303)
    assert after.response.location.endswith(f"/equipe/journee?jour=2026-11-24&conseiller=moi#rdv-{held.public_id}")
    assert held.status == "no_show"
    page = visit(client, "/equipe/journee")
    assert "Lina Martin : absent." in page.text
    pressed = [node.text for node in page.all(f"#rdv-{held.public_id} button[aria-pressed=true]")]
    assert pressed == ["Absent : Lina Martin"]
    assert "Un message « On vous a manqué » part le soir" in page.text
    submit(client, page, form=form, button="Absent")  # a second tap takes it back
    assert held.status == "booked"


def test_who_is_told_of_leaves_the_first_place(client, place):
    _clocks, _cfa, site, bob = place
    first = booked(bob, site, "14:00", "Lina")
    booked(bob, site, "15:00", "Noé")
    assert "Lina" in visit(client, "/equipe/journee").one(".rdv-next__who").text
    with transaction():
        first.status = "attended"
    assert "Noé" in visit(client, "/equipe/journee").one(".rdv-next__who").text


def test_too_early_there_is_nothing_to_tap(client, place):
    _clocks, _cfa, site, bob = place
    held = booked(bob, site, "16:00")
    page = visit(client, "/equipe/journee")
    assert not page.all(".rdv-marks")
    token = visit(client, f"/equipe/rendez-vous/{held.public_id}").fields("Message")["csrf_token"][0]
    answer = client.post(
        f"/equipe/rendez-vous/{held.public_id}/presence", data={"csrf_token": token, "outcome": "attended"}
    )
    assert answer.status_code == 409
    assert "30 minutes" in answer.text
    assert held.status == "booked"


@pytest.mark.parametrize(
    "back", ["https://ailleurs.example/equipe/x", "//ailleurs.example/equipe/", "/connexion", "\\\\x", ""]
)
def test_a_tap_leads_nowhere_else(client, place, back):
    _clocks, _cfa, site, bob = place
    held = booked(bob, site, "14:00")
    token = visit(client, "/equipe/journee").fields(f"/equipe/rendez-vous/{held.public_id}/presence")["csrf_token"][0]
    sent = {"csrf_token": token, "outcome": "attended", "vers": back}
    answer = client.post(f"/equipe/rendez-vous/{held.public_id}/presence", data=sent)
    assert answer.location == f"/equipe/rendez-vous/{held.public_id}"


def test_a_tap_needs_the_session_and_the_centre(client, place):
    _clocks, _cfa, site, bob = place
    held = booked(bob, site, "14:00")
    address = f"/equipe/rendez-vous/{held.public_id}/presence"
    assert client.post(address, data={"outcome": "attended"}).status_code == 400
    other = make.cfa()
    theirs = make.booking(make.slot(make.adviser(other), make.site(other), starts_at="2026-11-24T14:00"))
    token = visit(client, "/equipe/journee").fields(address)["csrf_token"][0]
    for act in ("presence", "on-vous-a-manque"):
        answer = client.post(
            f"/equipe/rendez-vous/{theirs.public_id}/{act}", data={"csrf_token": token, "outcome": "attended"}
        )
        assert answer.status_code == 404
    assert (held.status, theirs.status) == ("booked", "booked")


def test_a_group_is_a_list_with_the_same_buttons(client, place):
    _clocks, _cfa, site, bob = place
    slot = make.slot(bob, site, starts_at="2026-11-24T14:00", capacity=12)
    people = [make.booking(slot, request={"first_name": name}) for name in ("Aya", "Noé", "Lina")]
    page = visit(client, "/equipe/journee")
    assert "3 places prises sur 12" in page.one(".rdv-next").text
    assert len(page.all(".rdv-attendee")) == 3
    for held, button in zip(people, ("Présent", "Absent", "Excusé"), strict=True):
        page = submit(client, page, form=f"/equipe/rendez-vous/{held.public_id}/presence", button=button)
    assert [held.status for held in people] == ["attended", "no_show", "excused"]
    assert slot.seats_taken == 3


def test_after_two_absences_the_adviser_decides(client, place):
    _clocks, _cfa, site, bob = place
    before = make.booking(make.slot(bob, site, starts_at="2026-11-20T14:00"), status="no_show")
    held = booked(bob, site, "14:00", person_key=before.person_key)
    page = visit(client, "/equipe/journee")
    page = submit(client, page, form=f"/equipe/rendez-vous/{held.public_id}/presence", button="Absent")
    assert "Déjà 1 absence avant celle-ci : à vous de décider" in page.text
    kind = sa.select(sa.func.count()).select_from(OutgoingMail).filter_by(kind="missed_you")
    assert db.session.scalar(kind) == 0
    page = submit(client, page, form="on-vous-a-manque")
    assert "recevra un message le soir" in page.text
    assert db.session.scalar(kind) == 1


# -- other days, other people -----------------------------------------------------------------------------------------


def test_days_and_people_are_changed_by_links(client, place):
    _clocks, cfa, site, bob = place
    carla = make.adviser(cfa, first_name="Carla", last_name="Petit")
    make.booking(make.slot(carla, site, starts_at="2026-11-24T15:00"), request={"first_name": "Aya"})
    make.booking(make.slot(bob, site, starts_at="2026-11-25T09:00"), request={"first_name": "Noé"})
    page = visit(client, "/equipe/journee")
    assert "Aucun rendez-vous ce jour-là" in page.text
    after = visit(client, page.link("Lendemain"))
    assert "Noé" in after.text
    assert not after.all(".rdv-next")
    assert visit(client, after.link("Aujourd’hui")).h1 == page.h1 == visit(client, after.link("Veille")).h1
    assert "Aya" in visit(client, page.link("Carla Petit")).text
    whole = visit(client, page.link("Tout le centre"))
    assert "avec Carla Petit" in whole.text
    for odd in ("?jour=hier", "?jour=9999-12-31", "?conseiller=inconnu", "?jour=0001-01-01"):
        assert visit(client, "/equipe/journee" + odd).h1 == page.h1


def test_a_manager_sees_the_whole_centre(client, place, app):
    _clocks, cfa, site, bob = place
    booked(bob, site, "15:00", "Lina")
    other = app.test_client()
    sign_in(other, make.manager(cfa))
    assert "Lina" in visit(other, "/equipe/journee").text


def test_a_long_day_costs_no_more_queries(client, place):
    _clocks, _cfa, site, bob = place

    def cost():
        with queries() as seen:
            visit(client, "/equipe/journee")
        return len(seen)

    booked(bob, site, "08:00")
    one = cost()
    for hour in range(15, 23):
        booked(bob, site, f"{hour}:00")
    assert cost() == one


# -- without outcome --------------------------------------------------------------------------------------------------


def test_past_meetings_nobody_told_about_are_counted_and_listed(client, place):
    _clocks, _cfa, site, bob = place
    held = make.booking(make.slot(bob, site, starts_at="2026-11-20T14:00"), request={"first_name": "Lina"})
    booked(bob, site, "15:00", "Noé")
    page = visit(client, "/equipe")
    counter = page.link("1 rendez-vous sans suite")
    page = visit(client, counter)
    assert page.h1 == "Rendez-vous sans suite"
    assert "Vendredi 20 novembre, 14 h – 14 h 30" in page.text
    assert "Noé" not in page.text
    assert "1 rendez-vous passé sans suite" in visit(client, "/equipe/journee").text
    page = submit(client, page, form=f"/equipe/rendez-vous/{held.public_id}/presence", button="Présent")
    assert "Tout est à jour" in page.text
    assert not visit(client, "/equipe").links("sans suite")


# -- paper ------------------------------------------------------------------------------------------------------------


def test_the_sheet_of_the_day(client, place):
    _clocks, _cfa, site, bob = place
    booked(bob, site, "15:00", "Lina", request={"last_name": "Martin", "phone": "+33199000042", "reasons": ["frais"]})
    make.slot(bob, site, starts_at="2026-11-24T16:00")
    page = visit(client, visit(client, "/equipe/journee").link("Feuille du jour à imprimer"))
    for words in ("CFA des Tilleuls · Bob Garnier · 1 personne attendue", "Lina Martin", "01 99 00 00 42", "Frais"):
        assert words in page.text
    assert len(page.all("tbody tr")) == 1
    entry = db.session.scalar(sa.select(AuditEntry).where(AuditEntry.action == "sheet.printed"))
    assert (entry.user_id, entry.data) == (bob.id, {"sheet": "day"})


def test_the_sheet_that_people_sign_holds_no_contact(client, place):
    _clocks, _cfa, site, bob = place
    slot = make.slot(bob, site, starts_at="2026-11-24T14:00", capacity=12, place_detail="Amphithéâtre")
    for first, last in (("Noé", "Durand"), ("Aya", "Bernard")):
        make.booking(slot, request={"first_name": first, "last_name": last, "phone": "+33199000042"})
    make.booking(slot, status="cancelled", request={"last_name": "Absente"})
    page = visit(client, visit(client, "/equipe/journee").link("Feuille d’émargement"))
    for words in ("CFA des Tilleuls", "Mardi 24 novembre 2026, 14 h – 14 h 30", "Amphithéâtre", "Avec Bob Garnier"):
        assert words in page.text
    rows = [row.text for row in page.all("tbody tr")]
    assert [row.split()[0] for row in rows[:2]] == ["Bernard", "Durand"]
    assert len(rows) == 2 + 6  # and room for who walks in
    main = page.one("main").text
    for words in ("@", "01 99", "Absente"):
        assert words not in main


def test_somebody_added_to_a_meeting_for_one_has_their_own_buttons(client, place):
    _clocks, _cfa, site, bob = place
    slot = make.slot(bob, site, starts_at="2026-11-24T14:00", extra_seats=1)
    people = [make.booking(slot, request={"first_name": name}) for name in ("Aya", "Noé")]
    page = visit(client, "/equipe/journee")
    assert "2 personnes" in page.one(".rdv-next").text
    submit(client, page, form=f"/equipe/rendez-vous/{people[1].public_id}/presence", button="Absent")
    assert [held.status for held in people] == ["booked", "no_show"]
