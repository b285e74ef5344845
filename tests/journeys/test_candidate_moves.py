"""The candidate moves a meeting alone: where to, what is told, and every way it can go wrong without losing anything."""

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from rdv import booking, clock, inbox, links
from rdv.db import db, transaction
from rdv.models import OutgoingMail, RequestEvent, Slot
from tests import make
from tests.support.pages import submit, visit

NOW = "2026-11-23T08:00Z"
MOVE = "Déplacer le rendez-vous"


def address(request, tail="/deplacer"):
    return f"/suivi/{links.personal_token(request)}{tail}"


def moved_events():
    return db.session.scalar(sa.select(sa.func.count()).select_from(RequestEvent).where(RequestEvent.kind == "moved"))


def told():
    """Return the kinds of mails and to whom they go."""
    rows = db.session.execute(sa.select(OutgoingMail.kind, OutgoingMail.to_email).order_by(OutgoingMail.id))
    return [tuple(row) for row in rows]


@pytest.fixture
def house(app, freeze):
    """A centre, an adviser, a meeting on Tuesday 1 December at 14:00 and three other free slots."""
    frozen = freeze(NOW)
    cfa = make.cfa(name="CFA des Tilleuls")
    site = make.site(cfa, phone="+33199001234")
    adviser, kind = make.adviser(cfa), make.meeting_type(cfa)
    training = make.training(cfa, site)
    slot = make.slot(adviser, site, kind, starts_at="2026-12-01T14:00")
    held = make.booking(slot, request={"email": "lina@courriel.example", "training_id": training.id}, guests=0)
    free = [make.slot(adviser, site, kind, starts_at=when) for when in ("2026-12-01T15:00", "2026-12-03T09:00")]
    return SimpleNamespace(
        clock=frozen, cfa=cfa, site=site, adviser=adviser, kind=kind, training=training, slot=slot, held=held,
        request=held.request, free=free,
    )  # fmt: skip


def offered(page):
    return [node.get("value") for node in page.all("input[name=creneau]")]


def taken(*slots):
    return [db.session.get_one(Slot, slot.id).seats_taken for slot in slots]


def test_two_clicks_from_the_page_to_another_hour(client, house):
    page = visit(client, visit(client, address(house.request, "")).link("Déplacer ce rendez-vous"))
    assert offered(page) == [slot.public_id for slot in house.free]
    assert "Mardi 1er décembre à 14 h" in page.text
    done = submit(client, page, creneau=house.free[1].public_id)
    assert done.h1 == "Rendez-vous confirmé"
    assert "Jeudi 3 décembre à 9 h" in done.text
    assert (house.held.slot_id, house.held.sequence, house.held.status) == (house.free[1].id, 1, "booked")
    assert taken(house.slot, *house.free) == [0, 0, 1]
    assert "Rendez-vous déplacé" in done.text
    assert told() == [("booking_moved", "lina@courriel.example"), ("adviser_booking_moved", house.adviser.email)]


def test_the_same_meeting_goes_on_in_calendars(client, house):
    before = client.get(address(house.request, "/rendez-vous.ics")).text
    uid, reference = house.held.uid, house.request.reference
    house.clock.tick(minutes=5)
    submit(client, visit(client, address(house.request)), creneau=house.free[0].public_id)
    after = client.get(address(house.request, "/rendez-vous.ics")).text
    assert (house.held.uid, house.request.reference) == (uid, reference)
    assert [re.findall(r"SEQUENCE:(\d)", text) for text in (before, after)] == [["0"], ["1"]]
    assert [re.findall(r"DTSTART:(\S+)", text) for text in (before, after)] == [
        ["20261201T130000Z"],
        ["20261201T140000Z"],
    ]
    assert uid in after.replace("\r\n ", "")


def test_only_what_is_theirs_to_choose_is_offered(client, house):
    other_site = make.site(house.cfa, city="Roubaix")
    phone = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-04T09:00", place="phone")
    make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-04T10:00", listed=False)
    make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-04T11:00", status="closed")
    make.slot(house.adviser, house.site, starts_at="2026-12-04T12:00", closes_at=clock.now() - timedelta(hours=1))
    make.slot(house.adviser, other_site, house.kind, starts_at="2026-12-04T13:00")  # the training is not taught there
    make.slot(house.adviser, house.site, trainings=[make.training(house.cfa)], starts_at="2026-12-04T14:00")
    make.slot(make.adviser(house.cfa), house.site, house.kind, starts_at="2026-12-01T14:00")  # the same, elsewhere
    stranger = make.cfa()
    theirs = make.slot(make.adviser(stranger), make.site(stranger), starts_at="2026-12-04T15:00")
    assert offered(visit(client, address(house.request))) == [each.public_id for each in (*house.free, phone)]
    with transaction() as session:
        session.get_one(type(house.request), house.request.id).phone = None
    page = visit(client, address(house.request))
    assert offered(page) == [each.public_id for each in house.free]  # nobody could be called
    token = page.fields()["form_token"][0]
    for public_id in (theirs.public_id, phone.public_id, "inconnu", ""):
        data = {"form_token": token, "creneau": public_id, "actuel": house.slot.public_id}
        answer = client.post(address(house.request), data=data)
        assert answer.status_code == 422
    assert taken(house.slot, theirs, phone) == [1, 0, 0]


def test_the_same_kind_of_meeting_comes_first(client, house):
    other = make.meeting_type(house.cfa, title="Visite de l’atelier")
    early = make.slot(house.adviser, house.site, other, starts_at="2026-11-25T09:00")
    page = visit(client, address(house.request))
    assert offered(page) == [*(slot.public_id for slot in house.free), early.public_id]
    assert [node.text for node in page.all("h2")][:2] == [
        "Le même rendez-vous, à un autre moment",
        "D’autres rendez-vous avec ce centre",
    ]
    assert "Visite de l’atelier" in page.text


def test_a_link_preselects_a_slot_and_changes_nothing(client, house):
    page = visit(client, address(house.request) + f"?creneau={house.free[1].public_id}")
    assert page.fields()["creneau"] == [house.free[1].public_id]
    assert offered(page)[0] == house.free[1].public_id
    assert "Votre choix" in page.text
    assert (house.held.slot_id, taken(*house.free)) == (house.slot.id, [0, 0])
    submit(client, page)
    assert house.held.slot_id == house.free[1].id
    make.booking(house.free[0])
    gone = visit(client, address(house.request) + f"?creneau={house.free[0].public_id}")
    assert "Le créneau choisi n’est plus libre" in gone.text
    assert house.free[0].public_id not in offered(gone)
    visit(client, address(house.request) + "?creneau=inconnu")


def test_a_slot_just_taken_leaves_the_old_booking_and_shows_the_nearest(client, house):
    page = visit(client, address(house.request))
    make.booking(house.free[0])
    near = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-01T16:00")
    again = submit(client, page, creneau=house.free[0].public_id, status=409)
    assert "Votre rendez-vous n’a pas changé" in " ".join(again.errors)
    assert "Vous aviez choisi : mardi 1er décembre à 15 h" in again.text
    assert offered(again) == [near.public_id, house.free[1].public_id]
    assert (house.held.slot_id, house.held.sequence, moved_events()) == (house.slot.id, 0, 0)
    assert taken(house.slot, house.free[0], near) == [1, 1, 0]
    assert told() == []
    done = submit(client, again, creneau=near.public_id)
    assert (done.h1, house.held.slot_id) == ("Rendez-vous confirmé", near.id)


def test_an_equal_slot_of_another_adviser_serves(client, house):
    page = visit(client, address(house.request))
    equal = make.slot(make.adviser(house.cfa), house.site, house.kind, starts_at="2026-12-01T15:00")
    make.booking(house.free[0])
    done = submit(client, page, creneau=house.free[0].public_id)
    assert (done.h1, house.held.slot_id) == ("Rendez-vous confirmé", equal.id)
    again = submit(client, page, creneau=house.free[0].public_id)  # a second click finds it done
    assert (again.h1, house.held.sequence, moved_events()) == (done.h1, 1, 1)


def test_a_second_click_shows_the_same(client, house):
    page = visit(client, address(house.request))
    first = submit(client, page, creneau=house.free[1].public_id)
    second = submit(client, page, creneau=house.free[1].public_id)
    assert (second.h1, second.path) == (first.h1, first.path)
    assert (house.held.sequence, moved_events(), taken(house.slot, *house.free)) == (1, 1, [0, 0, 1])
    assert len(told()) == 2


def test_a_page_left_open_while_the_centre_moves_asks_again(client, house):
    page = visit(client, address(house.request))
    with transaction():
        booking.move(house.held, house.free[0], "staff", clock.now(), house.adviser)
    again = submit(client, page, creneau=house.free[1].public_id, status=409)
    assert "a changé pendant que vous choisissiez" in " ".join(again.errors)
    assert "Mardi 1er décembre à 15 h" in again.text
    assert (house.held.slot_id, taken(*house.free)) == (house.free[0].id, [1, 0])
    submit(client, again, creneau=house.free[1].public_id)
    assert house.held.slot_id == house.free[1].id


def test_nothing_chosen_and_an_old_form_are_said(client, house):
    page = visit(client, address(house.request))
    again = submit(client, page, status=422)
    assert "Choisissez un créneau" in " ".join(again.errors)
    house.clock.tick(hours=5)
    again = submit(client, again, creneau=house.free[1].public_id, status=400)
    assert again.fields()["creneau"] == [house.free[1].public_id]  # kept
    submit(client, again)
    assert house.held.slot_id == house.free[1].id


def test_none_suits_keep_or_cancel(client, house):
    page = visit(client, address(house.request))
    assert visit(client, page.link("Garder le rendez-vous")).h1 == "Rendez-vous confirmé"
    assert visit(client, page.link("Annuler le rendez-vous")).h1 == "Annuler le rendez-vous"
    for slot in house.free:
        make.booking(slot)
    alone = visit(client, address(house.request))
    assert "Pas d’autre créneau libre pour l’instant" in alone.text
    assert alone.link("Annuler le rendez-vous")
    assert "01 99 00 12 34" in alone.text


@pytest.mark.parametrize("when", ["2026-12-01T13:00Z", "2026-12-01T13:40Z"])
def test_a_meeting_begun_is_not_moved(client, house, when):
    house.clock.to("2026-12-01T12:55Z")
    page = visit(client, address(house.request))
    house.clock.to(when)
    done = submit(client, page, creneau=house.free[1].public_id)
    assert (house.held.slot_id, moved_events()) == (house.slot.id, 0)
    assert not done.links("Déplacer")
    assert visit(client, address(house.request), follow=True).h1 == done.h1


def test_a_cancelled_meeting_is_not_moved(client, house):
    page = visit(client, address(house.request))
    with transaction():
        booking.cancel(house.held, "candidate", clock.now())
    done = submit(client, page, creneau=house.free[1].public_id)
    assert (done.h1, taken(house.slot, *house.free)) == ("Vous avez annulé ce rendez-vous", [0, 0, 0])


def test_guests_are_kept_and_need_their_seats(client, house):
    kind = make.meeting_type(house.cfa, guests_allowed=3, guests_counted=True)
    held = make.booking(
        make.slot(house.adviser, house.site, kind, starts_at="2026-12-02T14:00", capacity=5),
        guests=2, seats=3, request={"training_id": house.training.id},
    )  # fmt: skip
    small = make.slot(house.adviser, house.site, kind, starts_at="2026-12-05T14:00", capacity=2)
    large = make.slot(house.adviser, house.site, kind, starts_at="2026-12-06T14:00", capacity=3)
    page = visit(client, address(held.request))
    assert small.public_id not in offered(page)
    submit(client, page, creneau=large.public_id)
    assert (held.slot_id, held.guests, held.seats, taken(large)) == (large.id, 2, 3, [3])


def test_a_presence_already_told_is_asked_again_after_a_move(client, house):
    with transaction() as session:
        session.get_one(type(house.held), house.held.id).presence_at = clock.now()
    submit(client, visit(client, address(house.request)), creneau=house.free[0].public_id)
    assert house.held.presence_at is None


def test_a_form_of_another_request_moves_nothing(client, house):
    other = make.booking(make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-08T14:00"))
    foreign = visit(client, address(other.request)).fields()
    data = {"form_token": foreign["form_token"][0], "creneau": house.free[0].public_id, "actuel": house.slot.public_id}
    assert client.post(address(house.request), data=data).status_code == 400
    data["form_token"] = visit(client, address(house.request, "/annuler")).fields()["form_token"][0]
    assert client.post(address(house.request), data=data).status_code == 400
    assert (house.held.slot_id, other.slot_id) == (house.slot.id, other.slot.id)


def test_a_callback_has_nothing_to_move(client, house):
    request = make.candidate_request(house.cfa)
    for tail in ("/deplacer", "/annuler", "/presence", "/retard"):
        assert visit(client, address(request, tail), follow=True).h1 == "Votre demande de rappel est envoyée"
        assert client.post(address(request, tail)).status_code == 404
    assert inbox.get_by_public_id(request.public_id).status == "new"
