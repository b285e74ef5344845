"""Each platform of the mission: its own link and origin, its life cycle, its page of documentation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from rdv import bookable, clock, consents, directory, jobs
from rdv.db import db, transaction
from rdv.models import CandidateRequest, CfaDomain
from tests import make
from tests.support.pages import submit, visit

DOCS = Path(__file__).resolve().parents[2] / "docs"
KEY = "990001P012X9990000110001899900001100018-90010#L01"


@dataclass(frozen=True)
class Known:
    """A platform: its page, the identifier of its links, how it opens, and what its page must tell."""

    page: str
    query: str
    opens: str  # at_once | silence | yes | own
    days: tuple[str, ...] = ()


PLATFORMS = {
    "lba": Known("la-bonne-alternance", f"cle={KEY.replace('#', '%23')}", "silence", ("OPT_OUT_DAYS",)),
    "jeune_1_solution": Known("1jeune1solution", f"cle={KEY.replace('#', '%23')}", "silence", ("OPT_OUT_DAYS",)),
    "onisep": Known("onisep", "onisep=AF.56380", "silence", ("OPT_OUT_DAYS",)),
    "parcoursup": Known("parcoursup", "parcoursup=24001", "yes", ("2 janvier", "31 août", "8 janvier", "20 novembre")),
    "affelnet": Known("affelnet", "affelnet=A24001", "yes", ("15 janvier", "31 août", "23 mars", "20 novembre")),
    "cfa": Known("sites-de-cfa", f"cle={KEY.replace('#', '%23')}", "own"),
    "carif_oref": Known("carif-oref", "rco=24_1|24_2|24_3", "at_once"),
}


@pytest.fixture
def training(app, freeze, change_settings):
    """A training that every platform knows, in a centre of the catalogue, on 20 January 2027."""
    freeze("2027-01-20T02:00Z")
    change_settings(platform_campaigns=True)
    cfa = make.cfa(email="direction@cfa-tilleuls.example")
    return make.training(
        cfa, make.site(cfa), training_key=KEY, parcoursup_id="24001", parcoursup_visible=True, affelnet_id="A24001",
        affelnet_visible=True, onisep_id="AF.56380", rco_id="24_1|24_2|24_3",
    )  # fmt: skip


def opened(training, code):
    return bookable.on(training, make.platform(code), clock.now())


def answer(training, code, act):
    consent = consents.of_cfa(training.cfa)[make.platform(code).id]
    with transaction():
        act(consents.together(consent), "link", clock.now())


def test_none_is_forgotten(app):
    assert {platform.code for platform in directory.platforms()} == set(PLATFORMS)


@pytest.mark.parametrize("code", PLATFORMS)
def test_it_opens_by_its_own_life_cycle_and_closes_with_a_refusal(training, freeze, code):
    opens = PLATFORMS[code].opens
    jobs.invite_to_platforms(clock.now())
    jobs.open_platforms(clock.now())
    assert opened(training, code) is (opens == "at_once")
    freeze("2027-02-04T02:00Z")
    jobs.open_platforms(clock.now())
    assert opened(training, code) is (opens in ("at_once", "silence"))
    if opens == "yes":
        answer(training, code, consents.accept)
    if opens == "own":
        with transaction():
            consents.turn_on(training.cfa, make.platform(code), "manager", clock.now())
        make.saved(CfaDomain(cfa_id=training.cfa_id, host="www.mon-cfa.fr"))
    assert opened(training, code)
    with transaction():
        consents.hide(training.cfa, make.platform(code), "manager", clock.now())
    assert not opened(training, code)


@pytest.mark.parametrize("code", PLATFORMS)
def test_its_link_leads_to_the_training_and_its_name_stays_on_the_request(client, training, code):
    """Bookable there or not: who comes by a link of an open training is never turned away."""
    page = visit(client, f"/formation?{PLATFORMS[code].query}&origine={code}", follow=True)
    assert training.shown_title in page.text
    form = visit(
        client, next(each.get("href") for each in page.all("a") if "/etre-rappele" in (each.get("href") or ""))
    )
    submit(client, form, first_name="Zoé", last_name="Lambert", phone="06 39 98 00 01", windows=["matin"])
    request = db.session.scalars(sa.select(CandidateRequest)).one()
    assert request.platform_id == make.platform(code).id
    assert request.training_id == training.id


@pytest.mark.parametrize("code", PLATFORMS)
def test_its_page_of_documentation_says_how(code):
    known = PLATFORMS[code]
    text = (DOCS / "platforms" / f"{known.page}.md").read_text(encoding="utf-8").replace("\u00a0", " ")
    assert f"Code d’origine : `{code}`." in text
    assert f"origine={code}" in text
    for words in known.days:
        assert words in text
    name = known.query.split("=")[0]
    assert f"{name}=<" in text or f"`{name}=" in text or f"formation?{name}=" in text
    assert f"`{name}`" in (DOCS / "links.md").read_text(encoding="utf-8")
    assert f"`{code}`" in (DOCS / "links.md").read_text(encoding="utf-8")
