"""The candidate's own page: what it tells, what it lets do, and who may open it."""

from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from rdv import booking, clock, inbox, links, slots
from rdv.db import db, transaction
from rdv.models import Booking, CandidateRequest, OutgoingMail, RequestEvent, ThrottleCount
from rdv.tokens import sign_link
from tests import make
from tests.support.pages import submit, visit

NOW = "2026-11-23T08:00Z"
TAILS = ("/annuler", "/deplacer", "/presence", "/retard", "/rendez-vous.ics")


def count(model, *conditions):
    return db.session.scalar(sa.select(sa.func.count()).select_from(model).where(*conditions))


def path(request):
    return f"/suivi/{links.personal_token(request)}"


@pytest.fixture
def house(app, freeze):
    """A centre, an adviser and a booked slot on Tuesday 1 December."""
    frozen = freeze(NOW)
    cfa = make.cfa(name="CFA des Tilleuls")
    site = make.site(cfa, phone="+33199001234")
    adviser = make.adviser(cfa)
    kind = make.meeting_type(cfa, what_to_bring="Votre dernier bulletin.", instructions="Entrée par la cour.")
    slot = make.slot(adviser, site, kind, starts_at="2026-12-01T14:00", place_detail="Salle 12")
    held = make.booking(slot, request={"email": "lina@courriel.example"})
    return SimpleNamespace(
        clock=frozen, cfa=cfa, site=site, adviser=adviser, kind=kind, slot=slot, held=held, request=held.request
    )


def test_everything_to_know_before_the_meeting(client, house):
    page = visit(client, path(house.request))
    for words in (
        "Mardi 1er décembre à 14 h", "Avec Bob, CFA des Tilleuls", house.site.shown_address, "Salle 12",
        "Votre dernier bulletin.", "Entrée par la cour.", house.request.reference, "01 99 00 12 34", "l…@courriel.example",
    ):  # fmt: skip
        assert words in page.text
    assert "lina@courriel.example" not in page.html
    assert page.one("meta[name=robots]").get("content") == "noindex"


def test_a_video_gives_its_address_here_and_not_on_the_booking_page(client, house):
    slot = make.slot(
        house.adviser,
        house.site,
        house.kind,
        starts_at="2026-12-02T14:00",
        place="video",
        place_detail="https://visio.example/abc",
    )
    held = make.booking(slot)
    assert visit(client, path(held.request)).link("Rejoindre la visioconférence") == "https://visio.example/abc"
    free = make.slot(
        house.adviser,
        house.site,
        house.kind,
        starts_at="2026-12-03T14:00",
        place="video",
        place_detail="https://visio.example/abc",
    )
    assert "visio.example" not in visit(client, f"/rendez-vous/{free.public_id}").html


def test_the_calendar_file(client, house):
    page = visit(client, path(house.request))
    answer = client.get(page.link("Ajouter à mon agenda"))
    assert answer.mimetype == "text/calendar"
    assert 'filename="rendez-vous.ics"' in answer.headers["Content-Disposition"]
    assert house.held.uid in answer.text.replace("\r\n ", "")
    assert "/suivi/" not in answer.text.replace("\r\n ", "")
    assert "Set-Cookie" not in answer.headers


def test_cancel(client, house):
    other = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-02T09:00")
    page = visit(client, path(house.request))
    page = visit(client, page.link("Annuler ce rendez-vous"))
    assert (house.held.status, house.slot.seats_taken) == ("booked", 1)  # a GET gives nothing back
    long = submit(client, page, button="trouvé une entreprise", text="a" * 201, status=422)
    assert "200 caractères au plus" in " ".join(long.errors)
    assert house.held.status == "booked"
    done = submit(client, long, button="trouvé une entreprise", text="Merci à vous")
    assert done.h1 == "Vous avez annulé ce rendez-vous"
    assert done.link("mercredi 2 décembre 9 h").startswith(f"/rendez-vous/{other.public_id}")
    assert (house.held.status, house.held.cancelled_by, house.slot.seats_taken) == ("cancelled", "candidate", 0)
    assert (house.held.cancel_choice, house.held.cancel_reason) == ("company", "Merci à vous")
    assert "J’ai trouvé une entreprise – Merci à vous" in done.text
    kinds = set(db.session.scalars(sa.select(OutgoingMail.kind)))
    assert kinds == {"booking_cancelled", "adviser_booking_cancelled"}
    assert submit(client, long, button="autre centre", text="Merci").h1 == done.h1  # a second click
    assert (house.held.cancel_choice, count(RequestEvent, RequestEvent.kind == "cancelled")) == ("company", 1)
    assert not done.links("Ajouter à mon agenda")


def test_a_reason_is_never_required_and_none_is_invented(client, house):
    page = visit(client, path(house.request) + "/annuler")
    token = page.fields()["form_token"][0]
    answer = client.post(path(house.request) + "/annuler", data={"form_token": token, "choice": "autre"})
    assert (answer.status_code, house.held.status) == (422, "booked")
    submit(client, page, button="sans dire pourquoi")
    assert (house.held.status, house.held.cancel_choice, house.held.cancel_reason) == ("cancelled", None, None)


def test_an_expired_cancel_form_is_shown_again(client, house):
    page = visit(client, path(house.request) + "/annuler")
    house.clock.tick(hours=5)
    again = submit(client, page, status=400, button="plus disponible", text="Pardon")
    assert again.fields()["text"] == ["Pardon"]
    assert house.held.status == "booked"
    submit(client, again, button="plus disponible")
    assert (house.held.status, house.held.cancel_choice) == ("cancelled", "not_available")


def test_a_meeting_that_began_is_not_cancelled(client, house):
    house.clock.to("2026-12-01T12:50Z")
    page = visit(client, path(house.request) + "/annuler")
    house.clock.to("2026-12-01T13:10Z")
    late = submit(client, page, status=409, button="plus disponible")
    assert "il ne peut plus être annulé" in late.text
    assert not late.links("Annuler")
    assert visit(client, path(house.request) + "/annuler", follow=True).h1 == late.h1
    assert (house.held.status, house.slot.seats_taken) == ("booked", 1)


def test_the_states_of_a_meeting(client, house):
    address = path(house.request)
    house.clock.to("2026-12-01T15:00Z")
    assert visit(client, address).h1 == "Ce rendez-vous est passé"
    for status, title in (("attended", "Vous avez rencontré le centre"), ("no_show", "Ce rendez-vous n’a pas eu lieu")):
        with transaction() as session:
            session.execute(sa.update(Booking).values(status=status))
        assert visit(client, address).h1 == title


def test_the_centre_cancels(client, house):
    with transaction():
        slots.cancel(house.slot, clock.now(), house.adviser, "Grève des transports")
    page = visit(client, path(house.request))
    assert page.h1 == "Le centre a annulé"
    assert "Grève des transports" in page.text


def test_the_centre_cancels_for_somebody_without_email(client, house):
    slot = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-02T14:00")
    held = make.booking(slot, request={"email": None})
    with transaction():
        booking.cancel(held, "staff", clock.now(), user=house.adviser)
    page = visit(client, path(held.request))
    assert page.h1 == "Le centre a annulé ce rendez-vous"
    assert "Réponse attendue avant mercredi 25 novembre à 17 h." in page.text


def test_the_answer_shows_and_what_is_internal_does_not(client, house):
    request = make.candidate_request(house.cfa, "message", text="Bonjour", site_id=house.site.id)
    with transaction():
        now = clock.now()
        inbox.note(request, "Candidat déjà vu en mars", now, user=house.adviser)
        inbox.log_call(request, "voicemail", "staff", now, user=house.adviser, text="Rappeler demain")
        inbox.answer(request, "Oui, il reste des places.", "staff", now, user=house.adviser)
    house.clock.tick(seconds=20)  # until then it may be taken back
    page = visit(client, path(request))
    assert page.h1 == "Le centre vous a répondu"
    assert "Oui, il reste des places." in page.text
    assert not any(words in page.text for words in ("en mars", "Rappeler", "Garnier"))


@pytest.mark.parametrize("outcome", sorted(inbox.OUTCOME_LABELS))
def test_every_outcome_is_said(client, house, outcome):
    request = make.candidate_request(house.cfa, "callback", status="closed", outcome=outcome)
    assert visit(client, path(request)).h1


def test_a_late_centre_is_said_late(client, house):
    request = make.candidate_request(house.cfa, "callback", site_id=house.site.id)
    house.clock.tick(days=3)
    assert "Il est en retard" in visit(client, path(request)).text


# -- links -------------------------------------------------------------------------------------------------------------


def test_links_that_do_not_open(client, house):
    request = house.request
    good = links.personal_token(request)
    wrong = [
        "faux", good[:-2] + "xx", good + "a",
        sign_link("answer", request.public_id, request.email, request.link_version),
        sign_link("personal", request.public_id, "autre@courriel.example", request.link_version),
        sign_link("personal", request.public_id, request.email, request.link_version + 1),
        sign_link("personal", "abcdefgh23456789", request.email, 1),
    ]  # fmt: skip
    for token in wrong:
        for tail in ("", *TAILS):
            page = visit(client, f"/suivi/{token}{tail}", status=404)
            assert page.link("Recevoir à nouveau mon lien") == "/renvoyer-mon-lien"
    for tail in TAILS[:4]:
        assert client.post(f"/suivi/{wrong[1]}{tail}").status_code == 404
    assert house.held.status == "booked"


def test_a_revoked_link_dies(client, house):
    address = path(house.request)
    visit(client, address)
    with transaction():
        inbox.revoke_links(house.request, house.adviser)
    visit(client, address, status=404)
    visit(client, path(house.request))


def test_wrong_links_are_counted(client, house, change_settings):
    change_settings(limit_failed_secrets=2)
    for status in (404, 404, 429):
        visit(client, "/suivi/faux", status=status)
    assert count(ThrottleCount) == 1
    visit(client, path(house.request))


def test_a_visit_changes_nothing(client, house):
    before = house.request.version
    for tail in ("", *TAILS):
        client.get(path(house.request) + tail)
    assert (house.request.version, house.held.sequence, count(OutgoingMail)) == (before, 0, 0)


# -- « renvoyer mon lien » ---------------------------------------------------------------------------------------------


def test_the_link_again_and_the_same_answer_for_all(client, house):
    mine = [make.candidate_request(house.cfa, email="lina@courriel.example") for _ in range(6)]
    page = visit(client, "/renvoyer-mon-lien")
    known = submit(client, page, email="  Lina@Courriel.example ")
    unknown = submit(client, visit(client, "/renvoyer-mon-lien"), email="personne@courriel.example")
    assert known.text == unknown.text
    assert known.url == unknown.url == "/renvoyer-mon-lien?envoye=oui"
    sent = db.session.scalars(sa.select(OutgoingMail)).all()
    assert {mail.to_email for mail in sent} == {"lina@courriel.example"}
    assert {mail.request_id for mail in sent} == {request.id for request in mine[1:]}  # the latest five
    submit(client, visit(client, "/renvoyer-mon-lien"), email="lina@courriel.example")
    assert count(OutgoingMail) == 5  # once an hour
    house.clock.tick(hours=1)
    submit(client, visit(client, "/renvoyer-mon-lien"), email="lina@courriel.example")
    assert count(OutgoingMail) == 10


def test_old_requests_are_not_sent_again(client, house):
    house.clock.tick(days=366)
    submit(client, visit(client, "/renvoyer-mon-lien"), email="lina@courriel.example")
    assert count(OutgoingMail) == 0


def test_what_protects_the_resend_form(client, house, change_settings):
    page = visit(client, "/renvoyer-mon-lien")
    assert submit(client, page, status=422, email="lina").errors
    assert submit(client, page, status=422, email="").errors
    assert submit(client, page, status=400, email="lina@courriel.example", site_web="x").errors
    change_settings(limit_posts_per_contact=0)
    again = submit(client, page, status=429, email="lina@courriel.example")
    assert again.fields()["email"] == ["lina@courriel.example"]
    house.clock.tick(hours=5)
    assert submit(client, again, status=400).fields()["email"] == ["lina@courriel.example"]
    assert count(OutgoingMail) == 0
    assert count(CandidateRequest) == 1
