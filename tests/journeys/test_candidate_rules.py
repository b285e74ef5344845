"""What candidates meet of the rules of a centre: dates not open yet, too late, another platform, one meeting more."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from rdv import clock, rules
from rdv.db import db, transaction
from rdv.models import OutgoingMail, Slot
from tests import make
from tests.support.pages import submit, visit
from tests.support.queries import queries


class House:
    def __init__(self) -> None:
        self.cfa = make.cfa()
        self.site, self.kind = make.site(self.cfa), make.meeting_type(self.cfa)
        self.training = make.training(self.cfa, self.site)
        self.manager, self.adviser = make.manager(self.cfa), make.adviser(self.cfa)

    def slot(self, starts_at: str = "2026-12-15T14:00", **columns: Any) -> Slot:
        slot = make.slot(self.adviser, self.site, self.kind, starts_at=starts_at, **columns)
        with transaction() as session:
            rules.stamp([session.get_one(Slot, slot.id)], clock.now())
        return slot

    def rule(self, **decided: Any) -> None:
        with transaction():
            version = rules.get(self.cfa).version if rules.get(self.cfa) else 0
            rules.save(self.cfa, rules.Draft(**decided), version, clock.now(), by=self.manager)

    @property
    def path(self) -> str:
        return f"/formation/{self.training.public_id}"


@pytest.fixture
def house(app, freeze) -> House:
    freeze("2026-11-24T08:00Z")
    return House()


def leads_to(page: Any, slot: Slot) -> bool:
    """Say whether a page has a link to book this slot."""
    return any(slot.public_id in (link.get("href") or "") for link in page.all("a"))


def book(client, slot: Slot, query: str = "", status: int | None = None, **person: str) -> Any:
    page = visit(client, f"/rendez-vous/{slot.public_id}{query}")
    typed = {"first_name": "Zoé", "last_name": "Lambert", "email": "zoe@courriel.example", **person}
    return submit(client, page, form="rendez-vous", **typed, **({"status": status} if status else {}))


def test_dates_appear_when_they_open_and_a_link_kept_says_when(client, house, freeze):
    house.rule(horizon_days=7)
    slot = house.slot()
    page = visit(client, house.path)
    assert not leads_to(page, slot)
    assert "Les rendez-vous se réserveront ici à partir du mardi 8 décembre à 14 h." in page.text
    assert "à partir du mardi 8" in visit(client, f"/cfa/{house.cfa.public_id}").text
    page = visit(client, f"/rendez-vous/{slot.public_id}")
    assert "Ce créneau se réserve en ligne à partir du mardi 8 décembre à 14 h" in page.text
    freeze("2026-12-08T13:00Z")
    assert leads_to(visit(client, house.path), slot)
    book(client, slot)
    assert slot.seats_taken == 1


def test_an_opening_after_the_meeting_promises_nothing(client, house):
    house.rule(opens_at=clock.now().replace(month=12, day=20))
    slot = house.slot()
    page = visit(client, house.path)
    assert "se réserveront" not in page.text
    assert "Ce créneau ne se réserve pas en ligne" in visit(client, f"/rendez-vous/{slot.public_id}").text
    house.slot("2026-12-21T14:00")
    assert "à partir du dimanche 20 décembre à 9 h" in visit(client, house.path).text


def test_too_late_is_said_while_the_form_was_open(client, house, freeze):
    house.rule(notice_minutes=60)
    slot = house.slot("2026-11-24T14:00")
    freeze("2026-11-24T11:59Z")
    page = visit(client, f"/rendez-vous/{slot.public_id}")
    freeze("2026-11-24T12:00Z")
    page = submit(client, page, form="rendez-vous", first_name="Zoé", last_name="Lambert", email="z@courriel.example", status=409)  # fmt: skip
    assert "Il est trop tard pour réserver ce créneau en ligne" in page.text
    assert slot.seats_taken == 0


def test_a_page_of_another_platform_shows_and_books_nothing(client, house):
    house.rule(platforms=["lba"])
    slot = house.slot()
    for page in (house.path, f"/cfa/{house.cfa.public_id}"):
        assert not leads_to(visit(client, page), slot)
        assert not leads_to(visit(client, f"{page}?origine=parcoursup&dates=toutes"), slot)
        assert leads_to(visit(client, f"{page}?origine=lba"), slot)
    assert "Ce créneau ne se réserve pas depuis ce site" in visit(client, f"/rendez-vous/{slot.public_id}").text
    allowed = visit(client, f"/rendez-vous/{slot.public_id}?origine=lba")
    typed = {"first_name": "Zoé", "last_name": "Lambert", "email": "z@courriel.example"}
    fields = {**allowed.fields("rendez-vous"), **typed}
    answer = client.post(f"/rendez-vous/{slot.public_id}?origine=onisep", data=fields)
    assert answer.status_code == 409
    assert slot.seats_taken == 0
    book(client, slot, "?origine=lba")
    assert slot.seats_taken == 1


def test_a_platform_rule_costs_a_list_one_small_query_whatever_it_says(client, house):
    house.slot()
    visit(client, house.path)
    with queries() as without:
        visit(client, house.path)
    house.rule(platforms=["cfa", "lba"])
    with queries() as ruled:
        visit(client, house.path)
    assert len(ruled) == len(without)


def test_one_meeting_more_than_allowed_leads_to_move_the_one_there_is(client, house):
    house.rule(most_a_person=1)
    first, second = house.slot(), house.slot("2026-12-16T14:00")
    book(client, first)
    page = book(client, second, status=409)
    assert page.h1 == "Vous avez peut-être déjà un rendez-vous dans ce centre"
    assert "14 h" not in page.text, "nothing of the meeting is told to whoever types a name"
    assert "Lambert" not in page.text
    assert second.seats_taken == 0
    (mail,) = db.session.scalars(sa.select(OutgoingMail).where(OutgoingMail.kind == "move_instead"))
    assert mail.to_email == "zoe@courriel.example"
    book(client, second, status=409)
    assert db.session.scalar(sa.select(sa.func.count()).where(OutgoingMail.kind == "move_instead")) == 1
    book(client, second, email="autre@courriel.example")
    assert second.seats_taken == 1


def test_the_same_page_meets_who_gave_a_phone_alone(client, house):
    house.rule(most_a_person=1)
    first, second = house.slot(), house.slot("2026-12-16T14:00")
    told = []
    for email, phone in (("zoe@courriel.example", ""), ("", "01 99 00 12 34")):
        with transaction() as session:
            session.execute(sa.update(Slot).values(capacity=9))
        book(client, first, email=email, phone=phone)
        told.append(book(client, second, status=409, email=email, phone=phone).text)
    assert told[0] == told[1]


def test_a_full_day_leaves_the_colleagues_slot(client, house):
    house.rule(most_a_day=1)
    colleague = make.adviser(house.cfa)
    mine = [house.slot("2026-12-15T09:00"), house.slot("2026-12-15T10:00")]
    theirs = make.slot(colleague, house.site, house.kind, starts_at="2026-12-15T10:00")
    book(client, mine[0])
    page = visit(client, house.path)
    assert leads_to(page, theirs)
    assert not leads_to(page, mine[1])
    # The link of the full day's slot still books: an equal one serves.
    book(client, mine[1], last_name="Roux", email="lou@courriel.example")
    assert (mine[1].seats_taken, theirs.seats_taken) == (0, 1)
