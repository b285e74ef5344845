"""What refuses, whatever goes wrong: our own French, no token in the log, the promise to a candidate kept."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
from sqlalchemy.exc import OperationalError

from rdv import clock, inbox, links
from rdv.db import transaction
from rdv.errors import WrongTransition
from tests import make
from tests.support.pages import sign_in, visit

CHOOSE = "Choisissez une valeur de la liste."


@pytest.fixture
def log(app) -> Iterator[io.StringIO]:
    """What the application writes in its log, as lines of JSON."""
    told = io.StringIO()
    handler = logging.StreamHandler(told)
    handler.setFormatter(app.logger.handlers[0].formatter)
    app.logger.addHandler(handler)
    yield told
    app.logger.removeHandler(handler)


@pytest.fixture
def shows_failures(app) -> None:
    """Failures become pages, as in production, instead of failing the test."""
    app.config["SHOW_FAILURES"] = True
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.testing = False


def wrong_link(request) -> str:
    token = links.personal_token(request)
    with transaction():
        request.link_version += 1  # revoked: nobody's mistake, and still a true token
    return f"/suivi/{token}"


def test_a_choice_that_was_not_offered_is_refused_in_our_words(client, app):
    cfa = make.cfa()
    path = f"/cfa/{cfa.public_id}/etre-rappele"
    token = visit(client, path).one("input[name=form_token]").get("value")
    fields = {"form_token": token, "first_name": "Zoé", "last_name": "Lambert", "phone": "0199000001"}
    for field in ("asker", "reasons", "windows"):
        answer = client.post(path, data={**fields, field: "xyz-inconnu"})
        words = answer.get_data(as_text=True)
        assert (answer.status_code, CHOOSE in words) == (422, True), field
        assert "autre</b>" not in words
        assert "&lt;b&gt;" not in words


def test_a_choice_that_was_not_offered_to_staff_is_refused_in_the_same_words(client, app):
    cfa = make.cfa()
    manager, adviser = make.manager(cfa), make.adviser(cfa)
    sign_in(client, manager)
    for path, field in (
        ("/equipe/reglages/centre", "answer_days"),
        ("/equipe/reglages/centre", "modes"),
        (f"/equipe/membres/{adviser.public_id}", "role"),
        ("/equipe/calendriers", "detail"),
    ):
        page = visit(client, path)
        fields = {"csrf_token": page.all("input[name=csrf_token]")[0].get("value")} | {field: "xyz-inconnu"}
        answer = client.post(path, data=fields)
        words = answer.get_data(as_text=True)
        assert (answer.status_code, CHOOSE in words) == (400, True), field
        assert "xyz-inconnu" not in words


@pytest.mark.parametrize("failure", [RuntimeError("zoe@courriel.example"), OperationalError("SELECT", {}, Exception())])
def test_an_error_page_that_fails_tells_no_token(client, log, shows_failures, monkeypatch, failure):
    path = wrong_link(make.candidate_request(make.cfa()))

    def fail(*_args: object) -> None:
        raise failure

    monkeypatch.setattr("rdv.web.public.personal.way_out", fail)
    page = visit(client, path, status=503 if isinstance(failure, OperationalError) else 500)
    told = log.getvalue()
    reference = told.split('"reference": "')[1][:8]
    assert reference in page.text
    assert type(failure).__name__ in told
    assert path.removeprefix("/suivi/")[:30] not in told
    assert "zoe@" not in told


def test_a_busy_database_does_not_hide_the_way_out_of_a_wrong_link(client, app, monkeypatch):
    path = wrong_link(make.candidate_request(make.cfa()))

    def busy(*_args: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    monkeypatch.setattr("rdv.web.forms.count", busy)
    assert visit(client, path, status=404).link("Recevoir à nouveau mon lien")


@pytest.mark.parametrize("status", ["new", "in_progress", "waiting_candidate"])
def test_reopening_what_is_open_does_not_move_the_promised_date(app, freeze, status):
    time = freeze("2026-11-24T08:00Z")
    cfa = make.cfa()
    request, person = make.candidate_request(cfa, status=status), make.adviser(cfa)
    promised = request.due_at
    time.tick(hours=30)
    with pytest.raises(WrongTransition), transaction():
        inbox.reopen(request, "staff", clock.now(), user=person)
    assert (request.due_at, request.status) == (promised, status)


def test_an_odd_address_writes_to_nobody_else(client, app):
    """« zoe?bcc=… » is a legal local part, and a recipient more in a `mailto:` link."""
    cfa = make.cfa()
    email = "zoe?bcc=eve%40autre.example@courriel.example"
    slot = make.slot(make.adviser(cfa), make.site(cfa))
    request = make.booking(slot, request={"email": email}).request
    sign_in(client, make.manager(cfa))
    for path in (f"/equipe/demandes/{request.public_id}", f"/equipe/creneaux/{slot.public_id}"):
        page = visit(client, path, quoted=[email])
        links_to = [address for address in page.links(email) if address.startswith("mailto:")]
        assert links_to == ["mailto:zoe%3Fbcc%3Deve%2540autre.example@courriel.example"], path
