"""Another centre may answer instead: asked on the person's page, passed on by their yes, and the page stays theirs."""

from __future__ import annotations

import pytest

from rdv import clock, inbox, links, redirecting
from rdv.candidate import Candidate, Submission
from rdv.db import transaction
from rdv.redirecting import Target
from tests import make
from tests.support.pages import submit, visit
from tests.support.queries import queries


@pytest.fixture
def story(app, freeze):
    """A mother asks for her daughter; the centre proposes another."""
    freeze("2026-11-24T08:00Z")
    cfa = make.cfa(name="CFA d’ici")
    other = make.cfa(name="CFA de là-bas")
    make.site(other, name="Atelier", city="Douai")
    person = Candidate(
        "Zoé", "Lambert", "zoe@courriel.example", "+33199000001", "parent", ["frais"], "Elle est timide.",
        asker_first_name="Marie", asker_email="marie@courriel.example",
    )  # fmt: skip
    with transaction():
        request = inbox.open_request("message", cfa, person, Submission("1" * 24, "d"), clock.now())
        redirecting.ask(
            request, Target(other), "staff", clock.now(), user=make.adviser(cfa), text="Il nous manque une place."
        )
    return request, other


def path(address):
    return address.removeprefix("http://localhost")


def test_what_would_be_passed_on_is_seen_first_and_yes_keeps_the_page(client, story):
    request, other = story
    mine, mother = (path(links.redirect(request, to)) for to in (None, "marie@courriel.example"))
    with queries() as seen:
        page = visit(client, mine)
    assert not [each for each in seen if each.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))]
    for words in (
        "CFA de là-bas",
        "Atelier",
        "zoe@courriel.example",
        "01 99 00 00 01",
        "Celles de Marie",
        "Il nous manque une place.",
    ):
        assert words in page.text, words
    for words in ("Elle est timide.", "marie@courriel.example"):
        assert words not in page.text  # the mother's own
    hers = visit(client, mother)
    assert "Elle est timide." in hers.text
    assert "zoe@courriel.example" not in hers.text
    former = path(links.personal(request))
    assert "Votre centre attend votre accord" in visit(client, former).text
    for answer in ("Oui, transmettre", "Oui, transmettre"):  # a second click finds it done
        after = submit(client, page, button=answer)
        assert after.path == former
    made = redirecting.continued(request)
    assert "CFA de là-bas" in after.text
    assert made.reference in after.text
    assert request.reference not in after.text
    assert "Demande transmise par CFA d’ici" in after.text
    assert "Il nous manque une place." not in visit(client, former).text  # between centres
    # The links of the mail that told them, and the mother's former one, lead there too; the short one as well.
    for address in (
        links.personal(made),
        links.personal(request, "marie@courriel.example"),
        links.short(request, "+33199000001"),
    ):
        shown = client.get(path(address), follow_redirects=True)
        assert made.reference in shown.text
    # Nobody else: a contact the new request does not hold stays on the former page, and a revoked one opens nothing.
    with transaction():
        made.asker_email = "autre@courriel.example"
    stays = visit(client, path(links.personal(request, "marie@courriel.example")))
    assert "transmise à un autre centre" in stays.text
    assert made.reference not in stays.text
    with transaction():
        inbox.revoke_links(made, make.manager(other))
    visit(client, former, status=404)


def test_no_keeps_the_request_and_an_older_question_answers_nothing(client, story):
    request, _other = story
    page = visit(client, path(links.redirect(request)))
    with transaction():
        redirecting.ask(
            request, Target(make.cfa(name="CFA d’ailleurs")), "staff", clock.now(), user=make.adviser(request.cfa)
        )
    again = submit(client, page, button="Oui, transmettre", status=400)
    assert "CFA d’ailleurs" in again.text
    assert redirecting.continued(request) is None
    after = submit(client, again, button="Non, garder")
    assert "Non, je préfère que ma demande reste dans votre centre." in after.text
    assert "attend votre accord" not in after.text
    assert redirecting.pending(request) is None
    assert request.status == "new"
    submit(client, again, button="Non, garder")
    assert visit(client, path(links.redirect(request)), status=303).path
