"""Signing in, its limits, the life of a session, and the guard that closes everything else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from rdv import passwords
from rdv.db import db
from rdv.models import ThrottleCount, User
from rdv.web.staff.blueprint import ANY_PERSON, OPEN
from tests import make
from tests.support import databases
from tests.support.frozen import FrozenClock
from tests.support.pages import SAME_SITE, Page, sign_in, submit, visit

WRONG = "Adresse électronique ou mot de passe incorrect."
TOO_MANY = "Trop d’essais pour ce compte ou depuis cette connexion."
ELSEWHERE = "Autre-Fleur-99"


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/equipe/profil").status_code == 200


def attempt(client: FlaskClient, email: str, password: str, status: int = 400, network: str = "192.0.2.1") -> Page:
    page = visit(client, "/connexion")
    client.environ_base["REMOTE_ADDR"] = network
    return submit(client, page, email=email, password=password, status=status, checked=status != 200)


def arrive(client: FlaskClient, person: User, url: str = "/connexion") -> Page:
    """Sign in and return the page that comes."""
    return submit(client, visit(client, url), email=person.email, password=make.PASSWORD, checked=False)


# Signing in


def test_the_right_password_opens_the_dashboard(client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    assert arrive(client, person).path == "/equipe"
    assert person.last_sign_in_at is not None
    assert visit(client, "/connexion", status=303).response.location == "/equipe"


def test_the_address_is_read_whatever_its_case_and_spaces(client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    submit(
        client, visit(client, "/connexion"), email=f" {person.email.upper()} ", password=make.PASSWORD, checked=False
    )
    assert is_signed_in(client)


def test_a_wrong_password_shows_the_form_again_with_the_address(client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    page = attempt(client, person.email, ELSEWHERE)
    assert WRONG in page.text
    assert page.fields()["email"] == [person.email]
    assert page.fields()["password"] == [""]
    assert page.title.startswith("Erreur")
    assert not is_signed_in(client)


def test_empty_fields_say_what_is_missing(client: FlaskClient) -> None:
    page = submit(client, visit(client, "/connexion"), status=400)
    assert "Indiquez votre adresse électronique." in page.errors
    assert "Indiquez votre mot de passe." in page.errors


@pytest.mark.parametrize(
    "columns", [{"active": False}, {"password_hash": None}, None], ids=["closed", "invited", "unknown"]
)
def test_who_may_not_sign_in_reads_and_lasts_the_same_as_a_wrong_password(
    client: FlaskClient, columns: dict[str, object] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = make.user(**columns).email if columns else "inconnue@cfa-tilleuls.example"
    wrong = attempt(client, make.user().email, ELSEWHERE)
    verified: list[str] = []
    real = passwords.check_password_hash

    def counting(kept: str, typed: str) -> bool:
        verified.append(kept)
        return real(kept, typed)

    monkeypatch.setattr(passwords, "check_password_hash", counting)
    page = attempt(client, email, make.PASSWORD)
    assert page.text == wrong.text
    assert len(verified) == 1, "one hash is verified, whoever asks"
    assert verified[0].split("$")[0] == passwords.hash_new(make.PASSWORD).split("$")[0], "as costly as a person's"


def test_a_form_whose_session_is_gone_is_shown_again_with_what_was_typed(app: Flask, client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    page = visit(client, "/connexion")
    other = app.test_client()
    again = submit(other, page, email=person.email, password=make.PASSWORD, status=400)
    assert "Cette page est restée ouverte trop longtemps." in again.text
    assert again.fields()["email"] == [person.email]
    assert not is_signed_in(other)
    submit(other, again, password=make.PASSWORD, checked=False)
    assert is_signed_in(other)


# Where signing in leads


@pytest.mark.parametrize("wanted", ["/equipe/membres", "/equipe/reglages/centre"])
def test_the_page_wanted_comes_after_signing_in(client: FlaskClient, wanted: str) -> None:
    person = make.manager(make.cfa())
    sent = client.get(wanted + "?nom=Lina")
    assert sent.status_code == 303
    assert "Lina" not in sent.location, "what was searched for stays out of addresses"
    assert arrive(client, person, sent.location).path == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        "https://ailleurs.example/equipe",
        "//ailleurs.example/equipe",
        "/\\ailleurs.example",
        "/equipe\\..\\ailleurs",
        "\t//ailleurs.example",
        "/equipement",
        "/equipe//ailleurs.example",
        "/equipe\r\nX-Injected: 1",
        "javascript:alert(1)",
        "/deconnexion",
        "",
    ],
)
def test_signing_in_leads_nowhere_else(client: FlaskClient, wanted: str) -> None:
    person = make.manager(make.cfa())
    page = Page(client.get("/connexion", query_string={"next": wanted}))
    done = submit(client, page, email=person.email, password=make.PASSWORD, follow=False, status=303)
    assert done.response.location == "/equipe"


def test_the_service_team_goes_to_the_administration(client: FlaskClient) -> None:
    person = make.service_member()
    page = submit(
        client, visit(client, "/connexion"), email=person.email, password=make.PASSWORD, follow=False, status=303
    )
    assert client.get(page.response.location or "").location == "/admin/"


# Limits


def test_ten_failures_lock_an_account_even_for_the_right_password(
    client: FlaskClient, change_settings: Callable[..., None], freeze: Callable[[str], FrozenClock]
) -> None:
    clock = freeze("2026-11-24T08:00Z")
    change_settings(limit_sign_in_per_account=3)
    person, colleague = make.adviser(make.cfa()), make.adviser(make.cfa())
    for i in range(3):
        attempt(client, person.email, ELSEWHERE, network=f"203.0.{i}.7")
    page = attempt(client, person.email, make.PASSWORD, status=429, network="203.0.99.7")
    assert TOO_MANY in page.text
    assert not is_signed_in(client)
    attempt(client, colleague.email, make.PASSWORD, status=200)
    clock.tick(hours=1)
    client.delete_cookie("session")
    attempt(client, person.email, make.PASSWORD, status=200)


def test_a_network_that_fails_too_often_waits_whatever_the_account(
    client: FlaskClient, change_settings: Callable[..., None]
) -> None:
    change_settings(limit_sign_in_per_address=3)
    person = make.adviser(make.cfa())
    for i in range(3):
        attempt(client, f"inconnue{i}@cfa-tilleuls.example", ELSEWHERE, network=f"198.51.100.{i}")
    attempt(client, person.email, make.PASSWORD, status=429, network="198.51.100.200")
    attempt(client, person.email, make.PASSWORD, status=200, network="198.51.101.200")


def test_an_unknown_address_is_locked_like_a_known_one(
    client: FlaskClient, change_settings: Callable[..., None]
) -> None:
    change_settings(limit_sign_in_per_account=2)
    for _ in range(2):
        attempt(client, "inconnue@cfa-tilleuls.example", ELSEWHERE)
    assert TOO_MANY in attempt(client, "inconnue@cfa-tilleuls.example", ELSEWHERE, status=429).text


def test_successes_do_not_count_and_subjects_are_not_stored(
    client: FlaskClient, change_settings: Callable[..., None]
) -> None:
    change_settings(limit_sign_in_per_account=2)
    person = make.adviser(make.cfa())
    for _ in range(4):
        client.delete_cookie("session")
        attempt(client, person.email, make.PASSWORD, status=200)
    client.delete_cookie("session")
    attempt(client, person.email, ELSEWHERE)
    keys = db.session.scalars(sa.select(ThrottleCount.key)).all()
    assert keys
    assert not any(person.email in key or "192.0.2" in key for key in keys)


# The life of a session


def test_signing_out_ends_this_session_alone(app: Flask, client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    phone = app.test_client()
    sign_in(client, person)
    sign_in(phone, person)
    submit(client, visit(client, "/equipe/profil"), form=0)
    assert not is_signed_in(client)
    assert is_signed_in(phone)


def test_signing_out_everywhere_ends_every_session(app: Flask, client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    phone = app.test_client()
    sign_in(client, person)
    sign_in(phone, person)
    page = submit(client, visit(client, "/equipe/profil"), form="deconnecter-partout")
    assert "Tous vos appareils sont déconnectés." in page.text
    assert not is_signed_in(client)
    assert not is_signed_in(phone)


def test_a_cookie_kept_from_before_signing_out_everywhere_is_dead(app: Flask, client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    sign_in(client, person)
    stolen = client.get_cookie("session")
    submit(client, visit(client, "/equipe/profil"), form="deconnecter-partout")
    thief = app.test_client()
    assert stolen is not None
    thief.set_cookie("session", stolen.value)
    assert not is_signed_in(thief)


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(app: Flask, client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    phone = app.test_client()
    sign_in(client, person)
    sign_in(phone, person)
    page = visit(client, "/equipe/profil/mot-de-passe")
    done = submit(client, page, current=make.PASSWORD, password="Pivoine-Verte-31")
    assert "Votre mot de passe est changé." in done.text
    assert is_signed_in(client)
    assert not is_signed_in(phone)
    sign_in(phone, person, password="Pivoine-Verte-31")
    assert is_signed_in(phone)


def test_the_current_password_is_asked_and_the_new_one_judged(client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    before = person.password_hash
    sign_in(client, person)
    page = visit(client, "/equipe/profil/mot-de-passe")
    wrong = submit(client, page, current=ELSEWHERE, password="Pivoine-Verte-31", status=400)
    assert "Ce mot de passe n’est pas le bon." in wrong.errors
    weak = submit(client, page, current=make.PASSWORD, password="Garnier-2027-Bob", status=400)
    assert any("ni votre nom" in error for error in weak.errors)
    assert person.password_hash == before


def test_a_session_lasts_twelve_hours(client: FlaskClient, freeze: Callable[[str], FrozenClock]) -> None:
    clock = freeze("2026-11-24T08:00Z")
    sign_in(client, make.adviser(make.cfa()))
    clock.tick(hours=11, minutes=59)
    assert is_signed_in(client)
    clock.tick(minutes=2)
    assert not is_signed_in(client)


def test_a_closed_account_is_out_at_the_next_click(client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    sign_in(client, person)
    with make.writing():
        person.active = False
    assert not is_signed_in(client)


def test_nothing_of_the_session_before_signing_in_remains(client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    visit(client, "/connexion")
    with client.session_transaction() as session:
        session["planted"] = "1"
        token = session["csrf_token"]
    sign_in(client, person)
    with client.session_transaction() as session:
        assert "planted" not in session
        assert session.get("csrf_token") != token


def test_the_cookie_is_kept_from_scripts_other_sites_and_plain_http(database_url: str, instance_dir: object) -> None:
    from rdv import create_app

    config = databases.settings(database_url, instance_dir)  # type: ignore[arg-type]
    app = create_app(dataclasses.replace(config, public_url="https://rdv.exemple.fr"))
    with app.app_context():
        cookie = app.test_client().get("/connexion", base_url="https://rdv.exemple.fr").headers["Set-Cookie"]
        db.session.remove()
        db.engine.dispose()
    assert cookie.startswith("__Host-session=")
    for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert flag in cookie
    assert "Domain" not in cookie


def test_staff_pages_are_not_stored(client: FlaskClient) -> None:
    sign_in(client, make.adviser(make.cfa()))
    for url in ("/connexion", "/equipe/profil", "/equipe/membres"):
        assert client.get(url).headers["Cache-Control"] == "no-store"


def test_public_pages_do_not_read_the_session(client: FlaskClient) -> None:
    sign_in(client, make.adviser(make.cfa()))
    answer = client.get("/sante")
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert "Set-Cookie" not in answer.headers


# Closed by default


def test_every_page_of_the_staff_asks_to_sign_in(app: Flask, client: FlaskClient) -> None:
    cfa = make.cfa()
    make.manager(cfa)
    walked = 0
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("staff.") or rule.endpoint in OPEN:
            continue
        url = rule.build(dict.fromkeys(rule.arguments, "inconnu"), append_unknown=False)
        assert url is not None
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            answer = client.open(url[1], method=method, data={"csrf_token": _csrf(client)}, headers=SAME_SITE)
            assert answer.status_code == 303, (rule.endpoint, method, answer.status_code)
            assert (answer.location or "").startswith("/connexion"), (rule.endpoint, method)
            walked += 1
    assert walked >= 25


def _csrf(client: FlaskClient) -> str:
    return visit(client, "/connexion").fields()["csrf_token"][0]


@pytest.mark.own_app
def test_a_view_added_without_a_word_is_closed(app: Flask) -> None:
    app.add_url_rule("/equipe/nouveau", "staff.brand_new", lambda: "secret")
    app.test_client_class = FlaskClient
    answer = app.test_client().get("/equipe/nouveau")
    assert answer.status_code == 303
    assert answer.location == "/connexion?next=/equipe/nouveau"


def test_open_endpoints_are_those_that_lead_to_a_session(app: Flask) -> None:
    assert set(OPEN) == {
        "staff.sign_in", "staff.forgotten", "staff.reset", "staff.accept_invitation", "staff.activate",
    }  # fmt: skip
    assert set(OPEN) | set(ANY_PERSON) <= set(app.view_functions)


def test_posts_need_the_token_of_the_session(client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    sign_in(client, person)
    assert client.post("/deconnexion", headers=SAME_SITE).status_code == 400
    assert client.post("/equipe/profil", data={"first_name": "Eve", "last_name": "Roux"}).status_code == 400
    assert person.first_name == "Bob"


# Several centres, or none


def test_who_works_for_several_centres_chooses_once(client: FlaskClient) -> None:
    north, south = make.cfa(name="CFA du Nord"), make.cfa(name="CFA du Sud")
    person = make.manager(north)
    _join(person, south, "adviser")
    page = arrive(client, person, "/connexion?next=/equipe/reglages")
    assert page.path == "/equipe/changer-de-centre"
    assert page.h1 == "Choisir un centre"
    page = submit(client, visit(client, page.url), form="CFA du Sud", button="Choisir")
    assert page.path == "/equipe/reglages"
    assert "CFA du Sud" in visit(client, "/equipe/membres").text
    assert "Inviter une personne" not in visit(client, "/equipe/membres").text, "adviser there"
    switch = visit(client, visit(client, "/equipe/membres").link("Changer de centre"))
    submit(client, switch, form="CFA du Nord", button="Choisir", checked=False)
    assert "Inviter une personne" in visit(client, "/equipe/membres").text, "manager here"


def test_a_link_of_another_of_ones_centres_leads_there(client: FlaskClient) -> None:
    """As mails and calendars of all one's centres hold them."""
    north, south = make.cfa(name="CFA du Nord"), make.cfa(name="CFA du Sud")
    make.site(north), make.site(south)
    person = make.manager(north)
    sign_in(client, person)
    asked = make.candidate_request(south, first_name="Zoé", last_name="Lambert")
    link = f"/equipe/demandes/{asked.public_id}"
    assert visit(client, link, status=404).links("Changer de centre") == [], "one centre: nowhere else to go"
    _join(person, south, "adviser")
    page = submit(client, visit(client, "/equipe/changer-de-centre"), form="CFA du Nord", button="Choisir")
    page = visit(client, link, status=404)
    assert "CFA du Nord" in page.text
    assert "Lambert" not in page.text
    switch = visit(client, page.link("Changer de centre"))
    page = submit(client, switch, form="CFA du Sud", button="Choisir", checked=False)
    assert page.path == link
    assert "Lambert" in page.text
    # An invented address reads the same, and an act is refused as before.
    assert "Changer de centre" in visit(client, "/equipe/demandes/invente", status=404).text


def test_one_cannot_choose_somebody_elses_centre(client: FlaskClient) -> None:
    mine, also_mine, other = make.cfa(), make.cfa(), make.cfa()
    person = make.manager(mine)
    _join(person, also_mine, "manager")
    sign_in(client, person)
    token = visit(client, "/equipe/changer-de-centre").fields(1)["csrf_token"]
    data = {"csrf_token": token, "cfa": other.public_id}
    assert client.post("/equipe/changer-de-centre", data=data, headers=SAME_SITE).status_code == 404
    with client.session_transaction() as session:
        session["cfa"] = other.public_id
    assert visit(client, "/equipe/membres", status=303).response.location.startswith("/equipe/changer-de-centre")


def test_who_has_no_centre_any_more_is_told_what_to_do(client: FlaskClient) -> None:
    person = make.user()
    page = arrive(client, person)
    assert page.h1 == "Aucun centre"
    page = visit(client, "/equipe/changer-de-centre")
    assert "Demandez à un responsable" in page.text
    assert person.email in page.text


def test_a_closed_centre_is_nobodys_any_more(client: FlaskClient) -> None:
    cfa = make.cfa()
    sign_in(client, make.manager(cfa))
    with make.writing():
        cfa.closed_at = cfa.created_at
    assert visit(client, "/equipe/membres", status=303).response.location.startswith("/equipe/changer-de-centre")


def _join(person: User, cfa: object, role: str) -> None:
    from rdv.models import Membership

    make.saved(Membership(user_id=person.id, cfa_id=cfa.id, role=role))  # type: ignore[attr-defined]


# Profile


def test_a_person_changes_their_names_and_phone(client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    sign_in(client, person)
    page = submit(
        client, visit(client, "/equipe/profil"), form=_profile_form(client), first_name="Zoé", last_name="Lê",
        phone="01 99 00 12 34",
    )  # fmt: skip
    assert "Votre profil est enregistré." in page.text
    assert (person.shown_name, person.phone) == ("Zoé Lê", "+33199001234")


def test_a_phone_that_cannot_be_called_is_refused_with_an_example(client: FlaskClient) -> None:
    person = make.adviser(make.cfa())
    sign_in(client, person)
    page = submit(
        client, visit(client, "/equipe/profil"), form=_profile_form(client), first_name="", phone="0800", status=400
    )
    assert any("Exemples" in error for error in page.errors)
    assert "Indiquez votre prénom." in page.errors
    assert person.first_name == "Bob"


def _profile_form(client: FlaskClient) -> int:
    forms = visit(client, "/equipe/profil").all("form")
    return next(i for i, form in enumerate(forms) if "Enregistrer" in form.text)
