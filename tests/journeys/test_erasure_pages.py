"""« Effacer mes données »: a page of its own, a button, then what every old link and every screen says."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from rdv import clock, erasure, feeds, inbox, links
from rdv.db import db, transaction
from rdv.models import AuditEntry, Booking, CandidateRequest, Membership
from rdv.tokens import sign_short
from tests import make
from tests.support.pages import sign_in, submit, visit
from tests.support.ticks import tick

PERSON = {
    "first_name": "Zéphyrine", "last_name": "Quatrebarbes", "email": "zephyrine.q@courriel.example",
    "phone": "+33639981234", "text": "Je cherche une licorne mauve.",
    "search_text": "zephyrine quatrebarbes +33639981234",
}  # fmt: skip
SECRETS = ("phyrine", "Quatrebarbes", "quatrebarbes", "zephyrine", "39981234", "39 98 12 34", "licorne")


@pytest.fixture
def house(app, freeze):
    time = freeze("2026-11-23T08:00Z")
    cfa = make.cfa(name="CFA des Tilleuls")
    site = make.site(cfa)
    adviser = make.adviser(cfa)
    training = make.training(cfa, site)
    slot = make.slot(adviser, site, starts_at="2026-11-24T14:00")
    return SimpleNamespace(time=time, cfa=cfa, site=site, adviser=adviser, training=training, slot=slot)


def booked(house, **columns):
    return make.booking(house.slot, request={**PERSON, "training_id": house.training.id, **columns}).request


def asked(house, **columns):
    return make.candidate_request(house.cfa, site_id=house.site.id, training_id=house.training.id, **PERSON, **columns)


def path(link):
    return link[link.index("/", 8) :]


def erase(request):
    with transaction():
        erasure.erase(db.session.get(CandidateRequest, request.id), "candidate", clock.now())


# -- the candidate ----------------------------------------------------------------------------------------------------


def test_asked_from_the_personal_page_and_confirmed_on_its_own(client, house):
    request = booked(house)
    link = path(links.personal(request))
    page = visit(client, visit(client, link).link("Effacer mes données"))
    assert "Mardi 24 novembre à 14 h" in page.text
    assert "sera annulé, et le centre prévenu" in page.text
    assert db.session.get(CandidateRequest, request.id).erased_at is None  # reading erases nothing
    after = submit(client, page, button="Effacer définitivement", status=410)
    assert after.h1 == "Ces données ont été effacées"
    assert after.links("Revoir la formation")
    held = db.session.scalars(sa.select(Booking)).one()
    assert (held.status, held.cancelled_by) == ("cancelled", "candidate")
    assert db.session.scalars(sa.select(AuditEntry.action)).all() == ["request.erased"]
    again = client.post(f"{link}/effacer", data={}, headers={"Origin": "http://localhost"})
    assert again.status_code == 410  # a second click


def test_a_button_pressed_elsewhere_erases_nothing(client, house):
    request = booked(house)
    link = path(links.personal(request))
    data = {"form_token": visit(client, link + "/effacer").fields()["form_token"][0]}
    answer = client.post(
        link + "/effacer", data=data, headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://mal.example"}
    )
    assert answer.status_code in (400, 403)
    assert client.post(link + "/effacer", data={"form_token": "faux"}).status_code == 400
    assert db.session.get(CandidateRequest, request.id).erased_at is None


def test_who_asked_for_the_candidate_is_told_that_the_other_will_not_hear_of_it(client, house):
    request = booked(house, asker="parent", asker_first_name="Marie", asker_email="marie@courriel.example")
    link = path(links.personal(request, "marie@courriel.example"))
    page = visit(client, link + "/effacer")
    assert "Nous ne préviendrons pas Zéphyrine" in page.text
    submit(client, page, button="Effacer définitivement", status=410)
    assert db.session.get(CandidateRequest, request.id).erased_at is not None


def test_every_link_of_an_old_mail_gives_a_helpful_page(client, house):
    request = booked(house)
    personal, code = path(links.personal(request)), sign_short(request.public_id, PERSON["phone"], request.link_version)
    answer = path(links.answer(request, "accueil@cfa-tilleuls.example"))
    erase(request)
    for ending in ("", "/annuler", "/deplacer", "/creneaux", "/presence", "/retard", "/effacer", "/rendez-vous.ics"):
        page = visit(client, personal + ending, status=410)
        assert page.h1 == "Ces données ont été effacées", ending
    assert visit(client, f"/r/{code}", status=410).h1 == "Ces données ont été effacées"
    assert "effacez ce que vous avez noté" in visit(client, answer, status=410).text
    assert (
        visit(client, personal[:-3] + "xxx", status=404).h1 == "Ce lien ne fonctionne plus"
    )  # forged: nothing is said


def test_a_request_kept_long_enough_says_so(client, house):
    request = asked(house)
    personal = path(links.personal(request))
    answer = path(links.answer(request, "accueil@cfa-tilleuls.example"))
    with transaction():
        db.session.execute(sa.update(CandidateRequest).values(last_event_at=clock.now().replace(year=2025)))
    with transaction():
        erasure.keep_no_longer(request.id, clock.now())
    assert "rendez-vous à venir" not in visit(client, personal, status=410).text
    assert "Le délai de conservation est passé" in visit(client, answer, status=410).text


# -- the centre -------------------------------------------------------------------------------------------------------


def test_no_screen_of_the_centre_nor_file_nor_calendar_names_anybody(app, client, house):
    meeting, request = booked(house), asked(house)
    met = make.booking(
        make.slot(house.adviser, house.site, starts_at="2026-11-20T14:00"), request={**PERSON, "status": "closed"}
    ).request  # fmt: skip
    with transaction():
        inbox.note(request, "Licorne.", clock.now(), user=house.adviser)
        db.session.execute(sa.update(Membership).values(role="manager"))
        choice = feeds.Choice(detail="full", shows_due=True)
        secret = feeds.create(house.adviser, house.cfa, choice, "Téléphone")
    sign_in(client, house.adviser)
    screens = [
        "/equipe", "/equipe/demandes", "/equipe/demandes?etat=toutes", "/equipe/demandes?etat=terminees", "/equipe/agenda",
        "/equipe/journee", "/equipe/journee?jour=2026-11-24", "/equipe/journee?jour=2026-11-20",
        "/equipe/journee?sans-suite=1", "/equipe/chiffres", f"/equipe/creneaux/{house.slot.public_id}",
        f"/equipe/demandes/{meeting.public_id}", f"/equipe/demandes/{request.public_id}",
        f"/equipe/demandes/{met.public_id}", f"/flux/{secret}.ics",
    ]  # fmt: skip

    def read_all():
        token = client.get("/equipe/chiffres").text.split('name="csrf_token" value="')[1].split('"')[0]
        export = {"csrf_token": token, "format": "csv"}
        found = {screen: client.get(screen, follow_redirects=True) for screen in screens}
        found["export"] = client.post("/equipe/chiffres/demandes?periode=12-mois", data=export, buffered=True)
        search = {"csrf_token": token, "q": "Quatrebarbes", "text": "Quatrebarbes"}
        found["search"] = client.post("/equipe/demandes", data=search)
        return found

    read = read_all()
    assert {screen: each.status_code for screen, each in read.items() if each.status_code >= 400} == {}
    before = [screen for screen, each in read.items() if any(word in each.text for word in SECRETS)]
    assert len(before) >= 8, before
    etag = read[f"/flux/{secret}.ics"].headers["ETag"]
    house.time.tick(minutes=1)
    for each in (meeting, request, met):
        erase(each)
    after = read_all()
    searched = after.pop("search").text
    assert searched.count("Quatrebarbes") < read["search"].text.count("Quatrebarbes")
    assert all(each.reference not in searched for each in (meeting, request, met))
    named = {
        (screen, word) for screen, each in after.items() for word in SECRETS if word in each.text.replace("\r\n ", "")
    }
    assert named == set()
    assert after[f"/flux/{secret}.ics"].headers["ETag"] != etag
    for each in (meeting, request, met):
        page = visit(client, f"/equipe/demandes/{each.public_id}", status=410)
        assert page.h1 == "Demande effacée"
        assert "Ne la recontactez pas" in page.text
    assert "Demande effacée" in visit(client, "/equipe/demandes?etat=terminees").text
    assert after["export"].text.count("Demande;effacée") + after["export"].text.count("Demande,effacée") == 3
    tick(app)


# -- the service team -------------------------------------------------------------------------------------------------


def test_the_service_team_erases_at_the_request_of_a_person(client, house):
    member, request = make.service_member(), booked(house)
    sign_in(client, member)
    page = visit(client, f"/admin/demandes/?search={request.reference}", checked=False)
    token = page.one("#actions [name=csrf_token]").get("value")
    data = {"csrf_token": token, "url": page.path, "action": "erase", "rowid": [request.public_id]}
    after = client.post("/admin/demandes/action/", data=data, follow_redirects=True)
    assert "Demandes dont les données sont effacées\u00a0: 1." in after.text
    assert db.session.get(CandidateRequest, request.id).erased_at is not None
    line = db.session.scalars(sa.select(AuditEntry).filter_by(action="request.erased")).one()
    assert (line.user_id, line.object_id) == (member.id, request.public_id)
    for table in ("demandes", "courriels", "sms", "journal", "envois"):
        text = visit(client, f"/admin/{table}/", checked=False).text
        assert [word for word in SECRETS if word in text] == []
    assert "Demande : données effacées" in visit(client, "/admin/journal/", checked=False).text
