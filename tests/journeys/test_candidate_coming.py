"""« Vous venez ? » and « en retard »: said once, told at once, and never by opening a page."""

from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from rdv import booking, clock, links, mailer
from rdv.db import db, transaction
from rdv.mails import KINDS
from rdv.models import OutgoingMail, RequestEvent
from rdv.tokens import sign_form
from tests import make
from tests.support.pages import sign_in, submit, visit


def address(request, tail=""):
    return f"/suivi/{links.personal_token(request)}{tail}"


def events(kind):
    return db.session.scalars(sa.select(RequestEvent).where(RequestEvent.kind == kind).order_by(RequestEvent.id)).all()


def mails():
    return db.session.scalars(sa.select(OutgoingMail).order_by(OutgoingMail.id)).all()


@pytest.fixture
def house(app, freeze):
    """A meeting on Tuesday 1 December at 14:00 in Lille, seen from the day before."""
    frozen = freeze("2026-11-20T08:00Z")
    cfa = make.cfa(name="CFA des Tilleuls")
    site, adviser = make.site(cfa, phone="+33199001234"), make.adviser(cfa)
    slot = make.slot(adviser, site, starts_at="2026-12-01T14:00")
    held = make.booking(slot, request={"email": "lina@courriel.example", "first_name": "Lina"})
    frozen.to("2026-11-30T08:00Z")
    return SimpleNamespace(clock=frozen, cfa=cfa, adviser=adviser, slot=slot, held=held, request=held.request)


def test_yes_is_said_once(client, house):
    page = visit(client, visit(client, address(house.request)).link("Confirmer la venue"))
    assert page.h1 == "Vous venez ?"
    assert (house.held.presence_at, events("presence")) == (None, [])  # opened by a mail scanner, it says nothing
    assert visit(client, page.link("Je veux déplacer")).h1 == "Déplacer le rendez-vous"
    assert visit(client, page.link("Je ne peux pas")).h1 == "Annuler le rendez-vous"
    done = submit(client, page, button="Oui, je viens")
    assert "C’est noté : vous venez." in done.text
    assert house.held.presence_at == clock.now()
    first = house.held.presence_at
    assert not done.links("Confirmer la venue")
    house.clock.tick(minutes=5)
    again = submit(client, visit(client, address(house.request, "/presence")))
    assert (again.h1, house.held.presence_at, len(events("presence"))) == (done.h1, first, 1)
    assert mails() == []
    sign_in(client, house.adviser)
    assert "Venue confirmée" in visit(client, f"/equipe/demandes/{house.request.public_id}").text


def test_far_ahead_nobody_is_asked(client, house):
    house.clock.to("2026-11-23T08:00Z")
    assert not visit(client, address(house.request)).links("Confirmer la venue")
    house.clock.to("2026-11-24T13:00Z")
    assert visit(client, address(house.request)).links("Confirmer la venue")
    fresh = make.booking(make.slot(house.adviser, house.slot.site, starts_at="2026-11-25T14:00")).request
    assert not visit(client, address(fresh)).links("Confirmer la venue")  # who has just chosen comes
    assert visit(client, address(fresh, "/presence")).h1 == "Vous venez ?"


@pytest.mark.parametrize("when", ["2026-12-01T13:00Z", "2026-12-01T13:40Z"])
def test_nothing_is_confirmed_once_begun(client, house, when):
    page = visit(client, address(house.request, "/presence"))
    house.clock.to("2026-12-01T12:30Z")
    page = visit(client, address(house.request, "/presence"))
    house.clock.to(when)
    refused = submit(client, page, status=409)
    assert "il n’y a plus rien à confirmer" in " ".join(refused.errors)
    assert house.held.presence_at is None


def test_nothing_is_confirmed_once_cancelled(client, house):
    page = visit(client, address(house.request, "/presence"))
    with transaction():
        booking.cancel(house.held, "staff", clock.now(), user=house.adviser)
    submit(client, page, status=409)
    assert house.held.presence_at is None
    assert visit(client, address(house.request, "/presence"), follow=True).h1 == "Le centre a annulé"


def test_late_is_told_at_once_and_once_for_each_value(client, house):
    house.clock.to("2026-12-01T12:30Z")
    page = visit(client, visit(client, address(house.request)).link("Prévenir d’un retard"))
    assert [button.text for button in page.all("#minutes button")] == ["5 min", "10 min", "15 min", "30 min"]
    assert (house.held.late_minutes, mails()) == (None, [])
    done = submit(client, page, button="10 min")
    assert "Le centre est prévenu d’un retard d’environ 10 min." in done.text
    assert house.held.late_minutes == 10
    (mail,) = mails()
    assert (mail.kind, mail.to_email, mail.not_before) == ("adviser_candidate_late", house.adviser.email, clock.now())
    assert KINDS[mail.kind].still_due(mail, clock.now())
    message = mailer.render(mail).content.decode()
    assert "lina@courriel.example" not in message
    submit(client, page, button="10 min")  # a second click
    assert (len(events("late")), len(mails())) == (1, 1)
    again = visit(client, address(house.request, "/retard"))
    submit(client, again, button="30 min")
    submit(client, again, button="10 min")
    assert (house.held.late_minutes, len(events("late"))) == (10, 3)
    assert [each.event_id for each in mails()] == [event.id for event in events("late")][:2]
    sign_in(client, house.adviser)
    assert "Retard annoncé : 30 min" in visit(client, f"/equipe/demandes/{house.request.public_id}").text


def test_a_late_mail_that_waited_is_not_sent_for_nothing(client, house):
    house.clock.to("2026-12-01T12:30Z")
    page = visit(client, address(house.request, "/retard"))
    submit(client, page, button="15 min")
    (mail,) = mails()
    due = KINDS[mail.kind].still_due
    assert due(mail, clock.now())
    house.clock.to("2026-12-01T13:30Z")
    assert not due(mail, clock.now())  # over
    house.clock.to("2026-12-01T12:31Z")
    submit(client, page, button="30 min")
    assert not due(mail, clock.now())  # another value since
    submit(client, page, button="15 min")
    with transaction():
        booking.cancel(house.held, "candidate", clock.now())
    assert not due(mail, clock.now())


def test_late_opens_two_hours_before_and_closes_at_the_end(client, house):
    house.clock.to("2026-12-01T10:59Z")
    assert not visit(client, address(house.request)).links("Prévenir d’un retard")
    early = visit(client, address(house.request, "/retard"))
    assert "à partir de deux heures avant : mardi 1er décembre à 12 h" in early.text
    assert early.link("Déplacer le rendez-vous")
    house.clock.to("2026-12-01T11:00Z")
    page = visit(client, address(house.request, "/retard"))
    house.clock.to("2026-12-01T13:10Z")
    submit(client, page, button="15 min")  # begun, not over: still worth saying
    assert house.held.late_minutes == 15
    page = visit(client, address(house.request, "/retard"))
    assert not page.links("Déplacer")
    house.clock.to("2026-12-01T13:30Z")
    refused = submit(client, page, button="30 min", status=409)
    assert "n’attend plus personne" in " ".join(refused.errors)
    assert house.held.late_minutes == 15


def test_what_is_not_offered_is_refused(client, house):
    house.clock.to("2026-12-01T10:00Z")
    late = address(house.request, "/retard")
    house.clock.to("2026-12-01T12:00Z")
    token = visit(client, late).fields()["form_token"][0]
    for minutes in ("7", "-5", "dix", "", "99999999999999999999"):
        assert client.post(late, data={"form_token": token, "minutes": minutes}).status_code == 422
    house.clock.to("2026-12-01T10:30Z")
    early = sign_form("late", house.request.public_id)  # no page gives one so early
    assert client.post(late, data={"form_token": early, "minutes": "5"}).status_code == 409
    assert (house.held.late_minutes, events("late")) == (None, [])
    assert client.post(address(house.request, "/presence"), data={"form_token": token}).status_code == 400
    assert house.held.presence_at is None


@pytest.mark.parametrize("tail", ["/presence", "/retard", "/annuler", "/deplacer"])
def test_a_page_left_open_until_the_meeting_is_over_says_where_it_stands(client, house, tail):
    house.clock.to("2026-12-01T12:30Z")
    page = visit(client, address(house.request, tail))
    house.clock.to("2026-12-01T18:00Z")
    button = {"/presence": "Oui", "/retard": "30 min", "/annuler": "sans dire", "/deplacer": None}[tail]
    done = submit(client, page, button=button) if button else visit(client, address(house.request, tail), follow=True)
    assert done.h1 == "Ce rendez-vous est passé"
    assert (house.held.status, house.held.presence_at, house.held.late_minutes) == ("booked", None, None)


def test_one_click_is_not_too_quick(client, house, change_settings):
    """A personal link opens these pages: nobody has to wait before pressing their button."""
    change_settings(form_min_seconds=2)
    submit(client, visit(client, address(house.request, "/presence")), button="Oui, je viens")
    assert house.held.presence_at is not None
    house.clock.to("2026-12-01T12:30Z")
    submit(client, visit(client, address(house.request, "/retard")), button="10 min")
    assert house.held.late_minutes == 10
    submit(client, visit(client, address(house.request, "/annuler")), button="J’ai trouvé une entreprise")
    assert house.held.status == "cancelled"
