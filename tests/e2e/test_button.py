"""The button in the page of another site, in a browser that keeps no cookie of others and obeys that site's policy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect

from rdv.db import db
from rdv.models import CandidateRequest, Platform
from rdv.web.public import script
from tests import make
from tests.support.live import CHROMIUM, DESK, PHONE, QUIET, accessibility_faults, faults_of_screens, fits, serving

pytestmark = pytest.mark.e2e

HOST = "https://www.ecole.example"
EVENTS = ("affiche", "ouvert", "ferme", "envoye", "reserve", "hauteur")
WITHIN = "document.activeElement?.shadowRoot?.activeElement?.localName"  # where the focus stands in the button
BUTTON = '<rdv-bouton parcoursup="12345" origine="essai" {}></rdv-bouton>'


@pytest.fixture(scope="module")
def strict(running_browser: Browser) -> Iterator[Browser]:
    """A Chromium that blocks the cookies of third parties, and lets a page of the net reach this machine."""
    flags = [
        *QUIET, "--test-third-party-cookie-phaseout", "--host-resolver-rules=MAP *.example 127.0.0.1",
        "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
    ]  # fmt: skip
    browser = running_browser.browser_type.launch(executable_path=CHROMIUM, args=flags)
    yield browser
    browser.close()


@pytest.fixture
def house(app: Flask, process_env: dict[str, str], tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A served centre with a slot tomorrow, known to a platform whose pages stand at HOST."""
    make.saved(Platform(code="essai", name="Essai", origins=[HOST]))
    cfa = make.cfa(name="CFA des Tilleuls")
    site, adviser = make.site(cfa), make.adviser(cfa)
    training = make.training(cfa, site, parcoursup_id="12345", title="BTS Électrotechnique")
    day = datetime.now(UTC).date() + timedelta(days=1)
    for hour in (9, 10, 14):
        make.slot(adviser, site, starts_at=f"{day}T{hour:02d}:00", trainings=[training])
    with serving(process_env, tmp_path) as url:
        yield SimpleNamespace(cfa=cfa, site=site, training=training, url=url, integrity=script.integrity())


@pytest.fixture
def desk(strict: Browser) -> Iterator[BrowserContext]:
    context = strict.new_context(viewport=DESK, locale="fr-FR")
    yield context
    assert context.cookies() == []
    context.close()


@pytest.fixture
def phone(strict: Browser) -> Iterator[BrowserContext]:
    context = strict.new_context(viewport=PHONE, locale="fr-FR", is_mobile=True, has_touch=True)
    yield context
    assert context.cookies() == []
    context.close()


def host_page(context: BrowserContext, house: SimpleNamespace, body: str, address: str = HOST + "/") -> Page:
    """Return a page of another site that holds the button, under a policy that allows nothing but us."""
    policy = (
        f"default-src 'none'; script-src {house.url} {HOST}/notes.js; connect-src {house.url}; frame-src {house.url}; "
        "style-src 'none'; img-src 'none'; base-uri 'none'"
    )
    names = str([f"rdv:{name}" for name in EVENTS])
    notes = f"""window.seen = [];
for (const name of {names}) addEventListener(name, (event) =>
  window.seen.push([name.slice(4), event.target.localName, event.detail]));"""
    html = f"""<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>École</title>
<meta name="viewport" content="width=device-width"><script src="/notes.js"></script>
<script defer crossorigin="anonymous" integrity="{house.integrity}" src="{house.url}/bouton/v{script.CURRENT}/bouton.js"></script>
</head><body><main><h1>BTS Électrotechnique</h1><p><a id="avant" href="#">Avant</a></p>
{body}
<p><a id="apres" href="#">Après</a></p></main></body></html>"""
    context.route(
        f"{HOST}/**",
        lambda route: (
            route.fulfill(body=notes, content_type="text/javascript")
            if route.request.url.endswith("notes.js")
            else route.fulfill(
                body=html, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": policy}
            )
        ),
    )
    page = context.new_page()
    page.faults = []  # type: ignore[attr-defined]
    page.on("console", lambda said: page.faults.append(said.text) if said.type == "error" else None)  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.faults.append(str(error)))  # type: ignore[attr-defined]
    page.goto(address)
    return page


def events(page: Page) -> list[str]:
    return [name for name, *_ in page.evaluate("window.seen")]


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Look again until something holds: the page's own policy refuses Playwright's way of waiting."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, [frame.url for frame in page.frames]
        page.wait_for_timeout(20)


def count_of_requests() -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(CandidateRequest)) or 0


def test_a_meeting_is_booked_in_the_dialog_by_keyboard_alone(desk: BrowserContext, house: SimpleNamespace) -> None:
    page = host_page(desk, house, BUTTON.format('prenom="Léa" nom="Martin" email="lea@courriel.example"'))
    link = page.get_by_role("link", name="Prendre rendez-vous")
    expect(page.get_by_text("Prochain créneau : demain à 9 h")).to_be_visible()
    expect(link).to_have_css("background-color", "rgb(11, 96, 99)")
    page.locator("#avant").focus()
    page.keyboard.press("Tab")
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Prendre rendez-vous")
    expect(dialog).to_be_visible()
    expect(dialog.locator("iframe")).to_have_attribute("title", "Prendre rendez-vous – RDV Apprentissage")
    inside = page.frame_locator("rdv-bouton iframe")
    first = inside.locator("a.rdv-slot").first
    expect(first).to_be_visible()
    until(page, lambda: page.evaluate(WITHIN) == "iframe")  # the button gives the focus to the frame once it is shown
    first.press("Enter")
    name = inside.get_by_label("Prénom", exact=True).first
    expect(name).to_have_value("Léa")
    expect(inside.locator("#email")).to_have_value("lea@courriel.example")
    frame = page.frames[-1]
    assert "#" not in frame.url
    assert "cadre=1" in frame.url
    send = inside.get_by_role("button", name="Confirmer le rendez-vous")
    send.press("Enter")
    expect(inside.get_by_role("heading", name="Rendez-vous confirmé")).to_be_visible()
    until(page, lambda: "reserve" in events(page))
    inside.get_by_role("link", name="Déplacer ce rendez-vous").focus()
    page.frames[-1].evaluate(
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}))"
    )
    expect(dialog).to_have_count(0)
    expect(link).to_be_focused()
    until(page, lambda: events(page) == ["affiche", "ouvert", "reserve", "ferme"])
    assert {target for _, target, _ in page.evaluate("window.seen")} == {"rdv-bouton"}
    assert count_of_requests() == 1
    assert page.faults == []  # type: ignore[attr-defined]


def test_escape_closes_the_dialog_and_the_focus_comes_back(desk: BrowserContext, house: SimpleNamespace) -> None:
    page = host_page(desk, house, BUTTON.format(""))
    link = page.get_by_role("link", name="Prendre rendez-vous")
    link.press("Enter")
    close = page.get_by_role("button", name="Fermer la prise de rendez-vous")
    expect(page.frame_locator("rdv-bouton iframe").get_by_role("heading", name="BTS Électrotechnique")).to_be_visible()
    until(page, lambda: page.evaluate(WITHIN) == "iframe")  # the focus goes in
    close.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(link).to_be_focused()
    until(page, lambda: events(page) == ["affiche", "ouvert", "ferme"])


def test_a_refusal_in_the_frame_keeps_its_height_and_escape(desk: BrowserContext, house: SimpleNamespace) -> None:
    page = host_page(desk, house, BUTTON.format(""))
    page.get_by_role("link", name="Prendre rendez-vous").press("Enter")
    inside = page.frame_locator("rdv-bouton iframe")
    expect(inside.get_by_role("heading", name="BTS Électrotechnique")).to_be_visible()
    page.frames[-1].evaluate("location.assign('/suivi/faux?origine=essai&cadre=1')")
    expect(inside.get_by_role("heading", name="Ce lien ne fonctionne plus")).to_be_visible()
    assert inside.locator("header").count() == 0
    inside.get_by_role("link", name="Accueil").focus()
    page.frames[-1].evaluate(
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}))"
    )
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_generator_opens_what_a_site_would(desk: BrowserContext, house: SimpleNamespace) -> None:
    page = desk.new_page()
    page.goto(f"{house.url}/integrer?q=12345&pour=essai")
    page.locator("#apercu").get_by_role("link").press("Enter")
    inside = page.frame_locator("#apercu iframe")
    expect(inside.get_by_role("heading", name="BTS Électrotechnique")).to_be_visible()
    page.get_by_role("button", name="Fermer la prise de rendez-vous").click()
    page.get_by_text("Voir la version dans la page").click()
    inside = page.frame_locator("#apercu-integre iframe")
    expect(inside.get_by_role("heading", name="BTS Électrotechnique")).to_be_visible()
    until(page, lambda: page.locator("#apercu-integre iframe").get_attribute("height") != "640")


def test_the_inline_frame_follows_its_height_and_believes_nobody_else(
    desk: BrowserContext, house: SimpleNamespace
) -> None:
    page = host_page(desk, house, BUTTON.format('mode="integre"'))
    frame = page.locator("rdv-bouton iframe")
    until(page, lambda: "hauteur" in events(page))
    inside = page.frames[-1]
    assert inside.evaluate("document.documentElement.scrollHeight") <= int(frame.get_attribute("height") or 0) + 1
    told = frame.get_attribute("height")
    page.evaluate(
        """() => { for (const rdv of ["reserve", "envoye", "fermer", "hauteur"]) {
          postMessage({ rdv, valeur: 5000 }, "*");
          dispatchEvent(new MessageEvent("message", { data: { rdv, valeur: 5000 }, origin: "https://pirate.example" }));
        } }"""
    )
    inside.evaluate("parent.postMessage({ rdv: 'hauteur', valeur: 9e9 }, '*')")  # ours, and absurd
    inside.evaluate("document.body.style.paddingBottom = '300px'")  # comes after what was forged
    until(page, lambda: int(frame.get_attribute("height") or 0) > int(told or 0))
    assert int(frame.get_attribute("height") or 0) < 5000
    assert set(events(page)) == {"affiche", "hauteur"}


def test_the_frame_answers_the_page_of_its_platform_alone(desk: BrowserContext, house: SimpleNamespace) -> None:
    page = desk.new_page()  # stands in for both: its parent is itself
    page.goto(f"{house.url}/formation/{house.training.public_id}?origine=essai&cadre=1")
    greet = """(origin) => {
      window.told = [];
      window.postMessage = (message, target) => window.told.push([message.rdv, target]);
      dispatchEvent(new MessageEvent("message", { data: { rdv: "bonjour" }, origin, source: window }));
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
      return window.told;
    }"""
    assert page.evaluate(greet, "https://pirate.example") == []
    assert page.evaluate(greet, f"{HOST}.pirate.example") == []
    assert page.evaluate(greet, HOST) == [["hauteur", HOST], ["fermer", HOST]]


def test_a_message_is_sent_from_the_inline_frame(desk: BrowserContext, house: SimpleNamespace) -> None:
    page = host_page(desk, house, BUTTON.format('mode="integre"'))
    inside = page.frame_locator("rdv-bouton iframe")
    inside.get_by_role("link", name="Être rappelé").click()
    inside.get_by_label("Prénom", exact=True).fill("Léa")
    inside.get_by_label("Nom", exact=True).fill("Martin")
    inside.locator("#phone").fill("06 39 98 12 34")
    inside.locator("form button[type=submit]").last.click()
    until(page, lambda: "envoye" in events(page))
    assert "fait=" not in page.frames[-1].url
    assert count_of_requests() == 1
    assert page.faults == []  # type: ignore[attr-defined]


def test_a_page_that_is_not_of_the_platform_shows_no_frame(desk: BrowserContext, house: SimpleNamespace) -> None:
    with db.session.begin():
        db.session.execute(
            sa.update(Platform).where(Platform.code == "essai").values(origins=["https://autre.example"])
        )
    page = host_page(desk, house, BUTTON.format('mode="integre"'))
    expect(page.locator("rdv-bouton iframe")).to_be_visible()
    until(page, lambda: page.frames[-1].url.startswith("chrome-error:"))


def test_on_a_phone_the_button_opens_a_page(phone: BrowserContext, house: SimpleNamespace) -> None:
    page = host_page(phone, house, BUTTON.format('prenom="Zoé"'))
    with phone.expect_page() as opened:
        page.get_by_role("link", name="Prendre rendez-vous").tap()
    other = opened.value
    expect(other.get_by_role("heading", name="BTS Électrotechnique")).to_be_visible()
    assert "cadre=1" not in other.url
    until(other, lambda: "#" not in other.url)  # what the link held is no longer in the address
    other.locator("a.rdv-slot").first.tap()
    expect(other.get_by_label("Prénom", exact=True)).to_have_value("Zoé")
    assert other.evaluate("window.opener") is None
    assert page.locator("rdv-bouton iframe").count() == 0
    assert fits(page)


def test_nothing_is_drawn_for_what_is_not_bookable(desk: BrowserContext, house: SimpleNamespace) -> None:
    body = (
        '<rdv-bouton parcoursup="99999" origine="essai"><a href="https://ailleurs.example">Rendez-vous</a></rdv-bouton>'
        '<a id="lien" data-rdv-parcoursup="99999" data-rdv-origine="essai">Rendez-vous</a>'
    )
    page = host_page(desk, house, body)
    expect(page.locator("rdv-bouton")).to_be_hidden()
    expect(page.locator("#lien")).to_be_hidden()
    assert events(page) == []


@pytest.mark.parametrize("trouble", ["abort", "error", "nonsense", "empty", "null"])
def test_when_the_service_does_not_answer_a_link_remains(
    desk: BrowserContext, house: SimpleNamespace, trouble: str
) -> None:
    def answer(route) -> None:  # type: ignore[no-untyped-def]
        if trouble == "abort":
            route.abort()
        elif trouble == "error":
            route.fulfill(status=503, headers={"Access-Control-Allow-Origin": "*"})
        elif trouble in ("empty", "null"):
            body = "{}" if trouble == "empty" else "null"
            route.fulfill(body=body, content_type="application/json", headers={"Access-Control-Allow-Origin": "*"})
        else:
            bad = '{"bookable": true, "url": "javascript:alert(1)", "label": "Piège"}'
            route.fulfill(body=bad, content_type="application/json", headers={"Access-Control-Allow-Origin": "*"})

    desk.route("**/api/v1/button?*", answer)
    own = '<rdv-bouton id="sien" parcoursup="12345" origine="essai"><a href="/contact">Nous écrire</a></rdv-bouton>'
    page = host_page(desk, house, BUTTON.format('id="nu"') + own)
    link = page.locator("#nu").get_by_role("link", name="Prendre rendez-vous")
    expect(link).to_have_attribute("href", f"{house.url}/formation?parcoursup=12345&origine=essai")
    expect(page.get_by_role("link", name="Nous écrire")).to_be_visible()
    with desk.expect_page() as opened:
        link.click()
    expect(opened.value.get_by_role("heading", name="BTS Électrotechnique")).to_be_visible()


def test_data_attributes_turn_a_link_of_the_host_into_a_dialog(desk: BrowserContext, house: SimpleNamespace) -> None:
    body = (
        f'<a id="lien" href="{house.url}/formation?parcoursup=12345" data-rdv-parcoursup="12345" data-rdv-origine="essai">'
        'Rencontrez-nous</a><div id="boite" data-rdv-parcoursup="12345" data-rdv-origine="essai"></div>'
    )
    page = host_page(desk, house, body)
    expect(page.locator("#boite").get_by_role("link", name="Prendre rendez-vous")).to_be_visible()
    page.get_by_role("link", name="Rencontrez-nous").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("button", name="Fermer la prise de rendez-vous").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("link", name="Rencontrez-nous")).to_be_focused()
    until(page, lambda: events(page)[-2:] == ["ouvert", "ferme"])


def test_the_widget_of_the_former_service_keeps_its_promise(desk: BrowserContext, house: SimpleNamespace) -> None:
    body = (
        '<div class="widget-prdv" data-id-parcoursup="12345" data-referrer="ESSAI" data-candidat-firstname="Zoé">x</div>'
        '<div class="widget-prdv" data-siret="11111111111111" data-cfd="22222222" data-referrer="essai"></div>'
    )
    page = host_page(desk, house, body)
    found = page.evaluate("window.initPrdvWidget()")
    assert found[0]["data"]["form_url"] == f"{house.url}/formation/{house.training.public_id}?origine=essai"
    assert found[0]["referrer"] == "ESSAI"
    assert found[1]["data"] == {"error": "Prise de rendez-vous non disponible."}
    assert found[1]["siret"] == "11111111111111"
    assert found[1]["cfd"] == "22222222"
    again = page.evaluate("window.initPrdvWidget()")  # draws no second link
    assert len(again) == 2
    links = page.locator(".widget-prdv a")
    expect(links).to_have_count(1)
    expect(links).to_have_attribute("title", "Prendre rendez-vous")
    expect(links).to_have_attribute("target", "_blank")
    assert links.get_attribute("href", timeout=1000) == found[0]["data"]["form_url"] + "#prenom=Zo%C3%A9"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_button_is_accessible(desk: BrowserContext, house: SimpleNamespace, scheme) -> None:  # type: ignore[no-untyped-def]
    page = host_page(
        desk, house, BUTTON.format("") + '<div data-rdv-parcoursup="12345" data-rdv-origine="essai"></div>'
    )
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    expect(page.get_by_role("link", name="Prendre rendez-vous")).to_have_count(2)
    assert accessibility_faults(page) == []
    page.get_by_role("link", name="Prendre rendez-vous").first.click()
    expect(page.frame_locator("rdv-bouton iframe").get_by_role("heading", name="BTS Électrotechnique")).to_be_visible()
    assert accessibility_faults(page) == []


def test_the_page_of_the_code_shows_the_button_as_it_will_stand(browser: Browser, house: SimpleNamespace) -> None:
    page = browser.new_page(base_url=house.url, viewport=DESK)
    page.goto("/integrer?q=12345&pour=essai")
    expect(page.locator("rdv-bouton").get_by_text("Prochain créneau : demain à 9 h")).to_be_visible()
    assert faults_of_screens(page, ["/integrer", "/integrer?q=12345&pour=essai", "/integrer?q=electrotechnique"]) == []


def test_the_poster_is_one_sheet_of_paper(browser: Browser, house: SimpleNamespace) -> None:
    manager = make.manager(house.cfa)
    page = browser.new_page(base_url=house.url, viewport=DESK)
    page.goto("/connexion")
    page.locator("input[type=email]").fill(manager.email)
    page.locator("input[type=password]").fill(make.PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/equipe**")
    path = f"/equipe/lieux/{house.site.public_id}/affiche"
    assert faults_of_screens(page, [path]) == []
    page.set_viewport_size(DESK)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.pdf(format="A4", prefer_css_page_size=True).count(b"/Type /Page\n") == 1
