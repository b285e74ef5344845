"""Rules of online booking: who changes them, what is typed, what it does to published slots."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from rdv.db import db
from rdv.models import BookingRule, MeetingType
from tests import make
from tests.support.pages import SAME_SITE, sign_in, submit, visit
from tests.support.queries import queries

RULES = "/equipe/reglages/regles"
CENTRE = f"{RULES}/centre"


@pytest.fixture
def house(client, freeze) -> Any:
    freeze("2026-11-24T08:00Z")
    cfa = make.cfa()
    site, manager = make.site(cfa), make.manager(cfa)
    kind = make.meeting_type(cfa)
    slot = make.slot(make.adviser(cfa), site, kind, starts_at="2026-12-15T14:00")
    sign_in(client, manager)
    return cfa, site, kind, slot


def rule() -> BookingRule | None:
    return db.session.scalar(sa.select(BookingRule))


def test_a_manager_decides_for_the_centre_and_reads_what_it_did(client, house):
    *_, slot = house
    page = visit(client, visit(client, "/equipe/reglages").link("Règles de réservation"))
    assert "Aucune règle" in page.text
    page = visit(client, CENTRE)
    assert "1 créneau publié est concerné" in page.text
    page = submit(
        client, page, notice="2", notice_unit="jour", horizon_days="30", opens_day="2026-12-01", opens_time="09:00",
        pause_minutes="10", most_a_day="8", most_a_person="1", some_platforms="yes", platforms=["cfa", "lba"],
    )  # fmt: skip
    assert (
        "Règle enregistrée : 1 créneau publié est concerné, hors des réservations en ligne en ce moment." in page.text
    )
    for words in (
        "réservable jusqu’à 2 jours avant", "30 jours à l’avance au plus", "mardi 1er décembre 2026 à 9 h",
        "10 minutes entre deux rendez-vous", "8 rendez-vous au plus par conseiller", "1 rendez-vous à venir au plus",
        "Votre page publique et le site de votre centre, La bonne alternance",
    ):  # fmt: skip
        assert words in page.text
    assert slot.opens_at == datetime(2026, 12, 1, 8, tzinfo=UTC)
    again = visit(client, CENTRE).fields()
    assert (again["notice"], again["notice_unit"], again["opens_time"]) == (["2"], ["jour"], ["09:00"])
    assert again["platforms"] == ["cfa", "lba"]
    page = submit(client, visit(client, CENTRE), opens_day="", opens_time="")
    assert "1 créneau publié est concerné." in page.text
    page = submit(client, visit(client, CENTRE))
    assert "Rien n’a changé." in page.text


def test_a_place_and_a_kind_of_meeting_have_their_own(client, house):
    _cfa, site, kind, slot = house
    submit(client, visit(client, CENTRE), notice="2")
    page = visit(client, f"{RULES}/lieux/{site.public_id}")
    assert "réservable jusqu’à 2 heures avant" in page.text, "what the wider rule says"
    submit(client, page, notice="3")
    assert (slot.starts_at - slot.closes_at).total_seconds() == 3 * 3600
    submit(client, visit(client, f"{RULES}/types/{kind.public_id}"), notice="0")
    assert slot.closes_at is None
    overview = visit(client, RULES)
    assert "réservable jusqu’au début" in overview.text


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"notice": "deux"}, "notice"), ({"notice": "99999", "notice_unit": "jour"}, "notice"),
        ({"horizon_days": "0"}, "horizon_days"), ({"horizon_days": "551"}, "horizon_days"),
        ({"opens_day": "demain"}, "opens_day"), ({"opens_time": "09:00"}, "opens_day"),
        ({"opens_day": "2027-03-28", "opens_time": "02:30"}, "opens_day"), ({"pause_minutes": "241"}, "pause_minutes"),
        ({"most_a_day": "0"}, "most_a_day"), ({"most_a_person": "51"}, "most_a_person"),
        ({"some_platforms": "yes"}, "platforms"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_shown_again_beside_its_field(client, house, typed, field):
    page = submit(client, visit(client, CENTRE), status=400, **{"most_a_person": "3", **typed})
    assert page.one(f"#{field}-error")
    if field != "most_a_person":
        assert page.fields()["most_a_person"] == ["3"]
    assert rule() is None


def test_somebody_elses_change_meanwhile_is_shown_before_being_replaced(client, house):
    read = visit(client, CENTRE)
    submit(client, visit(client, CENTRE), notice="5")
    page = submit(client, read, notice="1", status=409)
    assert "modifiée entre-temps" in page.text
    assert "réservable jusqu’à 5 heures avant" in page.text
    assert page.fields()["notice"] == ["1"]
    submit(client, page)
    assert rule().notice_minutes == 60


def test_the_agenda_says_what_candidates_do_not_see_yet_or_any_more(client, house, freeze):
    submit(client, visit(client, CENTRE), horizon_days="7", notice="2", notice_unit="jour")
    agenda = "/equipe/agenda?semaine=2026-W51"
    assert "Libre, en ligne dès mar. 8 déc." in visit(client, agenda).text
    freeze("2026-12-09T08:00Z")
    sign_in(client, make.manager(house[0]))
    assert "en ligne" not in visit(client, agenda).text
    freeze("2026-12-14T08:00Z")
    sign_in(client, make.manager(house[0]))
    assert "Libre, pas en ligne" in visit(client, agenda).text


def test_an_expired_session_keeps_what_was_typed(client, house):
    fields = {**visit(client, CENTRE).fields(), "notice": "7", "csrf_token": "ancien"}
    answer = client.post(CENTRE, data=fields, headers=SAME_SITE)
    assert answer.status_code == 400
    assert 'value="7"' in answer.get_data(as_text=True)
    assert rule() is None


def test_an_adviser_and_another_centre_change_nothing(client, house, app):
    cfa, site, kind, _slot = house
    other = app.test_client()
    sign_in(other, make.adviser(cfa))
    for path in (RULES, CENTRE, f"{RULES}/lieux/{site.public_id}", f"{RULES}/types/{kind.public_id}"):
        visit(other, path, status=403)
    stranger = app.test_client()
    foreign = make.cfa()
    sign_in(stranger, make.manager(foreign))
    for path in (f"{RULES}/lieux/{site.public_id}", f"{RULES}/types/{kind.public_id}"):
        visit(stranger, path, status=404)
    assert rule() is None


def test_many_places_and_kinds_cost_as_many_queries_as_one(client, house):
    cfa, *_ = house
    visit(client, RULES)
    with queries() as few:
        visit(client, RULES)
    for number in range(5):
        make.site(cfa)
        make.meeting_type(cfa, title=f"Type {number}")
    with queries() as many:
        visit(client, RULES)
    assert len(many) == len(few)


def test_people_may_come_along_if_the_kind_of_meeting_says_so(client, house):
    _cfa, _site, kind, _slot = house
    path = f"/equipe/types-de-rendez-vous/{kind.public_id}"
    page = submit(
        client, visit(client, path), form="Durée", guests_allowed="2", guests_counted="y", button="Enregistrer"
    )
    assert "2 accompagnants au plus, qui prennent une place" in page.text
    saved = db.session.get_one(MeetingType, kind.id)
    assert (saved.guests_allowed, saved.guests_counted) == (2, True)
    assert submit(client, visit(client, path), form="Durée", guests_allowed="21", button="Enregistrer", status=400).one("#guests_allowed-error")  # fmt: skip
    submit(client, visit(client, path), form="Durée", guests_allowed="", guests_counted=None, button="Enregistrer")
    assert (saved.guests_allowed, saved.guests_counted) == (0, False)
