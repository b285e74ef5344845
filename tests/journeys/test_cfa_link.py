"""A CFA without account answers by the link of its mail: nothing changes on opening, nothing is overwritten."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rdv import clock, inbox, links, mailer, outcomes
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.models import OutgoingMail
from tests import make
from tests.support.pages import submit, visit
from tests.support.queries import queries

DAYS = 24 * 3600


@pytest.fixture
def cfa(app, freeze):
    freeze("2026-11-24T08:00Z")
    return make.cfa(activated_at=None, email="accueil@cfa-tilleuls.example")


def ask(cfa, mode="message", number=1, **changes):
    values = {"first_name": "Zoé", "last_name": "Lambert", "email": "zoe@courriel.example", "phone": "+33199000001"}
    person = Candidate(**{**values, "text": "Bonjour, quand venir\u00a0?", **changes})
    with transaction():
        return inbox.open_request(mode, cfa, person, Submission(f"{number:024d}", "d"), clock.now())


def path(request):
    return links.answer(request).removeprefix("http://localhost")


def mails(kind):
    return db.session.scalars(sa.select(OutgoingMail).filter_by(kind=kind)).all()


def writes(seen):
    return [statement for statement in seen if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))]


def test_the_link_shows_the_request_and_changes_nothing(client, cfa):
    request = ask(cfa)
    with queries() as seen:
        page = visit(client, path(request))
    for words in ("Zoé Lambert", "Bonjour, quand venir ?", "01 99 00 00 01", "zoe@courriel.example", request.reference):
        assert words in page.text
    assert "a…@cfa-tilleuls.example" in page.text
    assert writes(seen) == []
    assert (request.status, request.version) == ("new", request.version)
    assert "Set-Cookie" not in page.response.headers
    assert page.response.headers["Cache-Control"] == "no-store"
    assert "/activer/" in page.link("Activer notre espace")


def test_an_answer_is_mailed_and_shown_with_who_gave_it(client, cfa):
    request = ask(cfa)
    page = submit(client, visit(client, path(request)), form="Votre réponse", **{"answer-text": "Venez mercredi."})
    assert "C’est noté, merci" in page.text
    assert "Venez mercredi." in page.text
    assert "Le centre (a…@cfa-tilleuls.example)" in page.text
    assert "mardi 24 novembre à 9 h" in page.text
    assert (request.status, request.owner_id) == ("waiting_candidate", None)
    assert [mail.to_email for mail in mails("request_answered")] == ["zoe@courriel.example"]
    assert "Set-Cookie" not in page.response.headers


def test_a_second_answer_is_added_never_written_over(client, cfa):
    request = ask(cfa)
    page = submit(client, visit(client, path(request)), form="Votre réponse", **{"answer-text": "Venez mercredi."})
    page = submit(client, page, form="Votre réponse", **{"answer-text": "Plutôt jeudi."})
    assert "Venez mercredi." in page.text
    assert "Plutôt jeudi." in page.text
    assert len(mails("request_answered")) == 2


def test_a_double_click_answers_once_and_an_old_page_keeps_what_was_typed(client, cfa):
    request = ask(cfa)
    page = visit(client, path(request))
    for _ in range(2):
        submit(client, page, form="Votre réponse", **{"answer-text": "Venez mercredi."})
    assert len(mails("request_answered")) == 1
    late = submit(client, page, form="Votre réponse", status=409, **{"answer-text": "Venez jeudi."})
    assert "a été modifiée entre-temps" in late.text
    assert late.fields("Votre réponse")["answer-text"] == ["Venez jeudi."]
    assert len(mails("request_answered")) == 1


def test_a_call_is_noted_with_its_result(client, cfa):
    request = ask(cfa, mode="callback")
    page = visit(client, path(request))
    refused = submit(client, page, form="fait-form", status=400)
    assert any("Choisissez ce que vous avez fait" in error for error in refused.errors)
    page = submit(client, page, form="fait-form", outcome="pas-de-reponse")
    assert "Appel : pas de réponse" in page.text
    assert "Prochain appel prévu mardi 24 novembre à 11 h." in page.text
    assert (request.status, request.first_answered_at) == ("in_progress", None)
    assert [mail.to_email for mail in mails("call_missed")] == ["zoe@courriel.example"]
    page = submit(client, page, form="fait-form", outcome="joint", text="Vient mardi")
    assert request.status == "waiting_candidate"
    assert "Appel : j’ai parlé à la personne. Le centre (a…@cfa-tilleuls.example), depuis le courriel" in page.text
    assert "depuis le courriel," not in page.one(".rdv-thread").text  # from where: once
    assert "sur sa page" not in page.text  # a first request is written on no page of its own
    assert not page.all("#fait-form")  # what is answered is not written over
    assert mails("request_answered") == []


def test_the_hour_of_the_next_call_is_theirs_to_change_in_the_zone_of_the_place(client, cfa):
    make.site(cfa, timezone="Indian/Reunion", territory="RE", email=None)
    request = ask(cfa, mode="callback")
    page = visit(client, path(request) + "?resultat=message-vocal")
    assert "heure de La Réunion" in page.text
    assert page.fields("fait-form")["again_time"] == ["14:00"]  # two hours later there
    submit(client, page, form="fait-form", again_day="2026-11-25", again_time="08:30")
    assert request.next_attempt_at == clock.datetime.fromisoformat("2026-11-25T04:30Z")
    page = visit(client, path(request) + "?resultat=rappeler")
    for typed, said in (
        ({"later_day": "", "later_time": ""}, "Indiquez le jour"),
        ({"later_day": "2026-11-26", "later_time": ""}, "Indiquez l’heure"),
        ({"later_day": "demain", "later_time": "10:00"}, "Cette date n’est pas lisible"),
        ({"later_day": "2026-11-24", "later_time": "09:00"}, "Choisissez un moment à venir"),
        ({"later_day": "2027-11-24", "later_time": "09:00"}, "soixante prochains jours"),
    ):
        refused = submit(client, page, form="fait-form", status=400, **typed)
        assert any(said in error for error in refused.errors), (typed, refused.errors)
        if typed["later_day"]:
            assert refused.fields("fait-form")["later_day"] == [typed["later_day"]]
    due = request.due_at
    after = submit(client, page, form="fait-form", later_day="2026-12-02", later_time="10:00", text="Après son examen")
    assert request.next_attempt_at == clock.datetime.fromisoformat("2026-12-02T06:00Z")
    assert request.due_at > due  # the person asked for later: the promise follows
    assert "Après son examen" in after.text


def test_an_hour_that_the_clocks_skip_is_refused(client, cfa, freeze):
    freeze("2027-03-24T08:00Z")
    request = ask(cfa, mode="callback")
    page = visit(client, path(request) + "?resultat=rappeler")
    refused = submit(client, page, form="fait-form", status=400, later_day="2027-03-28", later_time="02:30")
    assert any("l’heure change" in error for error in refused.errors)


def test_each_link_of_the_mail_opens_its_choice_with_one_button(client, cfa):
    request = ask(cfa, mode="callback")
    expected = {
        "joint": ("call", "reached"), "message-vocal": ("call", "voicemail"), "pas-de-reponse": ("call", "no_answer"),
        "mauvais-numero": ("call", "wrong_number"), "autrement": ("answered_elsewhere", None),
        "rendez-vous": ("closed", "meeting_set"), "pas-pour-nous": ("closed", "not_for_us"),
    }  # fmt: skip
    row = mails("cfa_new_request")[0]
    offered = mailer.KINDS[row.kind].render(row).outcomes
    assert {address.split("=")[1] for _label, address in offered} == {*expected, "rappeler"}
    for address in (address for _label, address in offered if not address.endswith("rappeler")):
        word = address.split("=")[1]
        with transaction():
            request.status, request.outcome, request.first_answered_at = "new", None, None
        page = visit(client, address.removeprefix("http://localhost"))
        assert outcomes.OUTCOMES[word].label in page.text
        assert not page.all("#fait-form [type=radio]")
        assert [node.text for node in page.all("#fait-form button")] == ["Enregistrer"]
        submit(client, page, form="fait-form")
        last = request.events[-1]
        kind, value = expected[word]
        assert (last.kind, last.data.get("result") or last.data.get("outcome")) == (kind, value), word
        assert (last.actor, last.user_id) == ("cfa_link", None)
    assert [mail.to_email for mail in mails("request_closed")] == ["zoe@courriel.example"]  # not for us: they are told
    odd = visit(client, path(request) + "?resultat=quoi")
    assert odd.status == 200


def test_a_request_that_is_not_for_this_centre_is_filed_once_and_nothing_is_written_over(client, cfa):
    request = ask(cfa)
    page = visit(client, path(request) + "?resultat=pas-pour-nous")
    done = submit(client, page, form="fait-form")
    assert (request.status, request.outcome) == ("closed", "not_for_us")
    assert "C’est noté, merci" in done.text
    submit(client, page, form="fait-form")  # a second click finds it done
    other = visit(client, path(request) + "?resultat=joint")
    assert "Cette demande a déjà sa réponse" in other.text
    assert (
        "Terminée : ne nous concerne pas. Le centre (a…@cfa-tilleuls.example), depuis le courriel, mardi 24 novembre à 9 h"
        in other.text
    )
    assert "Votre lien n’a rien changé." in other.text
    assert not other.all("main form")
    # A form from before, kept open: said, nothing changed.
    token = page.fields("fait-form")["form_token"][0]
    for action, fields in (("outcome", {"outcome": "joint"}), ("answer", {"answer-text": "Venez."})):
        sent = {"form_token": token, "action": action, "version": str(request.version), **fields}
        assert client.post(path(request), data=sent).status_code == 409
    assert [event.kind for event in request.events] == ["created", "closed"]


def test_the_second_of_two_people_is_told_and_loses_nothing(client, app, cfa):
    with transaction():
        cfa.activated_at = clock.now()
    adviser = make.adviser(cfa, first_name="Bob", last_name="Garnier")
    request = ask(cfa, mode="callback")
    mine, theirs = (
        links.outcome(request, "joint", to).removeprefix("http://localhost") for to in (adviser.email, None)
    )
    first, second = visit(client, mine), visit(client, theirs)
    shown = visit(client, links.outcome(request, "pas-de-reponse").removeprefix("http://localhost"))
    done = submit(client, first, form="fait-form", text="Vient mardi")
    assert "Bob Garnier, depuis le courriel" in done.text
    assert (request.owner_id, request.events[-1].user_id) == (adviser.id, adviser.id)
    late = submit(client, second, form="fait-form", status=409, text="Intéressée")
    assert "Cette demande a déjà sa réponse" in late.text
    assert "Ce que vous venez d’envoyer n’a rien changé." in late.text
    assert "Intéressée" in late.one("[role=alert]").text
    assert "Bob Garnier" in late.text
    for told in (late, submit(client, shown, form="fait-form", status=409)):
        assert (told.errors, len(told.all("[role=alert]"))) == ([], 1)  # said once, with nothing left to correct
    assert submit(client, first, form="fait-form", text="Vient mardi").text  # the first one's double click
    assert [event.kind for event in request.events] == ["created", "call"]
    # Woken by the person, it can be answered again, by the same links.
    with transaction():
        inbox.add_candidate_note(request, "Quel jour déjà ?", clock.now())
    page = visit(client, theirs)
    assert "Quel jour déjà ?" in page.text
    submit(client, page, form="fait-form")
    assert request.status == "waiting_candidate"


def test_without_address_the_page_offers_the_phone_alone(client, cfa):
    page = visit(client, path(ask(cfa, email=None)))
    assert "Votre réponse" not in page.text
    assert "tel:+33199000001" in page.links("Appeler")


def test_a_colleagues_answer_shows_and_their_notes_do_not(client, cfa):
    request = ask(cfa)
    adviser = make.adviser(cfa, first_name="Bob", last_name="Garnier")
    with transaction():
        inbox.answer(request, "Déjà répondu.", "staff", clock.now(), user=adviser)
        inbox.note(request, "Dossier sensible", clock.now(), user=adviser)
    with transaction():
        cfa.activated_at = clock.now()
    page = visit(client, path(request))
    assert "Déjà répondu." in page.text
    assert "Bob Garnier" in page.text
    assert "Dossier sensible" not in page.text
    assert not page.links("Activer notre espace")
    assert page.link("se connecter").endswith("/connexion")


def refused(client, address):
    """The link opens nothing and writes nothing, shown or posted."""
    page = visit(client, address, status=404)
    assert "Zoé" not in page.text
    assert "Set-Cookie" not in page.response.headers
    for tail in ("?resultat=joint", ""):
        posted = client.post(address + tail, data={"action": "outcome", "outcome": "joint", "version": "1"})
        assert posted.status_code == 404
        assert "Zoé" not in posted.text
    return page


def test_a_link_opens_one_request_for_one_recipient_as_long_as_they_are_one(client, cfa, freeze):
    """Every way in which a signed link must not work, with the address of the centre and that of a member."""
    other = make.cfa()
    member, outsider = make.adviser(cfa), make.adviser(other)
    request, second = ask(cfa), ask(cfa, number=2, first_name="Léa")
    mine, members = path(request), links.answer(request, member.email).removeprefix("http://localhost")
    form = visit(client, mine).fields("fait-form")
    visit(client, members)

    refused(client, "/demande/inconnu")
    refused(client, mine[:-3])
    refused(client, mine.replace("/demande/", "/demande/x"))
    refused(client, links.personal(request).replace("http://localhost/suivi/", "/demande/"))  # the candidate's
    refused(client, links.answer(request, outsider.email).removeprefix("http://localhost"))  # of another centre
    refused(client, links.answer(request, "zoe@courriel.example").removeprefix("http://localhost"))
    # The form of one request does not act on another, whose link is good.
    sent = {**{name: values[0] for name, values in form.items()}, "outcome": "joint", "version": str(second.version)}
    assert client.post(path(second), data=sent).status_code == 400
    assert [event.kind for event in second.events] == ["created"]
    # The member leaves, or their account is closed: their link dies, the address's lives.
    with transaction():
        member.memberships[0].ended_at = clock.now()
    gone = refused(client, members)
    assert not gone.all("form")
    visit(client, mine)
    with transaction():
        member.memberships[0].ended_at, member.active = None, False
    refused(client, members)
    with transaction():
        member.active = True
    visit(client, members)
    # Sixty days, not one second more; then the same address may have a fresh one, and no other.
    frozen = freeze("2026-11-24T08:00Z")
    frozen.tick(seconds=60 * DAYS)
    visit(client, mine)
    frozen.tick(seconds=1)
    page = refused(client, mine)
    assert "a…@cfa-tilleuls.example" in page.text
    for _ in range(2):
        sent_page = submit(client, page, button="Renvoyer le lien")
        assert "Un nouveau lien est envoyé" in sent_page.text
    submit(client, refused(client, members), button="Renvoyer le lien")
    rows = mails("cfa_link_again")
    assert [row.to_email for row in rows] == ["accueil@cfa-tilleuls.example", member.email]
    for row, user in zip(rows, (None, member), strict=True):
        fresh = mailer.KINDS[row.kind].render(row)
        assert mailer.KINDS[row.kind].still_due(row, clock.now())
        assert row.user_id == (user.id if user else None)
        visit(client, fresh.button[1].removeprefix("http://localhost"))
    again = links.answer(request).removeprefix("http://localhost")
    with transaction():
        member.memberships[0].ended_at = clock.now()
    assert not mailer.KINDS["cfa_link_again"].still_due(rows[1], clock.now())
    # Revoked: every link falls; the address that changed never has another.
    with transaction():
        inbox.revoke_links(request, make.manager(cfa))
    assert refused(client, again).all("form")
    revoked = refused(client, fresh.button[1].removeprefix("http://localhost"))
    assert not revoked.all("form")  # of who left
    assert refused(client, mine).all("form")
    with transaction():
        request.recipient_email = "autre@cfa-tilleuls.example"
    assert not refused(client, mine).all("form")
    posted = client.post(mine + "/renvoyer", data={"form_token": page.fields()["form_token"][0]})
    assert posted.status_code == 404
    with transaction():
        request.recipient_email = "accueil@cfa-tilleuls.example"
        inbox.close(request, "answered", "staff", clock.now())
    assert not refused(client, mine).all("form")
    assert len(mails("cfa_link_again")) == 2
    assert [event.kind for event in request.events] == ["created", "closed"]


def test_a_form_too_old_forged_or_from_elsewhere_is_shown_again_as_typed(client, cfa, freeze):
    frozen = freeze("2026-11-24T08:00Z")
    request = ask(cfa)
    page = visit(client, path(request))
    typed = {"answer-text": "Venez mercredi."}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        again = submit(client, page, form="Votre réponse", status=400, headers=headers, **typed)
        assert again.fields("Votre réponse")["answer-text"] == ["Venez mercredi."]
    submit(client, page, form="Votre réponse", status=400, form_token="faux", **typed)
    submit(client, page, form="Votre réponse", status=400, site_web="https://robot.example", **typed)
    frozen.tick(hours=5)
    again = submit(client, page, form="Votre réponse", status=400, **typed)
    assert "resté ouvert trop longtemps" in again.text
    assert mails("request_answered") == []
    submit(client, again, form="Votre réponse")
    assert len(mails("request_answered")) == 1


def test_failed_links_are_counted(client, cfa, change_settings):
    change_settings(limit_failed_secrets=2)
    for _ in range(2):
        visit(client, "/demande/inconnu", status=404)
    visit(client, "/demande/inconnu", status=429)


def test_the_link_of_a_centre_that_was_closed_shows_nobody_any_more(client, cfa):
    request = ask(cfa)
    with transaction():
        cfa.closed_at = clock.now()
    page = visit(client, path(request), status=404)
    assert "Zoé" not in page.text
