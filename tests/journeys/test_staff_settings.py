"""Settings of the centre: who changes them, what is checked, what calendars and the journal see."""

from __future__ import annotations

from flask.testing import FlaskClient
from sqlalchemy import event

from rdv import directory
from rdv.db import db
from rdv.models import AuditEntry, Cfa, OpeningHours, Site
from tests import make
from tests.support.pages import SAME_SITE, sign_in, submit, visit

SETTINGS = "/equipe/reglages"
CENTRE = f"{SETTINGS}/centre"


def place(site: Site) -> str:
    return f"{SETTINGS}/lieux/{site.public_id}"


def journal(cfa: Cfa, action: str) -> list[AuditEntry]:
    return db.session.query(AuditEntry).filter_by(cfa_id=cfa.id, action=action).order_by(AuditEntry.id).all()


def test_an_adviser_reads_and_does_not_change(client: FlaskClient) -> None:
    cfa = make.cfa(disability_contact="Nadia Diallo")
    site = make.site(cfa)
    sign_in(client, make.adviser(cfa))
    page = visit(client, SETTINGS)
    assert "Nadia Diallo" in page.text
    assert "du lundi au vendredi, 9 h – 17 h" in page.text
    assert not page.links("Modifier")
    token = visit(client, "/equipe/profil").fields(0)["csrf_token"][0]
    for url in (CENTRE, place(site)):
        visit(client, url, status=403)
        assert client.post(url, data={"csrf_token": token, "answer_days": 1}, headers=SAME_SITE).status_code == 403
    assert cfa.callback_open


def test_a_manager_changes_the_centre(client: FlaskClient) -> None:
    cfa = make.cfa(name="CFA DU NORD")
    sign_in(client, make.manager(cfa))
    page = visit(client, CENTRE)
    assert page.fields()["answer_days"] == ["2"]
    assert "CFA DU NORD" in page.text
    page = submit(
        client, page, chosen_name="CFA du Nord", modes=["message"], answer_days=3, disability_contact="Nadia Diallo"
    )
    assert "Les réglages sont enregistrés." in page.text
    assert "3 jours ouvrés" in page.text
    assert "être rappelé" not in page.text
    assert (cfa.shown_name, cfa.name) == ("CFA du Nord", "CFA DU NORD"), "the catalogue's stays beside"
    assert (cfa.callback_open, cfa.message_open, cfa.answer_days) == (False, True, 3)
    (entry,) = journal(cfa, "cfa.settings_changed")
    assert entry.data["fields"] == ["answer_days", "callback_open", "chosen_name", "disability_contact"]
    assert "Nadia" not in str(entry.data), "the journal holds no person"
    assert entry.data["changes"]["answer_days"] == [2, 3]


def test_a_centre_is_found_by_both_its_names(client: FlaskClient) -> None:
    cfa = make.cfa(name="ASSOCIATION GESTION AFORTIX")
    sign_in(client, make.manager(cfa))
    submit(client, visit(client, CENTRE), chosen_name="CFA des Violettes")
    for words in ("violettes", "afortix"):
        assert [found.id for found in directory.search(words).cfas] == [cfa.id]


def test_a_manager_chooses_where_requests_arrive(client: FlaskClient) -> None:
    cfa = make.cfa(email="direction@cfa.example")
    site = make.site(cfa, email="site@cfa.example")
    training = make.training(cfa, site, email=None)
    sign_in(client, make.manager(cfa))
    pages = (CENTRE, place(site), f"{SETTINGS}/formations/{training.public_id}")
    for url, level, catalogue in zip(
        pages, (cfa, site, training), ("direction@cfa.example", "site@cfa.example", "celle de son lieu"), strict=True
    ):
        page = visit(client, url)
        assert catalogue in page.text
        wrong = submit(client, page, status=400, chosen_email="accueil@")
        assert "semble incorrecte" in wrong.text
        assert wrong.fields()["chosen_email"] == ["accueil@"]
        submit(client, wrong, chosen_email=" Accueil@CFA.example ")
        assert level.chosen_email == "accueil@cfa.example"
        assert visit(client, url).fields()["chosen_email"] == ["accueil@cfa.example"]
    assert "Choisie pour la formation" in visit(client, f"{SETTINGS}/formations/{training.public_id}/plateformes").text
    for action in ("cfa", "site", "training"):
        (entry,) = journal(cfa, f"{action}.settings_changed")
        assert entry.data["fields"] == ["chosen_email"]
        assert "accueil" not in str(entry.data), "the journal holds no address"
    submit(client, visit(client, CENTRE), chosen_email="")
    assert cfa.chosen_email is None


def test_text_messages_are_turned_on_knowing_that_they_cost(client: FlaskClient, change_settings) -> None:
    cfa = make.cfa()
    sign_in(client, make.manager(cfa))
    page = visit(client, CENTRE)
    assert "Chaque SMS est payant" in page.text
    page = submit(client, page, sms_open="y")
    assert "à tous les candidats qui donnent un mobile" in page.text
    assert cfa.sms_open
    assert journal(cfa, "cfa.settings_changed")[0].data["changes"] == {"sms_open": [False, True]}
    change_settings(sms_provider="none")  # an installation without them says nothing of them, and forgets nothing
    page = visit(client, CENTRE)
    assert "SMS" not in page.text
    submit(client, page, answer_days=4)
    assert cfa.sms_open
    assert "SMS" not in visit(client, SETTINGS).text


def test_saving_without_change_writes_nothing(client: FlaskClient) -> None:
    cfa = make.cfa()
    sign_in(client, make.manager(cfa))
    page = submit(client, visit(client, CENTRE))
    assert "Rien n’a changé." in page.text
    assert not journal(cfa, "cfa.settings_changed")


def test_days_promised_are_one_to_four(client: FlaskClient) -> None:
    cfa = make.cfa()
    sign_in(client, make.manager(cfa))
    page = visit(client, CENTRE)
    assert [node.get("value") for node in page.all("input[name=answer_days]")] == ["1", "2", "3", "4"]
    data = {**page.fields(), "answer_days": "9"}
    assert client.post(CENTRE, data=data, headers=SAME_SITE).status_code == 400
    assert cfa.answer_days == 2


def test_hours_are_read_as_people_write_them(client: FlaskClient) -> None:
    cfa = make.cfa()
    site = make.site(cfa)
    sign_in(client, make.manager(cfa))
    page = submit(client, visit(client, place(site)), monday="9h-12h, 14h-17h30", saturday="10:00 à 12:00")
    assert "9 h – 12 h, 14 h – 17 h 30" in page.text
    assert "Fermé" in page.text
    rows = [(row.weekday, row.opens_minute, row.closes_minute) for row in site.opening_hours]
    assert sorted(rows) == [(0, 540, 720), (0, 840, 1050), (5, 600, 720)]
    assert visit(client, place(site)).fields()["monday"] == ["9\u00a0h – 12\u00a0h, 14\u00a0h – 17\u00a0h\u00a030"]
    (entry,) = journal(cfa, "site.settings_changed")
    assert entry.object_id == site.public_id
    submit(client, visit(client, place(site)), monday="", saturday="")
    assert db.session.query(OpeningHours).count() == 0


def test_wrong_hours_are_shown_again_beside_their_day(client: FlaskClient) -> None:
    cfa = make.cfa()
    site = make.site(cfa)
    sign_in(client, make.manager(cfa))
    page = submit(client, visit(client, place(site)), monday="9h-12h", tuesday="l'après-midi", status=400,
                  quoted=["l'après-midi"])  # fmt: skip
    assert page.one("#tuesday").get("aria-invalid") == "true"
    assert "Écrivez les heures ainsi" in page.errors[-1]
    assert page.fields()["tuesday"] == ["l'après-midi"]
    assert site.opening_hours == []


def test_a_renamed_place_is_seen_by_calendars(client: FlaskClient) -> None:
    cfa = make.cfa()
    site, elsewhere = make.site(cfa), make.site(cfa)
    manager = make.manager(cfa)
    booking = make.booking(make.slot(manager, site))
    untouched = make.booking(make.slot(manager, elsewhere, starts_at="2027-01-05T10:00"))
    before, before_elsewhere = (booking.sequence, booking.slot.version), (untouched.sequence, untouched.slot.version)
    sign_in(client, manager)
    submit(client, visit(client, place(site)), name="Site de la Gare")
    assert site.shown_name == "Site de la Gare"
    assert (booking.sequence, booking.slot.version) == (before[0] + 1, before[1] + 1)
    assert (untouched.sequence, untouched.slot.version) == before_elsewhere
    submit(client, visit(client, place(site)), monday="9h-12h")
    assert booking.sequence == before[0] + 1, "hours show in no calendar"


def test_a_centre_of_many_places_and_people_costs_as_many_queries_as_one(client: FlaskClient) -> None:
    cfa = make.cfa()
    _place_and_person(cfa)
    sign_in(client, make.manager(cfa))
    small = [_queries(client, url) for url in (SETTINGS, "/equipe/membres")]
    for _ in range(10):
        _place_and_person(cfa)
    assert [_queries(client, url) for url in (SETTINGS, "/equipe/membres")] == small


def _place_and_person(cfa: Cfa) -> None:
    site = make.site(cfa)
    make.saved(OpeningHours(site_id=site.id, weekday=0, opens_minute=540, closes_minute=720))
    make.adviser(cfa, site)


def _queries(client: FlaskClient, url: str) -> int:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    visit(client, url)
    event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)


def test_another_centres_place_does_not_exist_here(client: FlaskClient) -> None:
    foreign = make.site(make.cfa(), name="Site du Sud")
    sign_in(client, make.manager(make.cfa()))
    visit(client, place(foreign), status=404)
    token = visit(client, "/equipe/profil").fields(0)["csrf_token"][0]
    data = {"csrf_token": token, "name": "Pris"}
    assert client.post(place(foreign), data=data, headers=SAME_SITE).status_code == 404
    assert foreign.shown_name == "Site du Sud"
