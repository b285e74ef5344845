"""A slot taken for a request that exists already, from a mail or from the personal page: one button, nothing to fill."""

from datetime import datetime
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from rdv import clock, inbox, jobs, links, seats
from rdv.db import db, transaction
from rdv.integrity import check
from rdv.mails import KINDS
from rdv.models import Booking, CandidateRequest, OutgoingMail
from tests import make
from tests.support.pages import submit, visit


@pytest.fixture
def house(app, freeze):
    """A callback that was tried once, and four free slots, on a Monday morning in Lille."""
    time = freeze("2026-11-23T09:00Z")
    cfa = make.cfa(name="CFA des Tilleuls", city="Lille", phone="+33199000001")
    site = make.site(cfa)
    adviser, owner = make.adviser(cfa), make.adviser(cfa, first_name="Carla")
    training = make.training(cfa, site)
    found = make.candidate_request(
        cfa, site_id=site.id, training_id=training.id, first_name="Zoé", email="zoe@courriel.example",
        phone="+33199005678", owner_id=owner.id,
    )  # fmt: skip
    with transaction():
        inbox.log_call(found, "no_answer", "staff", clock.now(), user=owner)
    slots = [make.slot(adviser, site, starts_at=f"2026-12-0{day}T10:00") for day in (1, 2, 3, 4)]
    return SimpleNamespace(
        time=time, cfa=cfa, site=site, adviser=adviser, owner=owner, training=training, request=found, slots=slots
    )


def path(request, slot, to=None):
    return links.take_slot(request, slot, to).removeprefix("http://localhost")


def count(model, *conditions):
    return db.session.scalar(sa.select(sa.func.count()).select_from(model).where(*conditions))


def held(house, slot, until="2026-11-24T09:00+00:00", request=None):
    with transaction():
        kept = seats.hold(
            slot.id, (request or house.request).id, "proposal", datetime.fromisoformat(until), clock.now()
        )
    assert kept is not None
    return kept


def test_one_button_of_the_mail_books_for_the_request_that_exists(client, house):
    page = visit(client, path(house.request, house.slots[1]))
    assert "Mercredi 2 décembre à 10 h" in page.text
    assert page.all("input[type=text]") == page.all(".rdv-extra input")
    assert count(Booking) == 0  # opening it took nothing
    after = submit(client, page)
    assert after.h1 == "Rendez-vous confirmé"
    assert house.request.reference in after.text
    request = house.request
    assert (request.status, request.outcome, request.booking.slot_id) == ("closed", "meeting_set", house.slots[1].id)
    assert count(CandidateRequest) == 1
    told = {tuple(row) for row in db.session.execute(sa.select(OutgoingMail.kind, OutgoingMail.to_email))}
    assert {("booking_confirmed", "zoe@courriel.example"), ("adviser_new_booking", house.adviser.email)} <= told
    # Who followed the request sees it leave their list: told by whom it is met.
    assert ("adviser_new_booking", house.owner.email) in told
    again = submit(client, page)  # the second tap finds it done
    assert again.h1 == "Rendez-vous confirmé"
    assert count(Booking) == 1
    assert check(clock.now()).sound


def test_every_state_that_may_still_lead_to_a_meeting(client, house):
    def state(act):
        with transaction():
            act(house.request)

    now = clock.now()
    for act in (
        lambda request: inbox.answer(request, "Bonjour.", "staff", now, user=house.owner),
        lambda request: inbox.close(request, "unreachable", "staff", now, user=house.owner),
    ):
        state(act)
        assert "Réserver ce rendez-vous" in visit(client, path(house.request, house.slots[0])).h1
    after = submit(client, visit(client, path(house.request, house.slots[0])))
    assert after.h1 == "Rendez-vous confirmé"


def test_a_request_that_is_over_for_good_takes_nothing(client, house):
    page = visit(client, path(house.request, house.slots[0]))
    with transaction():
        inbox.close(house.request, "not_for_us", "staff", clock.now(), user=house.owner)
    shown = client.get(path(house.request, house.slots[0]))
    assert shown.status_code == 303
    assert shown.location.endswith(links.personal_token(house.request))
    submit(client, page)
    assert count(Booking) == 0
    assert house.slots[0].seats_taken == 0


@pytest.mark.sqlite_only  # pages alone: what they write is tested beside
def test_neither_the_slot_of_others_nor_the_request_of_others(client, house):
    other = make.cfa()
    elsewhere = make.slot(make.adviser(other), make.site(other))
    visit(client, path(house.request, elsewhere), status=404)
    another = make.training(house.cfa, house.site)
    chosen = make.slot(house.adviser, house.site, trainings=[another], starts_at="2026-12-05T10:00")
    visit(client, path(house.request, chosen), status=404)
    page = visit(client, path(house.request, house.slots[0]))
    stranger = make.candidate_request(house.cfa, site_id=house.site.id, training_id=house.training.id)
    token = page.one("input[name=form_token]").get("value")
    refused = client.post(path(stranger, house.slots[0]), data={"form_token": token})
    assert refused.status_code == 400
    assert count(Booking) == 0
    forged = path(house.request, house.slots[0]).replace("/suivi/W", "/suivi/X")
    assert client.get(forged).status_code == 404
    with transaction():
        inbox.revoke_links(house.request, house.owner)
    assert client.get(page.path).status_code == 404


@pytest.mark.sqlite_only  # pages alone: what they write is tested beside
def test_a_call_needs_a_phone_and_a_platform_that_is_shut_out_takes_nothing(client, house):
    house_request = make.candidate_request(
        house.cfa, mode="message", site_id=house.site.id, training_id=house.training.id, phone=None,
        email="sans@courriel.example",
    )  # fmt: skip
    call = make.slot(house.adviser, house.site, place="phone", starts_at="2026-12-05T10:00")
    visit(client, path(house_request, call), status=404)
    choices = visit(client, f"/suivi/{links.personal_token(house_request)}/creneaux")
    assert len(choices.all("a.rdv-slot")) == 4  # never the call


def test_gone_shows_the_nearest_and_one_tap_goes_on(client, house):
    page = visit(client, path(house.request, house.slots[1]))
    make.booking(house.slots[1])
    refused = submit(client, page, status=409)
    assert "Ce créneau vient d’être pris" in refused.text
    hrefs = [link.get("href") for link in refused.all("a.rdv-slot")]
    assert hrefs == [path(house.request, house.slots[number]) for number in (0, 2, 3)]
    assert visit(client, path(house.request, house.slots[1])).h1 == "Ce créneau n’est plus libre"
    after = submit(client, visit(client, hrefs[0]))
    assert after.h1 == "Rendez-vous confirmé"


@pytest.mark.sqlite_only  # pages alone: what they write is tested beside
def test_an_equal_slot_of_another_adviser_serves(client, house):
    twin = make.slot(house.owner, house.site, house.slots[1].meeting_type, starts_at="2026-12-02T10:00")
    page = visit(client, path(house.request, house.slots[1]))
    make.booking(house.slots[1])
    assert submit(client, page).h1 == "Rendez-vous confirmé"
    assert house.request.booking.slot_id == twin.id


@pytest.mark.sqlite_only  # pages alone: what they write is tested beside
def test_who_has_a_meeting_already_is_led_to_move_it(client, house):
    submit(client, visit(client, path(house.request, house.slots[0])))
    led = client.get(path(house.request, house.slots[1]))
    assert led.status_code == 303
    assert "/deplacer?creneau=" in led.location
    assert client.get(path(house.request, house.slots[0])).location.endswith(links.personal_token(house.request))


@pytest.mark.sqlite_only  # pages alone: what they write is tested beside
def test_the_parent_takes_it_by_their_own_link(client, house):
    found = make.candidate_request(
        house.cfa, site_id=house.site.id, training_id=house.training.id, first_name="Zoé", phone=None,
        email="zoe@courriel.example", asker="parent", asker_first_name="Marie", asker_email="marie@courriel.example",
    )  # fmt: skip
    page = visit(client, path(found, house.slots[0], "marie@courriel.example"))
    assert page.h1 == "Réserver ce rendez-vous pour Zoé ?"
    submit(client, page)
    event = found.events[-1]
    assert (event.kind, event.data.get("by")) == ("booked", "asker")


def test_a_kept_seat_is_theirs_until_its_hour_and_then_of_who_comes_first(client, house):
    slot = house.slots[0]
    kept = held(house, slot)
    assert slot.seats_taken == 1
    page = visit(client, path(house.request, slot))
    assert "gardé pour vous jusqu’au mardi 24 novembre à 10 h" in page.text
    assert path(house.request, slot) not in visit(client, f"/suivi/{links.personal_token(house.request)}/creneaux").html
    other = make.candidate_request(house.cfa, site_id=house.site.id, training_id=house.training.id)
    assert visit(client, path(other, slot)).h1 == "Ce créneau n’est plus libre"
    assert submit(client, page).h1 == "Rendez-vous confirmé"
    assert (slot.seats_taken, kept.status) == (1, "used")
    assert check(clock.now()).sound


def test_once_over_the_seat_is_taken_like_any_other(client, house):
    kept = held(house, house.slots[0], until="2026-11-23T10:00+00:00")
    page = visit(client, path(house.request, house.slots[0]))
    house.time.to("2026-11-23T10:00Z")  # before the worker came
    assert submit(client, page).h1 == "Rendez-vous confirmé"
    assert (house.slots[0].seats_taken, kept.status) == (1, "expired")


def test_taking_one_lets_the_others_go(client, house):
    first, second = held(house, house.slots[0]), held(house, house.slots[1])
    submit(client, visit(client, path(house.request, house.slots[0])))
    jobs.run(next(job for job in jobs.JOBS if job.name == "end_offers"))
    db.session.expire_all()
    assert [kept.status for kept in (first, second)] == ["used", "expired"]
    assert [slot.seats_taken for slot in house.slots] == [1, 0, 0, 0]
    assert check(clock.now()).sound


@pytest.mark.sqlite_only  # pages alone: what they write is tested beside
def test_the_mail_of_a_missed_call_leads_there(client, house):
    mail = db.session.scalar(sa.select(OutgoingMail).where(OutgoingMail.kind == "call_missed"))
    said = KINDS["call_missed"].render(mail)
    assert [address for _, address in said.choices] == [
        links.take_slot(house.request, slot, mail.to_email) for slot in house.slots[:3]
    ]
    assert visit(client, said.links[0][1].removeprefix("http://localhost")).h1 == "Choisir un rendez-vous"
