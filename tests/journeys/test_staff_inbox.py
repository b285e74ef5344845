"""The inbox: found, filtered, paged; and one request answered, called, noted, given away, closed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from rdv import clock, inbox
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.models import CandidateRequest, OutgoingMail
from tests import make
from tests.support.pages import sign_in, submit, visit
from tests.support.queries import queries

URL = "/equipe/demandes"


@pytest.fixture
def cfa(app, freeze):
    freeze("2026-11-24T08:00Z")
    return make.cfa()


@pytest.fixture
def adviser(cfa, client):
    person = make.adviser(cfa, first_name="Bob", last_name="Garnier")
    sign_in(client, person)
    return person


def ask(cfa, mode="message", number=1, training=None, **changes):
    values = {
        "first_name": "Zoé", "last_name": "Lambert", "email": "zoe@courriel.example", "phone": "+33199000001",
        "asker": "parent", "reasons": ["place", "frais"], "text": "Reste-t-il des places\u00a0?",
    }  # fmt: skip
    person = Candidate(**{**values, **changes})
    windows = ["soir"] if mode == "callback" else None
    with transaction():
        return inbox.open_request(
            mode,
            cfa,
            person,
            Submission(f"{number:024d}", "d"),
            clock.now(),
            training=training,
            callback_windows=windows,
        )


def names(page):
    return [node.text for node in page.all(".rdv-row__name")]


def mails(kind):
    return db.session.scalars(sa.select(OutgoingMail).filter_by(kind=kind)).all()


def open_page(client, request):
    return visit(client, f"{URL}/{request.public_id}")


# -- the list ---------------------------------------------------------------------------------------------------------


def test_requests_stand_oldest_due_first_with_words_for_what_is_late(client, cfa, adviser):
    now = clock.now()
    make.candidate_request(cfa, last_name="Bravo", due_at=now + timedelta(hours=3))
    make.candidate_request(cfa, last_name="Alpha", due_at=now - timedelta(days=2, hours=1))
    make.candidate_request(cfa, last_name="Charlie", due_at=now + timedelta(days=1))
    make.candidate_request(cfa, last_name="Delta", due_at=now + timedelta(days=3))
    make.candidate_request(cfa, last_name="Closed", status="closed", outcome="answered")
    make.candidate_request(make.cfa(), last_name="Autre")
    page = visit(client, URL)
    assert names(page) == ["Zoé Alpha", "Zoé Bravo", "Zoé Charlie", "Zoé Delta"]
    dues = [node.text for node in page.all(".rdv-due")]
    assert dues == ["En retard de 2 jours", "Avant 12 h aujourd’hui", "Avant demain 9 h", "Avant ven. 27 nov., 9 h"]
    assert "À traiter (4)" in page.text
    assert "En retard (1)" in page.text


def last_names(page):
    return [name.removeprefix("Zoé ") for name in names(page)]


def test_filters_stand_in_the_address_combine_and_are_removed_one_by_one(client, cfa, adviser):
    site, training = make.site(cfa, name="Campus Nord"), make.training(cfa, title="CAP Cuisine")
    colleague = make.adviser(cfa, first_name="Dora", last_name="Petit")
    now = clock.now()
    make.candidate_request(
        cfa, last_name="Alpha", mode="message", site_id=site.id, due_at=now - timedelta(hours=2), reasons=["frais"],
        platform_id=make.platform().id, created_at=now - timedelta(days=3),
    )  # fmt: skip
    make.candidate_request(
        cfa, last_name="Bravo", owner_id=adviser.id, callback_windows=["matin"], training_id=training.id
    )
    make.candidate_request(cfa, last_name="Charlie", status="waiting_candidate", created_at=now - timedelta(days=1))
    make.booking(make.slot(adviser, site), request={"last_name": "Delta", "created_at": now - timedelta(days=2)})
    make.candidate_request(
        cfa, last_name="Echo", status="in_progress", due_at=now + timedelta(hours=5), owner_id=colleague.id,
        next_attempt_at=now + timedelta(hours=3),
    )  # fmt: skip

    def found(query):
        return last_names(visit(client, f"{URL}?{query}"))

    assert found("") == ["Alpha", "Echo", "Bravo"]
    assert found("etat=toutes") == ["Echo", "Bravo", "Charlie", "Delta", "Alpha"], "newest first"
    assert found("etat=en-attente") == ["Charlie"]
    assert found("etat=nouvelles") == ["Alpha", "Bravo"]
    assert found("etat=terminees&mode=rendez-vous") == ["Delta"]
    assert found("mode=message") == found("retard=1") == found(f"site={site.public_id}") == ["Alpha"]
    assert found("sujet=frais") == found("origine=lba") == found("au=2026-11-21") == ["Alpha"]
    assert found("suivi=moi") == found(f"formation={training.public_id}") == found("joignable=1") == ["Bravo"]
    assert found("suivi=personne") == ["Alpha"]
    assert found(f"suivi={colleague.public_id}") == found("jour=1") == found("appels=jour") == ["Echo"]
    assert found("appels=prevus&mode=rappel") == ["Echo"]
    assert found("du=2026-11-24&origine=cfa") == ["Echo", "Bravo"]
    assert found("tri=joignable") == ["Bravo", "Alpha", "Echo"]
    nonsense = (
        "etat=quoi&mode=quoi&site=quoi&suivi=quoi&apres=quoi&avant=quoi&formation=1&origine=1&du=hier&au=0001-01-01"
    )
    assert found(nonsense) == found("")
    far_past = (
        "MCAwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIGFiYyAwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAw"  # 0001-01-01T00:00:00+14:00
    )
    assert found(f"apres={far_past}") == found("")
    page = submit(client, visit(client, URL), form="Lieu", mode="message", suivi="moi", sujet="frais")
    assert "Aucune demande avec ces filtres" in page.text
    assert last_names(visit(client, page.link("Enlever les filtres"))) == ["Alpha", "Echo", "Bravo"]
    page = visit(client, page.link("Enlever le filtre Message×"))
    page = visit(client, page.link("Enlever le filtre Frais d’inscription×"))
    assert last_names(page) == ["Bravo"], "my own are still asked for"


def test_every_number_is_that_of_the_list_it_leads_to_and_keeps_the_filters(client, cfa, adviser):
    now = clock.now()
    for hours, more in (
        (-30, {}), (-2, {"owner_id": adviser.id}), (3, {"callback_windows": ["matin"]}), (5, {"mode": "message"}),
        (40, {"status": "in_progress", "next_attempt_at": now + timedelta(hours=2)}),
        (60, {"status": "waiting_candidate"}), (50, {"owner_id": adviser.id, "callback_windows": ["matin"]}),
    ):  # fmt: skip
        make.candidate_request(cfa, due_at=now + timedelta(hours=hours), **more)

    def check(page, labels):
        shown = {}
        for tag in page.all("a"):
            number = re.search(r"^(.*?) \((\d+)\)$", tag.text)
            if number and tag.get("href").startswith(URL):
                shown[number[1]] = int(number[2])
                assert len(names(visit(client, tag.get("href")))) == int(number[2]), tag.text
        assert set(labels) <= set(shown), shown
        return shown

    labels = [
        "À traiter",
        "En attente du candidat",
        "En retard",
        "Attendues aujourd’hui",
        "Appels prévus aujourd’hui",
        "Joignables maintenant",
    ]
    assert list(check(visit(client, URL), labels).values()) == [6, 1, 2, 2, 1, 2]
    assert check(visit(client, f"{URL}?mode=rappel&retard=1"), ["À traiter"])["À traiter"] == 5
    assert check(visit(client, f"{URL}?suivi=moi"), ["En retard"])["En retard"] == 1
    # The first screen: the same numbers, as big links.
    make.candidate_request(make.cfa())
    for address in ("/equipe", "/equipe?suivi=moi", "/equipe?suivi=personne"):
        page = visit(client, address)
        counted = [link for link in page.all("a.rdv-counter") if link.get("href").startswith(URL)]
        assert len(counted) >= 4
        for link in counted:
            number = int(link.one(".rdv-counter__value").text)
            assert len(names(visit(client, link.get("href")))) == number, link.text
    assert "À traiter (6, dont 2 en retard)" in visit(client, "/equipe").text
    assert "À traiter (2, dont 1 en retard)" in visit(client, "/equipe?suivi=moi").text


def test_who_has_places_of_their_own_begins_with_them_and_hides_nothing(client, cfa, freeze):
    nord, sud = make.site(cfa, name="Campus Nord"), make.site(cfa, name="Campus Sud")
    sign_in(client, make.adviser(cfa, nord, first_name="Bob", last_name="Garnier"))
    for name, site in (("Alpha", nord), ("Bravo", sud), ("Charlie", None)):
        make.candidate_request(cfa, last_name=name, site_id=site and site.id)
    page = visit(client, URL)
    assert sorted(last_names(page)) == ["Alpha", "Charlie"]
    assert next(tag.text for tag in page.all("a.fr-tag[aria-current]")) == "Mon équipe"
    assert len(names(visit(client, page.link("Tout le centre")))) == 3
    alone = visit(client, page.link("Sans personne"))
    assert sorted(last_names(alone)) == ["Alpha", "Charlie"]
    assert len(names(visit(client, alone.link("Enlever le filtre Mes lieux×")))) == 3
    first = visit(client, "/equipe")
    assert "À traiter (2)" in first.text
    assert "À traiter (3)" in visit(client, f"{first.links('Tout le centre')[0]}").text
    with transaction():
        db.session.execute(sa.delete(CandidateRequest).where(CandidateRequest.site_id.is_distinct_from(sud.id)))
    empty = visit(client, URL)
    assert "Rien en attente" in empty.text
    assert len(names(visit(client, empty.link("voir tout le centre")))) == 1


def test_pages_follow_each_other_forward_and_back_and_hide_internal_identifiers(client, cfa, adviser):
    now = clock.now()
    with transaction():
        for number in range(65):
            make.candidate_request(
                cfa, last_name=f"N{number:02d}", due_at=now + timedelta(hours=1 + number // 4), mode="message"
            )
    page, walked = visit(client, f"{URL}?mode=message"), []
    for _ in range(2):
        walked.append(names(page))
        address = page.link("Page suivante")
        assert "mode=message" in address
        assert not re.search(r"\d+(&|$)", address.split("apres=")[0]), address
        page = visit(client, address)
    walked.append(names(page))
    assert [name for names_ in walked for name in names_] == [f"Zoé N{number:02d}" for number in range(65)]
    assert not page.links("Page suivante")
    page = visit(client, page.link("Page précédente"))
    assert names(page) == walked[1]
    # An act keeps the page and the filters.
    page = submit(client, page, form="lot", button="Prendre la demande de Zoé N31")
    assert "Vous suivez la demande de Zoé N31." in page.text
    assert names(page) == walked[1]
    page = visit(client, page.link("Page précédente"))
    assert names(page) == walked[0]
    assert not page.links("Page précédente")


def test_a_page_of_thirty_asks_no_more_queries_than_a_page_of_one(client, cfa, adviser):
    def fill(count):
        with transaction():
            for _ in range(count):
                site = make.site(cfa)
                make.candidate_request(
                    cfa, site_id=site.id, training_id=make.training(cfa, site).id, owner_id=adviser.id
                )

    fill(1)
    with queries() as one:
        visit(client, URL)
    fill(29)
    with queries() as thirty:
        page = visit(client, URL)
    assert len(page.all(".rdv-row")) == 30
    assert len(one) == len(thirty) <= 11, thirty


def test_a_person_is_looked_for_without_leaving_their_name_in_an_address(client, cfa, adviser):
    request = ask(cfa)
    with transaction():
        inbox.close(request, "answered", "staff", clock.now(), user=adviser)
    page = visit(client, URL)
    for typed in ("lambert", "06 12", "01 99 00 00 01", request.reference):
        found = submit(client, page, form="Nom, téléphone", text=typed)
        assert found.url == URL
        assert names(found) == ([] if typed == "06 12" else ["Zoé Lambert"]), typed
    assert "Aucune demande trouvée" in submit(client, page, form="Nom, téléphone", text="inconnu").text
    with transaction():
        for number in range(31):
            make.candidate_request(
                cfa, last_name=f"Martin {number}", search_text=f"zoe martin {number}", mode="message"
            )
    # Pages of what is searched are posted too: no name in an address.
    first = submit(client, page, form="Nom, téléphone", text="martin")
    assert len(names(first)) == 30
    second = submit(client, first, form="pages", button="Page suivante")
    assert len(names(second)) == 1
    assert (second.url, len(names(submit(client, second, form="pages", button="Page précédente")))) == (URL, 30)
    done = submit(client, second, form="lot", button="Prendre")
    assert "Vous suivez la demande de Zoé Martin" in done.text
    assert done.url == "/equipe/demandes/lot", "what was searched stands in no address"
    empty = submit(client, page, form="Nom, téléphone", text="", status=400)
    assert any("par exemple KTR-B48-26X" in error for error in empty.errors)


@pytest.mark.parametrize(
    "path",
    [
        "/equipe/demandes/a%00b",
        "/equipe/creneaux/%00",
        "/equipe/rendez-vous/%00",
        "/cfa/a%00b",
        "/demande/%00",
        "/equipe/agenda?site=%00",
    ],
)
def test_an_address_that_no_database_can_read_is_not_found(client, adviser, path):
    visit(client, path, status=404)


def test_an_empty_inbox_says_so_and_offers_the_public_page(client, cfa, adviser):
    page = visit(client, URL)
    assert "Rien en attente" in page.text
    assert page.link("Voir votre page publique").endswith(f"/cfa/{cfa.public_id}")


# -- one request ------------------------------------------------------------------------------------------------------


def test_the_page_shows_who_asks_what_and_how_to_reach_them(client, cfa, adviser):
    site = make.site(cfa, name="Campus Nord")
    request = ask(cfa, mode="callback", training=make.training(cfa, site, title="CAP Cuisine"))
    other = ask(cfa, number=2, email="autre@courriel.example", text=None)
    page = open_page(client, request)
    for words in (
        "Zoé Lambert", "Un parent ou représentant légal", "CAP Cuisine", "Campus Nord", "Places disponibles",
        "Frais d’inscription", "Reste-t-il des places ?", "En fin de journée", request.reference, "Avant jeu. 26 nov., 17 h",
    ):  # fmt: skip
        assert words in page.text, words
    assert "tel:+33199000001" in page.links("01 99 00 00 01")
    assert page.links("zoe@courriel.example") == ["mailto:zoe@courriel.example"]
    assert f"{URL}/{other.public_id}" in page.links("Zoé Lambert")
    assert request.status == "new"  # reading is not answering


def test_an_answer_is_mailed_shown_and_counts(client, cfa, adviser):
    request = ask(cfa)
    page = submit(
        client,
        open_page(client, request),
        form="ecrire-form",
        button="Envoyer la réponse",
        **{"answer-text": "Oui, venez mercredi."},
    )
    assert "Réponse envoyée à Zoé Lambert." in page.text
    assert "Oui, venez mercredi." in page.text
    assert "Bob Garnier" in page.text
    assert (request.status, request.owner_id) == ("waiting_candidate", adviser.id)
    assert [mail.to_email for mail in mails("request_answered")] == ["zoe@courriel.example"]
    assert names(visit(client, URL)) == []


def test_a_double_click_or_an_old_page_is_told_and_keeps_what_was_typed(client, cfa, adviser):
    request = ask(cfa)
    page = open_page(client, request)
    assert "Insérer" not in page.text  # nothing to insert yet
    assert page.link("Créer des réponses types") == "/equipe/reponses-types"
    submit(client, page, form="ecrire-form", button="Envoyer la réponse", **{"answer-text": "Oui."})
    again = submit(
        client, page, form="ecrire-form", button="Envoyer la réponse", status=409, **{"answer-text": "Oui, et venez."}
    )
    assert "Cette demande a changé pendant que vous écriviez" in again.text
    assert again.fields("ecrire-form")["answer-text"] == ["Oui, et venez."]
    assert len(mails("request_answered")) == 1
    submit(client, again, form="ecrire-form", button="Envoyer la réponse")
    assert len(mails("request_answered")) == 2


def test_an_empty_answer_a_call_without_result_and_an_empty_note_are_refused(client, cfa, adviser):
    request = ask(cfa)
    page = open_page(client, request)
    for form, button, said in (
        ("ecrire-form", "Envoyer la réponse", "Écrivez votre réponse avant de l’envoyer."),
        ("fait-form", None, "Choisissez ce que vous avez fait dans la liste."),
        ("note-form", None, "Écrivez votre note avant de l’enregistrer."),
    ):
        refused = submit(client, page, form=form, button=button, status=400)
        assert any(said in error for error in refused.errors), form
        assert refused.title.startswith("Erreur")
    long = submit(
        client, page, form="ecrire-form", button="Envoyer la réponse", status=400, **{"answer-text": "x" * 5001}
    )
    assert any("5000 caractères au plus" in error for error in long.errors)
    assert [event.kind for event in request.events] == ["created"]


def test_a_session_that_changed_meanwhile_keeps_what_was_typed(client, cfa, adviser):
    request = ask(cfa)
    page = open_page(client, request)
    typed = {"answer-text": "Oui, venez mercredi.", "csrf_token": "d’une autre session"}
    again = submit(client, page, form="ecrire-form", button="Envoyer la réponse", status=400, **typed)
    assert "restée ouverte trop longtemps" in again.text
    assert again.fields("ecrire-form")["answer-text"] == ["Oui, venez mercredi."]
    assert mails("request_answered") == []
    submit(client, again, form="ecrire-form", button="Envoyer la réponse")
    assert len(mails("request_answered")) == 1


def test_calls_notes_owner_closing_and_reopening(client, cfa, adviser):
    colleague = make.adviser(cfa, first_name="Dora", last_name="Petit")
    request = ask(cfa, mode="callback")
    page = open_page(client, request)
    page = submit(client, page, form="fait-form", outcome="message-vocal", text="Rappeler le soir")
    assert "Appel : j’ai laissé un message vocal" in page.text
    assert (request.status, request.first_answered_at) == ("in_progress", None)
    page = submit(client, page, form="note-form", **{"note-text": "Voir avec la direction"})
    assert "Note interne" in page.text
    page = submit(client, page, form="Confier", **{"assign-owner": colleague.public_id})
    assert "Confiée à Dora Petit" in page.text
    assert request.owner_id == colleague.id
    page = submit(client, page, form="Confier", **{"assign-owner": ""})
    assert request.owner_id is None
    page = submit(client, page, form="Terminer la demande", **{"close-outcome": "unreachable"})
    assert (request.status, request.outcome) == ("closed", "unreachable")
    assert "Terminée : injoignable" in page.text
    page = submit(client, page, form="Rouvrir")
    assert (request.status, request.outcome) == ("in_progress", None)
    assert mails("request_answered") == []


def test_a_person_without_address_is_called_not_written_to(client, cfa, adviser):
    request = ask(cfa, email=None)
    page = open_page(client, request)
    assert not page.all("#ecrire-form")
    token = page.fields("note-form")["csrf_token"][0]
    sent = {"csrf_token": token, "action": "answer", "answer-text": "Bonjour", "version": str(request.version)}
    answer = client.post(page.path, data=sent)
    assert answer.status_code == 400
    assert "appelez-la" in answer.text
    assert mails("request_answered") == []


def test_a_booking_shows_its_meeting_and_how_to_move_it(client, cfa, adviser):
    booked = make.booking(make.slot(adviser, make.site(cfa), starts_at="2026-12-01T14:00"))
    page = open_page(client, booked.request)
    assert "Mar. 1er déc., 14 h – 14 h 30" in page.text
    assert page.link("Déplacer ou annuler") == f"/equipe/rendez-vous/{booked.public_id}"
    with transaction():
        booked.status = "cancelled"
    page = open_page(client, booked.request)
    assert "Annulé" in page.text
    assert not page.links("Déplacer ou annuler")


def test_one_comes_back_to_the_list_one_left(client, cfa, adviser):
    asked = ask(cfa)
    filtered = visit(client, f"{URL}?etat=toutes&suivi=personne")
    page = visit(client, filtered.links("Zoé Lambert")[0])
    wanted = page.one("a.fr-breadcrumb__link").get("href")
    assert names(visit(client, wanted)) == names(filtered)
    assert "suivi=personne" in wanted
    noted = submit(client, page, form="note-form", **{"note-text": "Rappelée."})
    assert noted.one("a.fr-breadcrumb__link").get("href") == wanted
    refused = submit(client, noted, form="note-form", status=400, **{"note-text": ""})
    assert refused.one("a.fr-breadcrumb__link").get("href") == wanted
    for odd in ("", "https://ailleurs.example/?x", "a b", "x" * 400, "%0d%0aSet-Cookie"):
        plain = visit(client, f"{URL}/{asked.public_id}?liste={odd}")
        assert plain.one("a.fr-breadcrumb__link").get("href") == URL


def test_another_centres_request_does_not_exist_and_no_act_passes_without_token(client, cfa, adviser):
    other = ask(make.cfa())
    visit(client, f"{URL}/{other.public_id}", status=404)
    token = open_page(client, ask(cfa, number=2)).fields("note-form")["csrf_token"][0]
    for action in ("answer", "outcome", "note", "assign", "close", "reopen", "revoke"):
        sent = {"csrf_token": token, "action": action, "version": "1", "answer-text": "x", "note-text": "x"}
        assert client.post(f"{URL}/{other.public_id}", data=sent).status_code == 404
    mine = db.session.scalars(sa.select(CandidateRequest).filter_by(cfa_id=cfa.id)).one()
    assert client.post(f"{URL}/{mine.public_id}", data={"action": "note", "note-text": "x"}).status_code == 400
    assert client.post(f"{URL}/{mine.public_id}", data={"csrf_token": token, "action": "quoi"}).status_code == 400
    assert [event.kind for event in mine.events] == ["created"]
