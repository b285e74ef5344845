"""An adviser publishes series, copies a week, types a line: seen before, skipped one by one, and what is refused."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa

from rdv import clock
from rdv.db import db
from rdv.models import Closure, Slot, SlotSeries
from tests import make
from tests.support.pages import sign_in, submit, visit

URL = "/equipe/creneaux/publier"
WEEK = "/equipe/creneaux/dupliquer"
RUN = {"day": "2026-12-01", "start": "14:00", "end": "15:00"}


@pytest.fixture
def place(app, freeze):
    freeze("2026-11-24T08:00Z")
    cfa = make.cfa()
    return cfa, make.site(cfa, name="Campus Nord")


@pytest.fixture
def adviser(client, place):
    make.meeting_type(place[0], title="Entretien individuel", duration_minutes=20)
    person = make.adviser(place[0], first_name="Marie", last_name="Dupont")
    sign_in(client, person)
    return person


def published():
    return list(db.session.scalars(sa.select(Slot).order_by(Slot.starts_at, Slot.id)))


def hours(slots=None):
    return [clock.to_zone(slot.starts_at, slot.site.timezone).strftime("%d/%m %H:%M") for slot in slots or published()]


def post(client, page=None, button="Publier", status=200, **fields):
    return submit(client, page or visit(client, URL), form="publication", button=button, status=status, **fields)


def read(client, line, status=200):
    return submit(client, visit(client, URL), form="ligne", button="Lire", line=line, status=status, quoted=[line])


def test_a_series_is_seen_skipped_one_by_one_published_and_read(client, place, adviser):
    page = post(client, until="2026-12-29", weekdays=["1", "4"], **RUN)  # « Publier » shows a series first
    assert published() == []
    assert "24 créneaux à publier" in page.text
    assert "Les mardis et vendredis de 14 h à 15 h, toutes les 20 min, jusqu’au 29 décembre." in page.text
    assert "3 créneaux non cochés" in page.text
    assert "Vendredi 25 décembre jour férié (Noël)" in " ".join(page.text.split())
    keep = [key for key in page.fields("publication")["keep"] if key != "2026-12-01T14:20"]
    page = post(client, page, "Publier ces créneaux", until="2026-12-29", weekdays=["1", "4"], keep=keep, **RUN)
    assert "23 créneaux publiés" in page.text
    assert page.path.startswith("/equipe/series/")
    assert page.h1 == "Les mardis et vendredis de 14 h à 15 h, toutes les 20 min, jusqu’au 29 décembre"
    assert "23 créneaux à venir" in page.text
    assert "01/12 14:20" not in hours()
    assert len(published()) == 23
    made = db.session.scalars(sa.select(SlotSeries)).one()
    assert {slot.series_id for slot in published()} == {made.id}
    assert page.link("Modifier la série").endswith(f"{published()[0].public_id}/modifier")
    listing = visit(client, "/equipe/series")
    assert "Campus Nord, sur place, avec Marie Dupont" in listing.text
    assert visit(client, listing.link("Les mardis et vendredis")).path == page.path


def test_the_boxes_of_a_preview_tick_by_kind_of_conflict(client, place, adviser):
    cfa, site = place
    make.slot(adviser, site, starts_at="2026-12-18T14:00", minutes=20)
    make.saved(Closure(cfa_id=cfa.id, first_day=date(2026, 12, 11), last_day=date(2026, 12, 11), label="Inventaire"))
    asked = {**RUN, "day": "2026-12-04", "until": "2026-12-25"}
    page = post(client, button="Voir le résultat avant", **asked)
    assert "5 créneaux à publier" in page.text
    assert "fermeture (« Inventaire »)" in page.text
    for button, count in (("Cocher tout", 12), ("Tout sauf les jours fériés", 9), ("Seulement ce que rien", 5)):
        page = post(client, page, button, **asked)
        assert len(page.fields("publication")["keep"]) == count, button
    page = post(client, page, "Tout sauf les jours fériés", **asked)
    page = post(client, page, "Publier ces créneaux", status=409, **asked)
    assert "publier quand même" in page.text
    post(client, page, "Publier ces créneaux", allow_overlap="y", **asked)
    assert len(published()) == 10


def test_a_conflict_that_appears_after_the_preview_is_shown_before_anything_is_published(client, place, adviser):
    cfa, site = place
    asked = {**RUN, "count": "2"}
    page = post(client, **asked)
    make.saved(Closure(cfa_id=cfa.id, first_day=date(2026, 12, 8), last_day=date(2026, 12, 8)))
    page = post(client, page, "Publier ces créneaux", status=409, **asked)
    assert "Rien n’est encore publié" in page.text
    assert "Mardi 8 décembre fermeture" in " ".join(page.text.split())
    assert page.fields("publication")["count"] == ["2"]
    assert published() == []
    make.slot(adviser, site, starts_at="2026-12-01T14:00", minutes=20)  # another tab
    page = post(client, page, "Publier ces créneaux", status=409, **asked)
    assert "chevauche 14 h – 14 h 20 à Campus Nord" in page.text
    assert len(published()) == 1


def test_a_rule_changed_under_its_preview_is_shown_again(client, place, adviser):
    page = post(client, count="2", **RUN)
    page = post(client, page, "Publier ces créneaux", status=409, count="3", **RUN)
    assert "9 créneaux à publier" in page.text
    post(client, page, "Publier ces créneaux", count="3", **RUN)
    assert len(published()) == 9


def test_several_ranges_and_the_words_of_a_group_session(client, place, adviser):
    words = {"title": "Portes ouvertes", "programme": "Visite des ateliers", "what_to_bring": "Un stylo"}
    page = post(client, start_3="16:00", end_3="16:20", capacity="12", **words, **RUN)
    assert "4 créneaux publiés" in page.text
    assert hours() == ["01/12 14:00", "01/12 14:20", "01/12 14:40", "01/12 16:00"]
    assert {(slot.capacity, slot.title, slot.programme, slot.what_to_bring) for slot in published()} == {
        (12, *words.values())
    }
    post(client, start="17:00", day="2026-12-01", title="Oublié", capacity="1")
    assert published()[-1].title is None  # an individual meeting has no title of its own


@pytest.mark.parametrize(
    ("fields", "name", "said"),
    [
        ({"weekdays": ["1", "3"]}, "until", "Dites jusqu’à quand répéter"),
        ({"every_weeks": "2"}, "until", "Dites jusqu’à quand répéter"),
        ({"until": "2026-11-30"}, "until", "La date de fin vient après le premier jour."),
        ({"until": "2029-11-30"}, "until", "dans plus de dix-huit mois"),
        ({"until": "demain"}, "until", "Cette date n’est pas lisible."),
        ({"until": "2026-12-08", "count": "2"}, "count", "pas les deux"),
        ({"count": "0"}, "count", "Indiquez entre 1 et 400 jours"),
        ({"every_weeks": "60", "count": "2"}, "every_weeks", "Indiquez entre 1 et 52 semaines"),
        (
            {"until": "2027-12-01", "weekdays": list("0123456"), "start": "08:00", "end": "18:00"},
            "until",
            "1000 au plus",
        ),
        ({"end_2": "17:00"}, "start_2", "Indiquez une heure, par exemple 14:00."),
        ({"start_3": "14:30"}, "start_3", "Cette plage en chevauche une autre."),
        ({"start_4": "16:00", "end_4": "15:00"}, "end_4", "L’heure de fin doit être après"),
    ],
)
@pytest.mark.sqlite_only  # the form alone decides: the database is not asked
def test_what_is_wrong_is_said_beside_its_field_and_kept(client, place, adviser, fields, name, said):
    page = post(client, status=400, **{**RUN, **fields})
    assert said in page.one(f"#{name}-error").text
    typed = page.fields("publication")
    for field, value in fields.items():
        assert typed[field] == (value if isinstance(value, list) else [value])
    assert published() == []


def test_the_last_publication_is_where_the_next_one_begins(client, place, adviser):
    other = make.site(place[0], name="Campus Sud")
    make.meeting_type(place[0], title="Atelier", duration_minutes=45)
    page = visit(client, URL)
    kind = next(key for key, label in _choices(page, "meeting_type") if "Atelier" in label)
    post(
        client, page, meeting_type=kind, site=other.public_id, place="video", video_url="https://visio.exemple.fr/a",
        duration="50", day="2026-12-01", start="09:00",
    )  # fmt: skip
    typed = visit(client, URL).fields("publication")
    assert (typed["meeting_type"], typed["site"], typed["place"]) == ([kind], [other.public_id], ["video"])
    assert (typed["duration"], typed["video_url"], typed["day"]) == (["50"], ["https://visio.exemple.fr/a"], [""])


def _choices(page, name):
    return [(node.get("value"), node.text) for node in page.all(f"#{name} option")]


# -- one line --------------------------------------------------------------------------------------------------------


def test_a_line_fills_the_form_is_seen_and_published(client, place, adviser):
    south = make.site(place[0], name="Campus Sud")
    page = read(client, "mar jeu 14h-15h 16h /20min pause 5 x2 jusqu’au 10/12 x Campus Sud salle 7")
    typed = page.fields("publication")
    assert (typed["day"], typed["start"], typed["end"], typed["start_2"]) == (
        ["2026-11-24"], ["14:00"], ["15:00"], ["16:00"],
    )  # fmt: skip
    assert (typed["weekdays"], typed["until"], typed["site"], typed["room"]) == (
        ["1", "3"], ["2026-12-10"], [south.public_id], ["salle 7"],
    )  # fmt: skip
    assert "18 créneaux à publier" in page.text
    assert published() == []
    page = post(client, page, "Publier ces créneaux")
    assert len(published()) == 18
    assert {(slot.capacity, slot.site_id, slot.place_detail) for slot in published()} == {(2, south.id, "salle 7")}


def test_a_line_that_is_not_understood_names_its_word_and_is_kept(client, place, adviser):
    line = "mardi prochain 14h"
    page = read(client, line, status=400)
    assert "Le mot « prochain » n’est pas compris. Exemple : mar 14h-17h /20min x Campus Nord." in page.errors[0]
    assert page.fields("ligne")["line"] == [line]
    assert page.title.startswith("Erreur")
    page = read(client, "mar 14h visio", status=400)  # understood, but the form misses an address
    assert any("https://visio.exemple.fr/salle-12" in error for error in page.errors)
    assert page.fields("publication")["start"] == ["14:00"]
    assert published() == []


def test_a_line_names_people_of_the_centre_for_a_manager_alone(app, client, place, adviser):
    read(client, "mar 14h avec Bob", status=400)
    manager = make.manager(place[0])
    bob = make.adviser(place[0])
    other = app.test_client()
    sign_in(other, manager)
    page = read(other, "mar 14h avec Bob")
    post(other, page, "Publier ces créneaux")
    assert [slot.adviser_id for slot in published()] == [bob.id]


# -- a week again ----------------------------------------------------------------------------------------------------


def test_last_week_again(client, place, adviser):
    for starts_at in ("2026-11-17T14:00", "2026-11-18T09:00", "2026-11-20T10:00"):
        make.slot(adviser, place[1], starts_at=starts_at, minutes=20)
    page = visit(client, visit(client, URL).link("Répéter la semaine dernière"))
    assert "3 créneaux à publier" in page.text
    page = submit(client, page, form="dupliquer?", button="Publier ces créneaux")
    assert "3 créneaux publiés" in page.text
    assert "semaine=2026-W48" in page.url
    assert hours()[3:] == ["24/11 14:00", "25/11 09:00", "27/11 10:00"]
    again = visit(client, WEEK)
    assert "chevauche 14 h – 14 h 20 à Campus Nord" in again.text
    page = submit(client, again, form="dupliquer?", button="Publier ces créneaux", status=409)
    assert "publier quand même" in page.text
    assert len(published()) == 6


def test_a_week_into_several_others_without_what_meets_something(client, place, adviser):
    make.slot(adviser, place[1], starts_at="2026-12-04T14:00", minutes=20)
    make.slot(adviser, place[1], starts_at="2026-12-03T14:00", minutes=20)
    page = visit(client, f"{WEEK}?semaine=2026-W49&vers=2026-W50&semaines=4")
    assert "6 créneaux à publier" in page.text  # Christmas and New Year’s Day are Fridays
    assert "jour férié (Noël)" in page.text
    submit(client, page, form="dupliquer?", button="Publier ces créneaux")
    assert "25/12 14:00" not in hours()
    assert len(published()) == 8


def test_a_week_without_slots_and_weeks_that_make_no_sense(client, place, adviser):
    assert "Rien à copier" in visit(client, WEEK).text
    assert "Rien à copier" in visit(client, f"{WEEK}?semaine=hier&vers=1e9&semaines=-3&conseiller=x").text
    later = visit(client, f"{WEEK}?vers=2026-W52").one("#semaine option[selected]")
    assert later.get("value") == "2026-W51"  # from the agenda of a later week: the one before it
    page = visit(client, f"{WEEK}?semaine=2026-W49&vers=2026-W49")
    assert "Choisissez une autre semaine" in page.text


def test_a_manager_copies_the_week_of_an_adviser_who_cannot_copy_another(app, client, place, adviser):
    bob = make.adviser(place[0])
    make.slot(bob, place[1], starts_at="2026-11-17T14:00", minutes=20)
    address = f"{WEEK}?conseiller={bob.public_id}"
    assert "Rien à copier" in visit(client, address).text
    other = app.test_client()
    sign_in(other, make.manager(place[0]))
    submit(other, visit(other, address), form="dupliquer?", button="Publier ces créneaux")
    assert {slot.adviser_id for slot in published()} == {bob.id}
    assert len(published()) == 2


# -- series ----------------------------------------------------------------------------------------------------------


def test_a_series_of_another_centre_does_not_exist(app, client, place, adviser):
    page = post(client, count="2", **RUN)
    address = post(client, page, "Publier ces créneaux", count="2", **RUN).path
    other = app.test_client()
    sign_in(other, make.adviser(make.cfa()))
    assert visit(other, address, status=404)
    assert "Aucune série à venir" in visit(other, "/equipe/series").text


def test_nothing_is_ticked_and_a_session_that_changed(client, place, adviser):
    page = post(client, count="2", **RUN)
    assert (
        "Cochez au moins un créneau"
        in post(client, page, "Publier ces créneaux", status=400, count="2", keep=None, **RUN).text
    )
    page = post(client, page, "Publier ces créneaux", status=400, count="2", csrf_token="d’une autre session", **RUN)
    assert "restée ouverte trop longtemps" in page.text
    assert page.fields("publication")["count"] == ["2"]
    assert published() == []
