"""A mother books for her daughter on a phone without JavaScript; each then does what concerns her, by her own mail's link."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, Page

from rdv import links, mailer
from rdv.db import db
from rdv.models import Booking, CandidateRequest, OutgoingMail
from tests import make
from tests.support.live import PHONE, faults_in_light_and_dark, fits, serving

pytestmark = pytest.mark.e2e

MARIE, ZOE = "marie@courriel.example", "zoe@courriel.example"


@pytest.fixture
def house(app: Flask, process_env: dict[str, str], tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A served centre: a slot in an hour, twenty next week."""
    cfa = make.cfa(name="CFA des Tilleuls")
    site, adviser = make.site(cfa), make.adviser(cfa)
    kind, training = make.meeting_type(cfa, what_to_bring="Un bulletin."), make.training(cfa, site)
    soon = make.slot(adviser, site, kind, starts_at=datetime.now(UTC) + timedelta(hours=1))
    day = datetime.now(UTC).date() + timedelta(days=7)
    later = [
        make.slot(adviser, site, kind, starts_at=f"{day + timedelta(days=number // 5)}T{9 + number % 5:02d}:00")
        for number in range(20)
    ]
    with serving(process_env, tmp_path) as url:
        yield SimpleNamespace(cfa=cfa, training=training, soon=soon, later=later, url=url)


@pytest.fixture
def phone(browser: Browser, house: SimpleNamespace) -> Iterator[Page]:
    """A phone of 360 × 740 without JavaScript."""
    context = browser.new_context(viewport=PHONE, java_script_enabled=False, base_url=house.url, locale="fr-FR")
    yield context.new_page()
    assert context.cookies() == []
    context.close()


def only_request() -> CandidateRequest:
    db.session.rollback()
    return db.session.scalars(sa.select(CandidateRequest)).one()


def mail_to(address: str, kind: str) -> str:
    """Return the text of a mail as its reader gets it."""
    db.session.rollback()
    row = db.session.scalars(
        sa.select(OutgoingMail).where(OutgoingMail.to_email == address, OutgoingMail.kind == kind)
    ).one()
    return mailer.render(row).content.decode()


def path_in(text: str, tail: str = "") -> str:
    """Return the personal address that a mail holds."""
    found = re.search(rf"http://[^\s\"]+(/suivi/[\w.-]+{tail})", text.replace("=\r\n", ""))
    assert found, text
    return found[1]


def h1(page: Page) -> str:
    return page.locator("h1").inner_text()


def book_for_zoe(page: Page, slot_id: str, zoe: str = ZOE) -> None:
    page.goto(f"/rendez-vous/{slot_id}")
    summary = page.get_by_text("Vous faites cette demande pour quelqu’un d’autre")
    before = page.locator("#first_name").bounding_box()
    box = summary.bounding_box()
    assert box is not None
    assert before is not None
    assert box["y"] < before["y"], "who asks is said before whose name it is"
    assert not page.locator("#asker_email").is_visible()
    summary.click()
    assert not page.locator("#asker_email").is_visible()
    page.get_by_label("Un parent").check()
    assert page.locator("#asker_email").is_visible(), "shown by the style sheet alone"
    assert fits(page)
    for name, value in (("asker_first_name", "Marie"), ("asker_last_name", "Lambert"), ("asker_email", MARIE)):
        page.locator(f"#{name}").fill(value)
    for name, value in (("first_name", "Zoé"), ("last_name", "Lambert"), ("email", zoe)):
        page.locator(f"#{name}").fill(value)
    page.get_by_role("button", name="Confirmer le rendez-vous").click()
    assert h1(page) == "Rendez-vous confirmé"
    assert fits(page)


def test_two_people_and_one_meeting(phone: Page, house: SimpleNamespace) -> None:
    book_for_zoe(phone, house.later[0].public_id)
    to_marie, to_zoe = mail_to(MARIE, "booking_confirmed"), mail_to(ZOE, "booking_confirmed")
    assert path_in(to_marie) != path_in(to_zoe)
    assert "Zoé la reçoit aussi" in phone.locator("main").inner_text()

    phone.goto(path_in(to_marie, "/deplacer"))
    assert fits(phone)
    box = phone.get_by_role("button", name="Déplacer le rendez-vous").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= PHONE["height"], "the button stays in sight"
    phone.locator("input[name=creneau]").nth(2).check()
    phone.get_by_role("button", name="Déplacer le rendez-vous").click()
    assert h1(phone) == "Rendez-vous confirmé"
    booking = only_request().booking
    assert (booking.slot_id, booking.sequence) == (house.later[2].id, 1)
    assert "Votre rendez-vous est d" in mail_to(ZOE, "booking_moved")

    request = only_request()
    phone.goto(urlsplit(links.presence(request, ZOE)).path)
    assert h1(phone).replace("\u00a0", " ").replace("\u202f", " ") == "Vous venez ?"
    assert only_request().booking.presence_at is None
    phone.get_by_role("button", name="Oui, je viens").click()
    assert "C’est noté" in phone.locator("main").inner_text()
    assert only_request().booking.presence_at is not None

    phone.goto(urlsplit(links.cancel(request, ZOE)).path)
    assert fits(phone)
    phone.get_by_role("button", name="J’ai trouvé une entreprise").click()
    assert h1(phone) == "Vous avez annulé ce rendez-vous"
    assert phone.locator("a.rdv-slot").count() == 3, "other dates are offered"
    phone.goto(path_in(to_marie))
    assert h1(phone) == "Zoé a annulé ce rendez-vous"


def test_late_on_the_day_then_too_late_for_a_slot(phone: Page, house: SimpleNamespace) -> None:
    book_for_zoe(phone, house.soon.public_id)
    page = urlsplit(phone.url).path
    phone.get_by_role("link", name="Prévenir d’un retard").click()
    assert fits(phone)
    phone.get_by_role("button", name="10 min").click()
    assert "prévenu d’un retard" in phone.locator("main").inner_text()
    assert only_request().booking.late_minutes == 10
    db.session.rollback()
    assert (
        db.session.scalar(
            sa.select(sa.func.count()).select_from(OutgoingMail).where(OutgoingMail.kind == "adviser_candidate_late")
        )
        == 1
    )
    phone.goto(f"{page}/deplacer?creneau={house.later[4].public_id}")
    assert phone.locator("input[name=creneau]:checked").get_attribute("value") == house.later[4].public_id
    make.booking(house.later[4])
    phone.get_by_role("button", name="Déplacer le rendez-vous").click()
    assert "n’a pas changé" in phone.locator("main").inner_text()
    assert fits(phone)
    assert db.session.scalars(sa.select(Booking.slot_id).order_by(Booking.id)).first() == house.soon.id


def test_nothing_serious_for_axe_and_nothing_heavy(browser: Browser, house: SimpleNamespace) -> None:
    context = browser.new_context(viewport=PHONE, base_url=house.url)
    page = context.new_page()
    book_for_zoe(page, house.soon.public_id)
    mine = urlsplit(page.url).path
    faults, weights = {}, {}
    for tail in ("", "/deplacer", "/annuler", "/presence", "/retard"):
        sizes: list[int] = []
        heard = lambda answer, sizes=sizes: sizes.append(len(answer.body()))  # noqa: E731
        page.on("response", heard)
        page.goto(mine + tail, wait_until="networkidle")
        page.remove_listener("response", heard)
        weights[tail] = sum(sizes)
        faults[tail] = faults_in_light_and_dark(page)
    page.goto(f"{mine}/deplacer")
    page.get_by_role("button", name="Déplacer le rendez-vous").click()  # nothing chosen
    page.wait_for_selector("[role=alert]")
    faults["errors"] = faults_in_light_and_dark(page)
    context.close()
    assert not {path: found for path, found in faults.items() if found}
    assert max(weights.values()) < 60_000, weights
