"""An adviser publishes slots: one, a run, seen before or at once, and what is refused beside which field."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rdv import clock
from rdv.db import db
from rdv.models import AuditEntry, MeetingType, Slot
from tests import make
from tests.support.pages import sign_in, submit, visit

URL = "/equipe/creneaux/publier"
RUN = {"day": "2026-12-01", "start": "14:00", "end": "17:00"}


@pytest.fixture
def place(app, freeze):
    freeze("2026-11-24T08:00Z")
    cfa = make.cfa()
    return cfa, make.site(cfa, name="Campus Nord")


def published():
    return list(db.session.scalars(sa.select(Slot).order_by(Slot.starts_at, Slot.id)))


def entered(client, cfa, role="adviser"):
    person = make.adviser(cfa) if role == "adviser" else make.manager(cfa)
    sign_in(client, person)
    return person


def publish(client, status=200, button="Publier", page=None, follow=True, **fields):
    page = page or visit(client, URL)
    return submit(client, page, form="publication", status=status, button=button, follow=follow, **{**RUN, **fields})


def test_an_afternoon_every_twenty_minutes(client, place):
    cfa, site = place
    adviser = entered(client, cfa)
    make.meeting_type(cfa, title="Entretien individuel", duration_minutes=20)
    page = publish(client)
    assert page.path == "/equipe/agenda"
    assert "9 créneaux publiés" in page.text
    assert "semaine=2026-W49" in page.url
    assert "Entretien individuel" in page.text
    assert len(page.one("#public-link").text) > 20
    slots = published()
    assert len(slots) == 9
    first = slots[0]
    assert clock.to_zone(first.starts_at, "Europe/Paris").strftime("%d %H:%M") == "01 14:00"
    assert (first.adviser_id, first.site_id, first.capacity, first.place, first.training_scope, first.listed) == (
        adviser.id, site.id, 1, "on_site", "site", True,
    )  # fmt: skip
    entry = db.session.scalars(sa.select(AuditEntry).filter_by(action="slots.published")).one()
    assert entry.data["count"] == 9


def test_one_slot_leads_to_its_own_page(client, place):
    entered(client, place[0])
    make.meeting_type(place[0], duration_minutes=45)
    page = publish(client, end="", room="Salle 12", listed="no")
    assert page.path == f"/equipe/creneaux/{published()[0].public_id}"
    assert "14 h – 14 h 45" in page.text
    assert "Salle 12" in page.text
    assert "Les personnes qui ont le lien" in page.text
    assert page.one("#slot-link").text.endswith(f"/rendez-vous/{published()[0].public_id}")


def test_the_first_publication_of_a_cfa_creates_the_suggested_types(client, place):
    entered(client, place[0])
    page = visit(client, URL)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(MeetingType)) == 0
    publish(client, page=page, meeting_type="collectif", end="", capacity=30)
    kinds = db.session.scalars(sa.select(MeetingType.title).order_by(MeetingType.id)).all()
    assert kinds == ["Entretien individuel", "Réunion d’information collective"]
    assert [(slot.capacity, slot.meeting_type.title) for slot in published()] == [
        (30, "Réunion d’information collective")
    ]


def test_the_result_is_seen_before_and_nothing_is_written(client, place):
    adviser = entered(client, place[0])
    make.slot(adviser, place[1], starts_at="2026-12-01T14:10", minutes=20)
    make.meeting_type(place[0], title="Atelier", duration_minutes=20)
    before = len(published())
    page = publish(client, button="Voir le résultat avant", meeting_type=_kind("Atelier"))
    assert "7 créneaux à publier" in page.text
    assert "2 créneaux non cochés" in page.text
    assert len(ticked(page)) == 7
    assert page.text.count("chevauche 14 h 10 – 14 h 30 à Campus Nord") == 2
    assert len(published()) == before
    page = publish(client, page=page, button="Cocher tout")
    assert "9 créneaux à publier" in page.text
    page = publish(client, page=page, button="Publier ces créneaux", allow_overlap="y")
    assert len(published()) == before + 9


def ticked(page):
    return page.fields("publication").get("keep", [])


def _kind(title):
    return db.session.scalars(sa.select(MeetingType.public_id).filter_by(title=title)).one()


def test_an_overlap_is_refused_with_the_form_as_typed_until_one_says_so(client, place):
    adviser = entered(client, place[0])
    make.slot(adviser, place[1], starts_at="2026-12-01T16:00", minutes=30)
    before = len(published())
    page = publish(client, status=409, room="Salle 7", duration=30)
    assert "publier quand même" in page.text.lower()
    assert "chevauche 16 h – 16 h 30" in page.text
    assert page.fields("publication")["room"] == ["Salle 7"]
    assert page.title.startswith("Erreur")
    assert len(published()) == before
    page = publish(client, page=page, button="Cocher tout", room="Salle 7", duration=30)
    page = publish(client, page=page, status=409, button="Publier ces créneaux", room="Salle 7", duration=30)
    assert len(ticked(page)) == 6
    assert len(published()) == before
    publish(client, page=page, button="Publier ces créneaux", room="Salle 7", duration=30, allow_overlap="y")
    assert len(published()) == before + 6


def test_an_overlap_in_another_centre_is_not_described_here(client, place):
    manager = entered(client, place[0], "manager")
    elsewhere = make.cfa()
    make.slot(manager, make.site(elsewhere, name="Lieu secret"), starts_at="2026-12-01T14:00")
    page = publish(client, status=409)
    assert "un créneau dans un autre centre" in page.text
    assert "Lieu secret" not in page.text


def test_a_session_that_changed_meanwhile_keeps_what_was_typed(client, place):
    entered(client, place[0])
    page = publish(client, status=400, room="Salle 7", csrf_token="d’une autre session")
    assert "restée ouverte trop longtemps" in page.text
    assert page.fields("publication")["room"] == ["Salle 7"]
    assert published() == []
    publish(client, page=page, room="Salle 7")
    assert len(published()) == 9
    for url in ("nouveau", make.meeting_type(place[0], title="Visite").public_id):
        form = visit(client, f"/equipe/types-de-rendez-vous/{url}")
        typed = {"title": "Atelier", "duration_minutes": "20", "csrf_token": "d’une autre session"}
        again = submit(client, form, form="Titre", button="Enregistrer", status=400, **typed)
        assert again.fields("Titre")["title"] == ["Atelier"]
    assert db.session.scalars(sa.select(MeetingType).filter_by(title="Atelier")).first() is None


def test_a_double_click_publishes_once(client, place):
    entered(client, place[0])
    page = visit(client, URL)
    publish(client, page=page)
    publish(client, page=page, status=409)
    assert len(published()) == 9


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"day": ""}, "Indiquez une date, par exemple 01/12/2026."),
        ({"day": "32/13/2026"}, "Cette date n’est pas lisible. Indiquez une date, par exemple 01/12/2026."),
        ({"start": ""}, "Indiquez une heure, par exemple 14:00."),
        ({"start": "quatorze"}, "Cette heure n’est pas lisible. Indiquez une heure, par exemple 14:00."),
        ({"end": "25:00"}, "Indiquez par exemple 17:00, ou laissez vide."),
        ({"end": "13:00"}, "L’heure de fin doit être après l’heure de début, par exemple 17:00."),
        ({"end": "14:10"}, "Aucun créneau de 30 minutes ne tient entre ces deux heures."),
        ({"day": "2026-11-20"}, "Ce moment est déjà passé."),
        ({"day": "2026-11-20", "end": ""}, "Ce moment est déjà passé."),
        ({"day": "2029-11-20"}, "Vérifiez l’année."),
        ({"day": "9999-12-31", "start": "23:59"}, "Vérifiez l’année."),
        ({"day": "0001-01-01"}, "Ce moment est déjà passé."),
        ({"day": "2027-03-28", "start": "02:30", "end": ""}, "les horloges avancent d’une heure"),
        ({"duration": "vingt"}, "Indiquez un nombre entier, par exemple 20."),
        ({"duration": "9" * 400}, "Indiquez un nombre entier, par exemple 20."),
        ({"duration": "0"}, "Indiquez une durée entre 5 et 480 minutes"),
        ({"duration": "9999"}, "Indiquez une durée entre 5 et 480 minutes"),
        ({"pause": "-1"}, "Indiquez une pause entre 0 et 240 minutes"),
        ({"capacity": "501"}, "Indiquez entre 1 et 500 places"),
        ({"place": "video"}, "par exemple https://visio.exemple.fr/salle-12"),
        ({"place": "video", "video_url": "http://visio.exemple.fr/a"}, "par exemple https://visio.exemple.fr/salle-12"),
        ({"place": "video", "video_url": "https://["}, "par exemple https://visio.exemple.fr/salle-12"),
        ({"place": "video", "video_url": "https://v.fr/" + "x" * 490}, "par exemple https://visio.exemple.fr/salle-12"),
        ({"place": "video", "video_url": "javascript:alert(1)"}, "par exemple https://visio.exemple.fr/salle-12"),
        ({"training_scope": "chosen"}, "Cochez au moins une formation."),
        ({"room": "x" * 201}, "200 caractères au plus"),
    ],
)
@pytest.mark.sqlite_only  # the form alone decides: the database is not asked
def test_what_is_wrong_is_said_beside_its_field(client, place, fields, said):
    entered(client, place[0])
    make.meeting_type(place[0], duration_minutes=30)
    page = publish(client, status=400, **fields)
    assert any(said in error for error in page.errors), page.errors
    assert published() == []
    for name, value in fields.items():
        if name not in ("place", "training_scope"):
            assert page.fields("publication")[name] == [value]


def test_by_phone_by_video_and_for_chosen_trainings(client, place):
    cfa, site = place
    entered(client, cfa)
    cook, baker = make.training(cfa, site, title="CAP Cuisine"), make.training(cfa, site, title="CAP Pâtissier")
    make.training(make.cfa(), title="BTS d’un autre centre")
    page = visit(client, URL)
    assert "BTS d’un autre centre" not in page.text
    found = publish(client, page=page, button="Chercher", training_scope="chosen", training_search="patissier")
    assert "CAP Cuisine" not in found.text
    publish(
        client, page=found, end="", place="video", video_url="https://visio.exemple.fr/salle",
        training_scope="chosen", trainings=[baker.public_id],
    )  # fmt: skip
    slot = published()[0]
    assert (slot.place, slot.place_detail, slot.trainings) == ("video", "https://visio.exemple.fr/salle", [baker])
    publish(client, start="16:00", end="", place="phone", training_scope="cfa", room="Salle oubliée")
    assert (published()[1].place, published()[1].place_detail) == ("phone", None)
    assert cook not in slot.trainings


def test_the_hours_are_those_of_the_site_which_is_named(client, place):
    cfa, _site = place
    reunion = make.site(cfa, name="Saint-Denis", timezone="Indian/Reunion", territory="974")
    entered(client, cfa)
    page = visit(client, URL)
    assert "Saint-Denis (heure de La Réunion)" in page.text
    page = publish(client, page=page, site=reunion.public_id, end="")
    assert published()[0].starts_at.hour == 10
    assert "14 h – 14 h 20 (heure de La Réunion)" in page.text


def test_a_public_holiday_is_announced(client, place):
    entered(client, place[0])
    page = publish(client, status=409, day="2026-12-25", end="")
    assert "jour férié (Noël)" in page.text
    assert published() == []
    page = publish(client, page=page, button="Publier ces créneaux", day="2026-12-25", end="")
    assert len(published()) == 1


def test_an_adviser_publishes_for_themselves_and_a_manager_for_anybody_of_the_centre(app, client, place):
    cfa, _site = place
    adviser = entered(client, cfa)
    colleague = make.adviser(cfa, first_name="Dora", last_name="Petit")
    assert "Dora Petit" not in visit(client, URL).text
    forged = client.post(
        URL, data={**_sent(visit(client, URL)), **RUN, "adviser": colleague.public_id, "action": "publish"}
    )
    assert forged.status_code == 400
    assert published() == []
    other = app.test_client()
    entered(other, cfa, "manager")
    page = publish(other, adviser=colleague.public_id)
    assert f"conseiller={colleague.public_id}" in page.url
    assert {slot.adviser_id for slot in published()} == {colleague.id}
    assert adviser.id != colleague.id


def _sent(page):
    return {name: values[0] for name, values in page.fields("publication").items() if values}


def test_another_centres_site_type_or_training_cannot_be_used(client, place):
    cfa, site = place
    entered(client, cfa)
    other = make.cfa()
    page = visit(client, URL)
    for name, value in (
        ("site", make.site(other).public_id),
        ("meeting_type", make.meeting_type(other).public_id),
    ):
        answer = client.post(URL, data={**_sent(page), **RUN, name: value, "action": "publish"})
        assert answer.status_code == 400, name
    foreign = make.training(other).public_id
    sent = {**_sent(page), **RUN, "training_scope": "chosen", "trainings": foreign, "action": "publish"}
    assert client.post(URL, data=sent).status_code == 400
    assert published() == []
    assert site.cfa_id == cfa.id


def test_a_meeting_type_is_made_on_the_way_and_changed_later(client, place):
    entered(client, place[0])
    form = visit(client, visit(client, URL).link("Créer un type de rendez-vous"))
    again = submit(client, form, title="", duration_minutes="3", status=400)
    assert any("Donnez un titre" in error for error in again.errors)
    page = submit(client, form, title="Visite de l’atelier", duration_minutes="40", default_place="phone")
    assert page.path == URL
    chosen = page.fields("publication")
    assert chosen["meeting_type"] == [_kind("Visite de l’atelier")]
    assert chosen["place"] == ["phone"]
    listing = visit(client, "/equipe/types-de-rendez-vous")
    page = visit(client, listing.link("Visite de l’atelier"))
    page = submit(
        client, page, form="Titre", button="Enregistrer", title="Visite du fournil", what_to_bring="Chaussures"
    )
    assert "Visite du fournil" in page.text
    kind = db.session.scalars(sa.select(MeetingType)).one()
    assert (kind.duration_minutes, kind.what_to_bring) == (40, "Chaussures")
    page = submit(client, visit(client, f"/equipe/types-de-rendez-vous/{kind.public_id}"), form="Archiver")
    assert "Proposer à nouveau" in page.text
    page = submit(client, page, form="Proposer à nouveau")
    assert page.link("Visite du fournil")
    twin = visit(client, "/equipe/types-de-rendez-vous/nouveau")
    page = submit(client, twin, title="visite du FOURNIL", duration_minutes="20", status=409)
    assert any("porte déjà ce titre" in error for error in page.errors)


def test_a_cfa_without_types_is_offered_two_by_a_button(client, place):
    entered(client, place[0], "manager")
    page = visit(client, "/equipe/types-de-rendez-vous")
    assert db.session.scalar(sa.select(sa.func.count()).select_from(MeetingType)) == 0
    page = submit(client, page, form="Créer ces deux types")
    assert "2 types créés" in page.text
    assert visit(client, f"/equipe/types-de-rendez-vous/{make.meeting_type(make.cfa()).public_id}", status=404)
