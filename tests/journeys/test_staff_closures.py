"""Closures on screen: seen before they are saved, people decided on after, opened again; and what candidates read."""

from __future__ import annotations

from datetime import date, time

import pytest
import sqlalchemy as sa

from rdv.db import db
from rdv.mails import KINDS
from rdv.models import Booking, CandidateRequest, Closure, OutgoingMail, Slot
from tests import make
from tests.support.pages import sign_in, submit, visit

LIST = "/equipe/fermetures"
NEW = "/equipe/fermetures/nouvelle"


@pytest.fixture
def place(app, freeze):
    freeze("2026-11-24T08:00Z")
    cfa = make.cfa()
    return cfa, make.site(cfa, name="Campus Nord")


def kept():
    db.session.expire_all()
    return db.session.scalars(sa.select(Closure)).one_or_none()


def close(client, status=200, page=None, **fields):
    values = {"first_day": "2026-12-21", "last_day": "2026-12-27", "label": "Congés d’hiver"}
    return submit(client, page or visit(client, NEW), status=status, button="Enregistrer", **{**values, **fields})


def test_a_manager_closes_the_centre_and_decides_for_each_person(client, place):
    cfa, site = place
    adviser = make.adviser(cfa)
    for hour in (9, 10):
        make.slot(adviser, site, starts_at=f"2026-12-22T{hour:02}:00")
    met = [
        make.booking(make.slot(adviser, site, starts_at=f"2026-12-23T{hour}:00"), request={"first_name": name, "last_name": "Martin", **contact})
        for hour, name, contact in ((10, "Zoé", {}), (11, "Yann", {}), (14, "Inès", {"email": None, "phone": "+33199000012"}))
    ]  # fmt: skip
    sign_in(client, make.manager(cfa))
    assert "Aucune fermeture à venir" in visit(client, LIST).text
    page = close(client)
    assert "Tout le centre, du lundi 21 décembre au dimanche 27 décembre 2026" in page.text
    assert "5 créneaux à fermer" in page.text
    assert "Mardi 22 décembre : 2 créneaux" in page.text
    assert "3 personnes ont déjà rendez-vous" in page.text
    assert kept() is None, "seen before it is saved"
    page = submit(client, page, button="Enregistrer et décider")
    closure = kept()
    assert closure.label == "Congés d’hiver"
    assert page.path == f"{LIST}/{closure.public_id}/rendez-vous"
    assert "5 créneaux fermés" in page.text
    assert "Inès Martin, mercredi 23 décembre à 14 h" in page.text
    assert "Sans adresse électronique : 01 99 00 00 12" in page.text
    page = submit(client, page, button="Maintenir", meetings=None, status=400)
    assert "Cochez au moins une personne." in page.errors
    page = submit(client, page, button="Maintenir", meetings=[met[0].public_id])
    assert "1 rendez-vous maintenu" in page.text
    assert "Zoé Martin" not in page.text
    listed = visit(client, LIST)
    assert "2 rendez-vous pendant cette fermeture" in listed.text
    page = visit(client, listed.link("2 rendez-vous"))
    page = submit(client, page, button="Annuler les", meetings=[met[1].public_id, met[2].public_id], message="Le centre ferme.")  # fmt: skip
    assert "2 rendez-vous annulés" in page.text
    assert "À appeler, faute d’adresse électronique : Inès Martin." in page.text
    assert "Tout est décidé" in page.text
    assert "pendant cette fermeture" not in visit(client, LIST).text
    db.session.expire_all()
    assert [one.status for one in met] == ["booked", "cancelled", "cancelled"]
    told = db.session.scalars(sa.select(OutgoingMail).filter_by(kind="booking_cancelled")).all()
    assert [mail.booking_id for mail in told] == [met[1].id]
    assert db.session.get_one(CandidateRequest, met[2].request_id).status == "new"


def test_what_meets_nothing_is_saved_at_once_and_opened_again_in_one_click(client, place):
    cfa, site = place
    sign_in(client, make.manager(cfa))
    page = close(client)
    assert page.path == LIST
    assert "Fermeture enregistrée." in page.text
    assert "Congés d’hiver" in page.text
    adviser = make.adviser(cfa)
    slot = make.slot(adviser, site, starts_at="2026-12-30T10:00")
    closure = kept()
    page = visit(client, f"{LIST}/{closure.public_id}")
    assert page.fields()["label"] == ["Congés d’hiver"]
    page = submit(client, page, button="Enregistrer", last_day="2026-12-31")
    page = submit(client, page, button="Enregistrer et fermer ces créneaux")
    assert "1 créneau fermé" in page.text
    page = submit(client, visit(client, LIST), form="fin", button="Supprimer")
    assert "Fermeture terminée. 1 créneau rouvert." in page.text
    assert kept() is None
    assert db.session.get_one(Slot, slot.id).status == "open"


def test_what_changed_since_it_was_seen_is_shown_again(client, place):
    cfa, site = place
    adviser = make.adviser(cfa)
    make.slot(adviser, site, starts_at="2026-12-22T10:00")
    make.slot(adviser, site, starts_at="2026-12-29T10:00")
    sign_in(client, make.manager(cfa))
    page = close(client)
    assert "1 créneau à fermer" in page.text
    page = submit(client, page, button="Enregistrer et fermer", last_day="2026-12-31")
    assert "2 créneaux à fermer" in page.text
    assert kept() is None


def test_an_adviser_notes_an_absence_of_one_afternoon_and_closes_nothing_else(client, place):
    cfa, site = place
    adviser, colleague = make.adviser(cfa), make.adviser(cfa)
    mine = make.slot(adviser, site, starts_at="2026-12-01T14:00")
    theirs = make.slot(colleague, site, starts_at="2026-12-01T14:00")
    theirs_too = make.saved(Closure(cfa_id=cfa.id, user_id=colleague.id, first_day=date(2026, 12, 7), last_day=date(2026, 12, 7), label="Rendez-vous personnel"))  # fmt: skip
    whole = make.saved(Closure(cfa_id=cfa.id, first_day=date(2026, 12, 24), last_day=date(2026, 12, 24)))
    sign_in(client, adviser)
    listed = visit(client, LIST)
    assert "Tout le centre, le jeudi 24 décembre 2026" in listed.text
    assert "Rendez-vous personnel" not in listed.text, "why a colleague is away is not one’s business"
    assert listed.links("Fermer le centre") == []
    assert listed.links("Modifier") == []
    for closure in (theirs_too, whole):
        visit(client, f"{LIST}/{closure.public_id}", status=403)
    assert client.get(f"{LIST}/{theirs_too.public_id}/rendez-vous").status_code == 403
    page = submit(client, visit(client, NEW), button="Enregistrer", first_day="2026-12-01", starts="13:30", ends="17:00")  # fmt: skip
    assert f"{adviser.shown_name}, le mardi 1er décembre 2026, de 13 h 30 à 17 h" in page.text
    submit(client, page, button="Enregistrer et fermer")
    made = db.session.scalars(sa.select(Closure).filter_by(user_id=adviser.id)).one()
    assert (made.starts, made.ends) == (time(13, 30), time(17))
    db.session.expire_all()
    assert (mine.status, theirs.status) == ("closed", "open")
    answer = client.post(NEW, data={**visit(client, NEW).fields(), "whose": "centre", "first_day": "2026-12-02"})
    assert answer.status_code == 400, "a choice that was not offered"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"first_day": ""}, "Indiquez une date, par exemple 20/07/2027."),
        ({"first_day": "demain"}, "Cette date n’est pas lisible. Indiquez une date, par exemple 20/07/2027."),
        ({"last_day": "2026-12-01"}, "Le dernier jour vient après le premier. Vérifiez les deux dates."),
        ({"first_day": "2026-11-01", "last_day": ""}, "Ces jours sont passés."),
        ({"last_day": "2028-12-27"}, "Une fermeture dure un an au plus."),
        ({"starts": "14:00"}, "Indiquez les deux heures, par exemple de 14:00 à 17:00, ou aucune."),
        ({"starts": "14:00", "ends": "17:00"}, "Des heures valent pour un seul jour."),
        ({"starts": "quatorze", "last_day": ""}, "Cette heure n’est pas lisible. Indiquez une heure, par exemple 14:00."),
        ({"label": "x" * 121}, "Raccourcissez : 120 caractères au plus."),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told_beside_its_field_and_nothing_is_lost(client, place, typed, sentence):
    cfa, _site = place
    sign_in(client, make.manager(cfa))
    page = close(client, status=400, **typed)
    assert any(sentence in error for error in page.errors)
    if "label" not in typed:
        assert page.fields()["label"] == ["Congés d’hiver"]
    assert kept() is None


def test_another_centre_has_no_such_page(client, place):
    cfa, _site = place
    closure = make.saved(Closure(cfa_id=make.cfa().id, first_day=date(2026, 12, 24), last_day=date(2026, 12, 24)))
    sign_in(client, make.manager(cfa))
    page = visit(client, LIST)
    for path in ("", "/rendez-vous"):
        visit(client, f"{LIST}/{closure.public_id}{path}", status=404)
    token = visit(client, NEW).fields()["csrf_token"]
    for path in ("/fin", "/rendez-vous"):
        data = {"csrf_token": token, "action": "keep"}
        assert client.post(f"{LIST}/{closure.public_id}{path}", data=data).status_code == 404
    assert "Aucune fermeture à venir" in page.text


def test_public_holidays_are_listed_for_each_territory(client, place):
    cfa, _site = place
    make.site(cfa, name="Campus de la Ravine", timezone="Indian/Reunion", territory="974")
    sign_in(client, make.manager(cfa))
    page = visit(client, LIST)
    assert page.text.count("Vendredi 25 décembre 2026 Noël") == 2
    assert page.text.count("Abolition de l’esclavage") == 1
    assert "Campus de la Ravine" in page.text


def test_closures_are_one_click_from_the_settings_and_the_agenda(client, place):
    cfa, _site = place
    make.saved(Closure(cfa_id=cfa.id, first_day=date(2026, 12, 24), last_day=date(2027, 1, 3), label="Congés d’hiver"))
    sign_in(client, make.manager(cfa))
    for path in ("/equipe/reglages", "/equipe/agenda"):
        page = visit(client, path)
        assert page.link("Fermetures et absences") == LIST
    assert "Congés d’hiver" in visit(client, "/equipe/reglages").text


# -- what candidates read ---------------------------------------------------------------------------------------------

SUMMER = {"first_day": date(2027, 7, 20), "last_day": date(2027, 8, 15)}


@pytest.fixture
def summer(app, freeze):
    clock = freeze("2027-07-22T08:00Z")
    cfa = make.cfa()
    site = make.site(cfa)
    return clock, cfa, site, make.training(cfa, site)


@pytest.mark.parametrize("path", ["/cfa/{cfa}", "/formation/{training}", "/formation/{training}/ecrire", "/formation/{training}/etre-rappele", "/cfa/{cfa}/ecrire"])  # fmt: skip
def test_a_summer_closure_is_told_on_every_page_of_the_centre(client, summer, path):
    _clock, cfa, _site, training = summer
    make.saved(Closure(cfa_id=cfa.id, **SUMMER, label="Congés d’été"))
    page = visit(client, path.format(cfa=cfa.public_id, training=training.public_id))
    # 15 August is a Sunday; Monday 16 is the first day somebody answers.
    assert (
        "Le centre est fermé du 20 juillet au 15 août (Congés d’été) : réponses à partir du lundi 16 août." in page.text
    )


def test_it_is_announced_a_week_before_and_never_after(client, summer):
    clock, cfa, _site, _training = summer
    make.saved(Closure(cfa_id=cfa.id, **SUMMER))
    path = f"/cfa/{cfa.public_id}"
    clock.to("2027-07-12T10:00Z")
    assert "fermé" not in visit(client, path).text
    clock.to("2027-07-13T10:00Z")
    told = "Le centre sera fermé du 20 juillet au 15 août. Demandes reçues pendant cette période : réponses à partir du lundi 16 août."
    assert told in visit(client, path).text
    clock.to("2027-08-15T20:00Z")
    assert "Le centre est fermé" in visit(client, path).text
    clock.to("2027-08-15T22:30Z")  # half past midnight in Lille
    assert "fermé" not in visit(client, path).text


def test_absences_hours_and_other_places_are_not_announced(client, summer):
    _clock, cfa, site, training = summer
    make.saved(Closure(cfa_id=cfa.id, user_id=make.adviser(cfa).id, **SUMMER))
    make.saved(Closure(cfa_id=cfa.id, first_day=date(2027, 7, 22), last_day=date(2027, 7, 22), starts=time(9), ends=time(18)))  # fmt: skip
    other = make.site(cfa, name="Campus Sud")
    make.saved(Closure(cfa_id=cfa.id, site_id=other.id, **SUMMER))
    assert "fermé" not in visit(client, f"/formation/{training.public_id}").text
    elsewhere = make.training(cfa, other)
    assert "Le lieu de formation « Campus Sud » est fermé du 20 juillet" in visit(client, f"/formation/{elsewhere.public_id}").text  # fmt: skip
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Booking)) == 0
    assert site.closed_at is None


def test_closures_that_follow_each_other_are_one(client, summer):
    _clock, cfa, _site, _training = summer
    make.saved(Closure(cfa_id=cfa.id, first_day=date(2027, 7, 20), last_day=date(2027, 7, 25), label="Congés d’été"))
    make.saved(Closure(cfa_id=cfa.id, first_day=date(2027, 7, 26), last_day=date(2027, 8, 15), label="Travaux"))
    assert "Le centre est fermé du 20 juillet au 15 août : réponses" in visit(client, f"/cfa/{cfa.public_id}").text


def test_the_promised_date_comes_after_the_closure_on_the_page_and_in_the_request(client, summer):
    _clock, cfa, _site, training = summer
    make.saved(Closure(cfa_id=cfa.id, **SUMMER))
    page = visit(client, f"/formation/{training.public_id}/ecrire")
    assert "au plus tard mardi 17 août à 17 h" in page.text
    submit(client, page, first_name="Zoé", last_name="Lambert", email="zoe@courriel.example", text="Bonjour")
    request = db.session.scalars(sa.select(CandidateRequest)).one()
    assert request.due_at.isoformat() == "2027-08-17T15:00:00+00:00"
    row = db.session.scalars(sa.select(OutgoingMail).filter_by(kind="request_received")).one()
    told = " ".join(KINDS["request_received"].render(row).paragraphs).replace("\u00a0", " ")
    assert "Le centre est fermé du 20 juillet au 15 août : réponses à partir du lundi 16 août." in told
