"""The same person again, a mistyped address, and who asks many centres in a day."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from rdv import clock, inbox
from rdv.candidate import Candidate
from rdv.db import db, transaction
from rdv.models import CandidateRequest, OutgoingMail, OutgoingSms, RequestEvent
from rdv.settings import settings
from tests import make
from tests.support.pages import sign_in, submit, visit

NOW = "2026-11-23T08:00Z"
LINA = {"first_name": "Lina", "last_name": "Martin", "email": "lina@courriel.example"}
WORDS = "Reste-t-il des places ?"


@pytest.fixture
def time(app, freeze):
    return freeze(NOW)


@pytest.fixture
def training(time):
    cfa = make.cfa(name="CFA des Tilleuls", phone="+33199000001")
    return make.training(cfa, make.site(cfa, phone=None))


def write(client, training, status=200, **fields):
    page = visit(client, f"/formation/{training.public_id}/ecrire")
    quoted = [str(value) for value in fields.values()] + [WORDS]
    return submit(client, page, status=status, quoted=quoted, **{**LINA, "text": WORDS, **fields})


def call(client, training, status=200, **fields):
    page = visit(client, f"/formation/{training.public_id}/etre-rappele")
    return submit(client, page, status=status, **{**LINA, "phone": "06 39 98 00 01", **fields})


def requests():
    return db.session.scalars(sa.select(CandidateRequest).order_by(CandidateRequest.id)).all()


def notes(request):
    query = sa.select(RequestEvent).where(RequestEvent.request_id == request.id, RequestEvent.kind == "candidate_note")
    return db.session.scalars(query.order_by(RequestEvent.id)).all()


def sent_links(model=OutgoingMail):
    return db.session.scalar(sa.select(sa.func.count(model.id)).where(model.kind == "personal_link"))


# -- again ------------------------------------------------------------------------------------------------------------


def test_asking_again_adds_a_note_and_tells_nothing(app, client, training, time):
    first = write(client, training)
    assert first.h1 == "Votre demande est envoyée"
    request = requests()[0]
    time.tick(minutes=10)
    again = call(client, training, windows=["soir"], reasons=["frais"], text="Et l’internat ?", asker="parent",
                 asker_first_name="Nora", asker_phone="06 39 98 00 02")  # fmt: skip
    assert again.h1 == "C’est bien envoyé"
    # Nothing of the first: neither its reference, nor its page, nor its state.
    for secret in (request.reference, "/suivi/", request.public_id, "attendue", "Lina"):
        assert secret not in again.html
    opened = visit(app.test_client(), f"/formation/{training.public_id}/demande-envoyee")
    assert opened.text == again.text  # whoever opens this page reads the same
    assert len(requests()) == 1
    (note,) = notes(request)
    assert (note.text, note.actor, note.data["windows"]) == ("Et l’internat ?", "candidate", ["soir"])
    assert (request.callback_windows, request.phone, request.status) == (["soir"], None, "new")
    assert sent_links() == 1
    person = make.adviser(training.cfa)
    sign_in(client, person)
    page = visit(client, f"/equipe/demandes/{request.public_id}", quoted=[WORDS, "Et l’internat ?"])
    assert "Demande de rappel envoyée à nouveau (non vérifié)" in page.text
    assert "sur sa page" not in page.text  # anybody may have sent it
    for words in ("Et l’internat ?", "Sujets : Frais d’inscription", "Téléphone indiqué : 06 39 98 00 01", "Fait la demande : Nora",
                  "Son téléphone : 06 39 98 00 02", "Joignable : En fin de journée"):  # fmt: skip
        assert words in page.text
    # The same whatever became of it; answered, it is the centre's turn again, who is told.
    with transaction():
        inbox.answer(request, "Oui.", "staff", clock.now(), user=person)
    told = sa.select(sa.func.count(OutgoingMail.id)).where(OutgoingMail.kind == "candidate_replied")
    before = db.session.scalar(told)
    due = request.due_at
    time.tick(hours=30)
    assert write(client, training, text="Merci, et le logement ?").text == again.text
    assert (request.status, request.due_at > due, db.session.scalar(told) - before) == ("in_progress", True, 1)
    assert inbox.rebuild(request).status == "in_progress"
    assert write(client, training, text="Allô ?").text == again.text
    assert db.session.scalar(told) - before == 1  # once for their turn
    assert [each.text for each in notes(request)] == ["Et l’internat ?", "Merci, et le logement ?", "Allô ?"]


def test_the_link_leaves_once_an_hour_at_most_by_mail_or_text(client, training, time):
    write(client, training)
    time.to("2026-11-23T08:59Z")
    write(client, training)
    time.to("2026-11-23T09:01Z")  # another hour of the clock, two minutes later
    write(client, training)
    assert sent_links() == 1
    time.to("2026-11-23T10:00Z")
    write(client, training)
    assert sent_links() == 2
    for _ in range(3):
        call(client, training, first_name="Tom", email="")
    assert (sent_links(), sent_links(OutgoingSms)) == (2, 1)
    assert len(requests()) == 2


@pytest.mark.parametrize(("gap", "made"), [(-1, 1), (0, 1), (1, 2)])
def test_four_days_to_the_second(client, training, time, gap, made):
    write(client, training)
    time.tick(seconds=4 * 24 * 3600 + gap)
    write(client, training)
    assert len(requests()) == made


def test_an_ordinary_request_is_made_otherwise(client, training):
    write(client, training)
    first = requests()[0]
    other = make.training(training.cfa, training.sites[0])
    assert write(client, training, first_name="Léa").h1 == "Votre demande est envoyée"  # who knows the address alone
    write(client, other)
    write(client, training, email="autre@courriel.example")
    assert (len(requests()), notes(first), sent_links()) == (4, [], 0)
    with transaction():
        inbox.close(first, "no_follow_up", "staff", clock.now(), user=make.adviser(training.cfa))
    assert write(client, training).h1 == "Votre demande est envoyée"
    assert len(requests()) == 5
    # About a centre, without a training: again too.
    for _ in range(2):
        page = visit(client, f"/cfa/{training.cfa.public_id}/ecrire")
        done = submit(client, page, **LINA, text=WORDS, quoted=[WORDS])
    assert (done.h1, len(requests())) == ("C’est bien envoyé", 6)


def test_a_form_sent_twice_makes_one_note(client, training):
    write(client, training)
    page = visit(client, f"/formation/{training.public_id}/ecrire")
    for _ in range(2):
        assert submit(client, page, **LINA, text=WORDS, quoted=[WORDS]).h1 == "C’est bien envoyé"
    assert len(notes(requests()[0])) == 1


def test_one_history_by_contact_then_by_name(client, time):
    cfa = make.cfa()
    named = {"name_key": "zoe lambert"}
    shown = make.candidate_request(
        cfa,
        email="zoe@courriel.example",
        phone="+33639980001",
        asker_email="nora@courriel.example",
        asker="parent",
        **named,
    )
    same = [
        make.candidate_request(cfa, first_name="Parmail", email="zoe@courriel.example", phone=None),
        make.candidate_request(cfa, first_name="Parphone", email=None, phone="+33639980001"),
        make.candidate_request(
            cfa, first_name="Parnora", email=None, asker_email="nora@courriel.example", asker="parent"
        ),
        make.candidate_request(cfa, first_name="Noramail", email="nora@courriel.example"),
    ]
    namesake = make.candidate_request(cfa, first_name="Zoë", **named)
    make.candidate_request(make.cfa(), first_name="Ailleurs", email="zoe@courriel.example", **named)
    make.candidate_request(cfa, first_name="Aidé", asker="helper", asker_email="nora@courriel.example")
    assert inbox.same_person(shown) == same[::-1]
    assert inbox.same_name(shown) == [namesake]
    assert inbox.with_contact(cfa.id, "nora@courriel.example", None) == [same[3], same[2], shown]
    helped = [
        make.candidate_request(
            cfa, first_name=name, asker="helper", email="mission@courriel.example", asker_email="mission@courriel.example",
            name_key=name,
        )
        for name in ("Ana", "Bea")
    ]  # fmt: skip
    assert inbox.same_person(helped[0]) == []  # one youth worker, many young people
    assert inbox.with_contact(cfa.id, "mission@courriel.example", None) == []
    sign_in(client, make.adviser(cfa))
    page = visit(client, f"/equipe/demandes/{shown.public_id}")
    assert [each for each in ("Parmail", "Parphone", "Parnora", "Noramail", "Ailleurs", "Aidé") if each in page.text] == [
        "Parmail", "Parphone", "Parnora", "Noramail",
    ]  # fmt: skip
    assert page.text.index("Même nom, autres coordonnées") < page.text.index("Zoë Lambert")


# -- a mistyped address -----------------------------------------------------------------------------------------------


def test_a_correction_is_proposed_once_and_nothing_is_lost(client, training):
    asked = write(client, training, status=422, email="lina@gmial.com", phone="06 39 98 00 01")
    assert "Vouliez-vous dire lina@gmail.com ?" in asked.text
    assert "Oui, c’est lina@gmail.com" in asked.text
    assert (
        asked.fields() | {"text": [WORDS], "email": ["lina@gmial.com"], "phone": ["06 39 98 00 01"]} == asked.fields()
    )
    again = submit(client, asked, status=422, quoted=[WORDS])  # neither is chosen for them
    assert requests() == []
    submit(client, again, email_meant="lina@gmail.com", quoted=[WORDS])
    request = requests()[0]
    assert (request.email, request.email_state) == ("lina@gmail.com", None)


def test_what_was_typed_may_be_kept_and_is_marked(client, training):
    asked = write(client, training, status=422, email="lina@orange.fe", phone="06 39 98 00 01")
    # An answer holds for the address it was about.
    other = submit(client, asked, status=422, email="lina@hotmial.fr", email_meant="lina@orange.fe", quoted=[WORDS])
    assert "Vouliez-vous dire lina@hotmail.fr ?" in other.text
    submit(client, other, email_meant="lina@hotmial.fr", quoted=[WORDS])
    request = requests()[0]
    assert (request.email, request.email_state) == ("lina@hotmial.fr", "doubtful")
    sign_in(client, make.adviser(training.cfa))
    page = visit(client, f"/equipe/demandes/{request.public_id}", quoted=[WORDS])
    assert "lina@hotmial.fr À vérifier" in page.text


@pytest.mark.sqlite_only  # the form alone
def test_an_address_that_reaches_nobody_can_only_be_corrected(client, training):
    asked = write(client, training, status=422, email="lina@gmail")
    assert "semble incorrecte" in asked.text
    assert "Non, gardez" not in asked.text
    submit(client, asked, email_meant="lina@gmail.com", quoted=[WORDS])
    assert requests()[0].email == "lina@gmail.com"


def test_every_mode_asks_the_same_and_of_who_asks_too(client, training):
    helper = {"asker": "parent", "asker_email": "nora@orage.fr"}
    asked = call(client, training, status=422, email="", **helper)
    assert "Vouliez-vous dire nora@orange.fr ?" in asked.text
    submit(client, asked, asker_email_meant="nora@orage.fr")
    assert (requests()[0].email, requests()[0].email_state) == ("nora@orage.fr", "doubtful")
    adviser, site = make.adviser(training.cfa), training.sites[0]
    free = make.slot(adviser, site, starts_at="2026-11-30T14:00")
    session = make.slot(adviser, site, make.meeting_type(training.cfa), starts_at="2026-12-01T14:00", capacity=2)
    full = [make.booking(session) for _ in range(2)]
    assert len(full) == 2
    for slot in (free, session):
        page = visit(client, f"/rendez-vous/{slot.public_id}")
        asked = submit(client, page, status=422, first_name="Lina", last_name="Martin", email="lina@iclod.com")
        assert "Vouliez-vous dire lina@icloud.com ?" in asked.text
        submit(client, asked, email_meant="lina@iclod.com")
    assert [each.email_state for each in requests() if each.email == "lina@iclod.com"] == ["doubtful"] * 2


# -- many centres -----------------------------------------------------------------------------------------------------


def test_who_asks_many_centres_is_told_what_helps(app, client, training, time, change_settings):
    change_settings(limit_requests_per_day=3)
    others = [make.training(training.cfa, training.sites[0]) for _ in range(4)]
    for each in others[:2]:
        write(client, each)
    page = visit(client, f"/formation/{training.public_id}/ecrire")
    for _ in range(3):  # one form, however often it is sent
        submit(client, page, **LINA, text=WORDS, quoted=[WORDS])
    refused = write(client, others[2], status=429, text="Bonjour à tous")
    for words in ("Vous avez envoyé 3 demandes aujourd’hui", "n’accélère pas", "à partir du mardi 24 novembre à 1 h", "01 99 00 00 01",
                  "mission locale", "réservez un créneau"):  # fmt: skip
        assert words in refused.text
    assert refused.fields()["text"] == ["Bonjour à tous"]
    assert len(requests()) == 3
    assert call(client, others[2], status=200, first_name="Tom", email="tom@courriel.example").h1 != refused.h1
    # A youth worker asks for as many young people as they follow.
    for number in range(5):
        helped = {
            "asker": "helper",
            "asker_email": "mission@courriel.example",
            "first_name": "Abcde"[number],
            "email": "",
        }
        call(app.test_client(), others[3], phone=f"06 39 98 00 1{number}", **helped)
    time.to("2026-11-24T00:00Z")
    assert write(client, others[2]).h1 == "Votre demande est envoyée"


@pytest.mark.sqlite_only  # counts of limits are tested on both in test_throttle.py
def test_ordinary_use_never_meets_the_limits(client, time, freeze, change_settings):
    config = type(settings())()
    change_settings(
        limit_requests_per_day=config.limit_requests_per_day, limit_posts_per_contact=config.limit_posts_per_contact,
        limit_posts_per_address=config.limit_posts_per_address,
    )  # fmt: skip
    for number in range(8):  # an afternoon of a candidate: eight centres, two asked again, a meeting booked
        cfa = make.cfa()
        training = make.training(cfa, make.site(cfa))
        write(client, training)
        if number < 2:
            time.tick(minutes=20)
            call(client, training)
        time.tick(minutes=10)
    slot = make.slot(make.adviser(cfa), training.sites[0], starts_at=clock.now() + timedelta(days=4))
    page = visit(client, f"/rendez-vous/{slot.public_id}")
    submit(client, page, **LINA)
    assert len(requests()) == 9
    assert (
        Candidate("Lina", "Martin", LINA["email"], None).person_key(settings().secret_key) == requests()[0].person_key
    )
