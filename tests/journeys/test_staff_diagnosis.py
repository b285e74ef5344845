"""« Pourquoi mon lien n’affiche-t-il rien ? »: each rule red, then green once it is put right."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from rdv import clock, diagnosis, rules
from rdv.db import db, transaction
from rdv.models import Closure, Slot
from tests import make
from tests.support.pages import sign_in, visit
from tests.support.queries import queries

PAGE = "/equipe/diagnostic"


class House:
    def __init__(self) -> None:
        self.cfa = make.cfa()
        self.site = make.site(self.cfa)
        self.kind = make.meeting_type(self.cfa)
        self.training = make.training(self.cfa, self.site)
        self.manager, self.adviser = make.manager(self.cfa), make.adviser(self.cfa)
        self.slot = make.slot(self.adviser, self.site, self.kind, starts_at="2026-12-01T14:00")

    def change(self, row: Any, **columns: Any) -> None:
        with transaction() as session:
            model = type(row)
            session.execute(sa.update(model).where(model.id == row.id).values(**columns))

    def rule(self, **decided: Any) -> None:
        with transaction():
            version = rules.get(self.cfa).version if rules.get(self.cfa) else 0
            rules.save(self.cfa, rules.Draft(**decided), version, clock.now(), by=self.manager)

    def checks(self, training: bool = True, platform: str = rules.OWN_PAGE) -> dict[str, bool | None]:
        db.session.rollback()
        found = diagnosis.diagnose(self.cfa, self.training if training else None, platform, clock.now())
        # A closed place keeps one from publishing; without a phone or a message, slots are shown all the same.
        met = [check.passed for check in found.checks if check.code not in ("modes", "site")]
        assert bool(found.shown) == (False not in met), found
        return {check.code: check.passed for check in found.checks}


@pytest.fixture
def house(app, freeze) -> House:
    freeze("2026-11-24T08:00Z")
    return House()


def test_a_link_that_shows_slots_has_nothing_red(house):
    assert set(house.checks().values()) == {True}
    assert set(house.checks(training=False).values()) == {True}


def at(text: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(text)


CASES: dict[str, tuple[Any, Any]] = {
    "centre": (lambda h: h.change(h.cfa, closed_at=clock.now()), lambda h: h.change(h.cfa, closed_at=None)),
    "training": (lambda h: h.change(h.training, published=False), lambda h: h.change(h.training, published=True)),
    "scope": (lambda h: h.change(h.slot, training_scope="chosen"), lambda h: h.change(h.slot, training_scope="cfa")),
    "open": (lambda h: h.change(h.slot, status="closed"), lambda h: h.change(h.slot, status="open")),
    "listed": (lambda h: h.change(h.slot, listed=False), lambda h: h.change(h.slot, listed=True)),
    "platform": (lambda h: h.rule(platforms=["lba"]), lambda h: h.rule(platforms=["cfa"])),
    "opening": (lambda h: h.rule(opens_at=at("2026-11-30T08:00Z")), lambda h: h.rule(opens_at=at("2026-11-20T08:00Z"))),
    "horizon": (lambda h: h.rule(horizon_days=2), lambda h: h.rule(horizon_days=20)),
    "notice": (lambda h: h.rule(notice_minutes=10 * 24 * 60), lambda h: h.rule(notice_minutes=60)),
    "day_full": (lambda h: h.change(h.slot, day_full=True), lambda h: h.change(h.slot, day_full=False)),
    "seats": (lambda h: h.change(h.slot, seats_taken=1), lambda h: h.change(h.slot, seats_taken=0)),
}


@pytest.mark.parametrize("code", CASES)
def test_each_rule_is_red_alone_then_green(house, code):
    wrong, right = CASES[code]
    wrong(house)
    found = house.checks()
    assert [name for name, passed in found.items() if passed is False] == (
        ["scope", "published"] if code == "scope" else [code]
    )
    right(house)
    assert set(house.checks().values()) == {True}


def test_nothing_published_all_past_and_no_open_site(house, freeze):
    house.change(house.site, closed_at=clock.now())
    assert house.checks()["site"] is False
    house.change(house.site, closed_at=None)
    assert house.checks()["site"] is True
    freeze("2026-12-02T08:00Z")
    found = house.checks(training=False)
    assert (found["published"], found["coming"], found["seats"]) == (True, False, None)
    with transaction() as session:
        session.execute(sa.update(Slot).values(status="cancelled"))
    found = house.checks(training=False)
    assert (found["published"], found["coming"]) == (False, None)


def test_a_closure_is_told_apart_from_a_slot_closed_by_hand(house):
    closure = make.saved(
        Closure(cfa_id=house.cfa.id, first_day=at("2026-12-01").date(), last_day=at("2026-12-01").date())
    )
    house.change(house.slot, status="closed", closure_id=closure.id)
    found = house.checks()
    assert (found["closure"], found["published"], found["coming"]) == (False, True, True)


def test_modes_closed_are_told(house):
    house.change(house.cfa, callback_open=False, message_open=False)
    assert house.checks()["modes"] is False


def test_slots_that_each_fail_elsewhere_show_the_last_obstacle(house):
    make.slot(house.adviser, house.site, house.kind, starts_at="2026-11-24T16:00")
    house.change(house.slot, seats_taken=1)
    house.rule(notice_minutes=24 * 60)
    found = diagnosis.diagnose(house.cfa, house.training, rules.OWN_PAGE, clock.now())
    assert found.shown == 0
    notice, seats = found.get("notice"), found.get("seats")
    assert (notice.passed, notice.seen, notice.left_out) == (True, 2, 1)
    assert (seats.passed, seats.seen, seats.left_out) == (False, 1, 1)


def test_the_page_says_what_to_put_right_and_where(client, house):
    sign_in(client, house.manager)
    page = visit(client, PAGE)
    assert "1 créneau à réserver" in page.text
    house.rule(opens_at=at("2026-11-30T08:00Z"), platforms=["lba"])
    page = visit(client, f"{PAGE}?formation={house.training.public_id}")
    assert "Aucun créneau à réserver par ce lien" in page.text
    assert "Vos règles ne permettent pas de réserver depuis cette plateforme." in page.text
    assert "Le prochain s’ouvre lundi 30 novembre à 9 h." in page.text
    assert page.link("Voir les règles de réservation") == "/equipe/reglages/regles"
    assert page.one("#public-link").text.endswith(f"/formation/{house.training.public_id}")
    page = visit(client, f"{PAGE}?formation={house.training.public_id}&origine=lba")
    assert "Vos règles ne permettent pas" not in page.text
    assert page.one("#public-link").text.endswith("?origine=lba")


def test_an_adviser_reads_it_without_links_to_what_only_managers_change(client, house):
    house.rule(platforms=["lba"])
    sign_in(client, house.adviser)
    page = visit(client, PAGE)
    assert "avec un responsable" in page.text
    assert not page.links("Voir les règles de réservation")


def test_values_that_make_no_sense_mean_the_centres_own_page(client, house):
    foreign = make.training(make.cfa())
    sign_in(client, house.manager)
    page = visit(client, f"{PAGE}?formation={foreign.public_id}&origine=inconnue")
    assert page.one("#formation option[selected]").get("value") == ""


def test_it_is_led_to_from_settings_the_empty_agenda_and_the_dashboard(client, house):
    house.change(house.slot, status="cancelled")
    sign_in(client, house.manager)
    for path in ("/equipe/reglages", "/equipe/agenda", "/equipe"):
        assert visit(client, path).link("Pourquoi mon lien n’affiche-t-il rien ?") == PAGE


def test_thousands_of_slots_cost_as_many_queries_as_one(client, house):
    sign_in(client, house.manager)
    visit(client, PAGE)
    with queries() as few:
        visit(client, PAGE)
    for hour in range(8, 18):
        make.slot(house.adviser, house.site, house.kind, starts_at=f"2026-12-02T{hour:02d}:00")
    with queries() as many:
        visit(client, PAGE)
    assert len(many) <= len(few) + 1
