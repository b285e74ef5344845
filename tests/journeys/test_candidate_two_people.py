"""A parent or a youth worker asks for a young person: two people, each told what concerns them, by a link of their own."""

from email import message_from_bytes
from email.policy import SMTP
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from rdv import booking, clock, inbox, links, mailer
from rdv.db import db, transaction
from rdv.mails import KINDS
from rdv.models import CandidateRequest, OutgoingMail, RequestEvent
from rdv.tokens import sign_link
from tests import make
from tests.support.pages import sign_in, submit, visit

ZOE = {"first_name": "Zoé", "last_name": "Lambert"}
ZOE_MAIL, MARIE_MAIL = "zoe@courriel.example", "marie@courriel.example"
MARIE = {"asker": "parent", "asker_first_name": "Marie", "asker_last_name": "Lambert", "asker_email": MARIE_MAIL}
MODES = {"slot": {}, "etre-rappele": {"phone": "06 12 34 56 78"}, "ecrire": {"text": "Ma fille hésite encore."}}


@pytest.fixture
def house(app, freeze):
    """A centre with a training and two free slots next week."""
    frozen = freeze("2026-11-23T08:00Z")
    cfa = make.cfa(name="CFA des Tilleuls")
    site, adviser = make.site(cfa), make.adviser(cfa)
    kind, training = make.meeting_type(cfa, what_to_bring="Un bulletin."), make.training(cfa, site)
    free = [make.slot(adviser, site, kind, starts_at=when) for when in ("2026-12-01T14:00", "2026-12-02T09:00")]
    return SimpleNamespace(
        clock=frozen, cfa=cfa, site=site, adviser=adviser, kind=kind, training=training, slot=free[0], other=free[1]
    )


def only_request():
    return db.session.scalars(sa.select(CandidateRequest)).one()


def page_of(request, to, tail=""):
    return f"/suivi/{links.personal_token(request, to)}{tail}"


def book(client, house, slot=None, status=200, **fields):
    target = slot or house.slot
    return submit(client, visit(client, f"/rendez-vous/{target.public_id}"), status=status, **{**ZOE, **fields})


def mails(kind):
    rows = db.session.scalars(sa.select(OutgoingMail).where(OutgoingMail.kind == kind).order_by(OutgoingMail.id))
    return {mail.to_email: mail for mail in rows}


def words(mail):
    assert KINDS[mail.kind].still_due(mail, clock.now())
    return mailer.render(mail).content.decode()


def read(mail):
    message = message_from_bytes(words(mail).encode(), policy=SMTP)
    return message.get_body(("plain",)).get_content().replace("\u00a0", " ")


def test_each_receives_a_mail_and_a_link_of_their_own(client, house):
    done = book(client, house, email=ZOE_MAIL, **MARIE)
    request = only_request()
    assert (request.email, request.asker_email, request.asker_first_name) == (ZOE_MAIL, MARIE_MAIL, "Marie")
    assert done.path == page_of(request, MARIE_MAIL)  # who filled the form reads their own page
    assert "Une confirmation est envoyée à m…@courriel.example. Zoé la reçoit aussi." in done.text
    confirmed = mails("booking_confirmed")
    assert set(confirmed) == {ZOE_MAIL, MARIE_MAIL}
    to_marie, to_zoe = read(confirmed[MARIE_MAIL]), read(confirmed[ZOE_MAIL])
    assert "Bonjour Marie," in to_marie
    assert "Le rendez-vous de Zoé est confirmé." in to_marie
    assert "Bonjour Zoé," in to_zoe
    assert "Un rendez-vous est pris pour vous par Marie." in to_zoe
    assert page_of(request, MARIE_MAIL) in to_marie
    assert page_of(request, ZOE_MAIL) in to_zoe
    assert page_of(request, ZOE_MAIL) not in to_marie
    assert "Un bulletin." in to_marie
    assert "Un bulletin." in to_zoe
    assert MARIE_MAIL not in to_zoe
    assert ZOE_MAIL not in to_marie


@pytest.mark.parametrize("mode", MODES)
def test_the_asker_alone_may_give_a_contact(client, house, mode):
    if mode == "slot":
        book(client, house, **MARIE)
    else:
        page = visit(client, f"/formation/{house.training.public_id}/{mode}")
        submit(client, page, **{**ZOE, **MARIE, **MODES[mode]})
    request = only_request()
    assert (request.email, request.asker_email) == (MARIE_MAIL, MARIE_MAIL)  # somebody can always be reached
    kind = "booking_confirmed" if mode == "slot" else "request_received"
    (mail,) = mails(kind).values()
    assert (mail.to_email, "Bonjour Marie," in read(mail)) == (MARIE_MAIL, True)
    assert visit(client, page_of(request, MARIE_MAIL)).status == 200


def test_a_call_needs_a_number_of_either(client, house):
    call = make.slot(house.adviser, house.site, house.kind, starts_at="2026-12-03T09:00", place="phone")
    again = book(client, house, call, status=422, email=ZOE_MAIL, **MARIE)
    assert "par téléphone" in again.one("#phone-error").text
    assert again.fields()["asker_email"] == [MARIE_MAIL]
    done = submit(client, again, asker_phone="06 12 34 56 78")
    request = only_request()
    assert (request.phone, request.asker_phone) == ("+33612345678", "+33612345678")
    assert "Le centre vous appellera au 06 12 34 56 78" in done.text
    zoe = visit(client, page_of(request, ZOE_MAIL))
    assert "Le centre appellera Marie" in zoe.text
    assert "06 12" not in zoe.text
    told = mails("booking_confirmed")
    assert "appelle Marie" in read(told[ZOE_MAIL])
    assert "56 78" not in read(told[ZOE_MAIL])
    assert "se termine par 56 78" in read(told[MARIE_MAIL])


def test_a_candidate_who_asks_alone_leaves_nothing_of_another(client, house):
    data = {**visit(client, f"/rendez-vous/{house.slot.public_id}").fields(), **ZOE, "email": ZOE_MAIL}
    client.post(
        f"/rendez-vous/{house.slot.public_id}", data={**data, **MARIE, "asker": "candidate", "asker_phone": "x"}
    )
    request = only_request()
    assert (request.asker, request.asker_email, request.asker_first_name) == ("candidate", None, None)
    assert set(mails("booking_confirmed")) == {ZOE_MAIL}


def test_wrong_details_of_the_asker_are_said_beside_their_field(client, house):
    again = book(client, house, status=422, email=ZOE_MAIL, **{**MARIE, "asker_email": "marie@", "asker_phone": "12"})
    assert "semble incorrecte" in again.one("#asker_email-error").text
    assert "ne peut pas être appelé" in again.one("#asker_phone-error").text
    odd = book(client, house, status=422, email=ZOE_MAIL, **{**MARIE, "asker_first_name": "voyez piege.example"})
    assert "lettres seulement" in odd.one("#asker_first_name-error").text
    assert again.one("details[open] #asker_email")


def test_neither_sees_the_contact_or_the_words_of_the_other(client, house):
    book(
        client, house, email=ZOE_MAIL, phone="06 98 76 54 32", text="Elle est très timide.", reasons=["frais"], **MARIE
    )
    request = only_request()
    marie, zoe = (visit(client, page_of(request, to)) for to in (MARIE_MAIL, ZOE_MAIL))
    assert "Elle est très timide." in marie.text
    assert "timide" not in zoe.text
    assert "Frais" not in zoe.text
    for page, own, theirs in ((marie, MARIE_MAIL, ZOE_MAIL), (zoe, ZOE_MAIL, MARIE_MAIL)):
        assert own not in page.html  # masked, even from its owner
        assert theirs not in page.html
    assert f"{ZOE_MAIL[:1]}…@" not in marie.text
    assert f"{MARIE_MAIL[:1]}…@" not in zoe.text
    assert "06 98" not in marie.text
    for page in (marie, zoe):
        assert "Un bulletin." in page.text
        assert "Mardi 1er décembre à 14 h" in page.text
    assert "Demande faite par" in zoe.text
    assert "Zoé Lambert" in marie.text


def test_the_asker_moves_and_each_is_told_in_their_words(client, house):
    book(client, house, email=ZOE_MAIL, **MARIE)
    request = only_request()
    submit(client, visit(client, page_of(request, MARIE_MAIL, "/deplacer")), creneau=house.other.public_id)
    moved = mails("booking_moved")
    assert "Le rendez-vous de Zoé est déplacé, comme vous l’avez demandé." in read(moved[MARIE_MAIL])
    assert "Votre rendez-vous est déplacé, à la demande de Marie." in read(moved[ZOE_MAIL])
    marie, zoe = (visit(client, page_of(request, to)) for to in (MARIE_MAIL, ZOE_MAIL))
    heads = [[node.text for node in page.all(".rdv-thread__head")] for page in (marie, zoe)]
    assert all("Vous" in head for head in heads[0])
    assert all("Marie" in head for head in heads[1])
    assert db.session.scalars(sa.select(RequestEvent.data).where(RequestEvent.kind == "moved")).one()["by"] == "asker"


def test_the_candidate_cancels_and_the_asker_is_told(client, house):
    book(client, house, email=ZOE_MAIL, **MARIE)
    request = only_request()
    page = visit(client, page_of(request, ZOE_MAIL, "/annuler"))
    done = submit(client, page, button="J’ai trouvé une entreprise", text="Merci pour tout")
    assert done.h1 == "Vous avez annulé ce rendez-vous"
    marie = visit(client, page_of(request, MARIE_MAIL))
    assert marie.h1 == "Zoé a annulé ce rendez-vous"
    assert "Merci pour tout" not in marie.text
    cancelled = mails("booking_cancelled")
    assert "est annulé, à la demande de Zoé." in read(cancelled[MARIE_MAIL])
    assert "comme vous l’avez demandé" in read(cancelled[ZOE_MAIL])
    (adviser,) = mails("adviser_booking_cancelled").values()
    assert "A trouvé une entreprise" in read(adviser)
    assert "Merci pour tout" not in read(adviser)


def test_the_asker_answers_for_the_candidate(client, house):
    book(client, house, email=ZOE_MAIL, **MARIE)
    request = only_request()
    house.clock.to("2026-12-01T12:30Z")
    page = visit(client, page_of(request, MARIE_MAIL, "/presence"))
    assert page.h1 == "Zoé vient ?"
    done = submit(client, page, button="Oui, Zoé vient")
    assert "C’est noté : Zoé vient." in done.text
    assert "C’est noté : vous venez." in visit(client, page_of(request, ZOE_MAIL)).text
    late = visit(client, page_of(request, MARIE_MAIL, "/retard"))
    submit(client, late, button="10 min")
    assert request.booking.late_minutes == 10
    reasons = visit(client, page_of(request, MARIE_MAIL, "/annuler"))
    assert [button.text for button in reasons.all("main button")] == [
        "A trouvé une entreprise", "A choisi un autre centre", "N’est plus disponible", "Annuler sans dire pourquoi",
    ]  # fmt: skip


def test_an_answer_of_the_centre_goes_to_both(client, house):
    submit(
        client, visit(client, f"/formation/{house.training.public_id}/ecrire"),
        **{**ZOE, **MARIE, "email": ZOE_MAIL, "text": "Ma fille hésite encore."},
    )  # fmt: skip
    request = only_request()
    with transaction():
        # Longer ago than an act that may still be taken back, which the page keeps to itself.
        inbox.answer(request, "Venez nous voir.", "staff", clock.now() - 2 * inbox.UNDO, user=house.adviser)
    answered = mails("request_answered")
    assert set(answered) == {ZOE_MAIL, MARIE_MAIL}
    assert page_of(request, MARIE_MAIL) in read(answered[MARIE_MAIL])
    assert "Venez nous voir." in visit(client, page_of(request, ZOE_MAIL)).text


def test_the_centre_sees_both_and_reaches_each(client, house):
    book(client, house, email=ZOE_MAIL, asker_phone="06 12 34 56 78", **MARIE)
    request = only_request()
    (mail,) = mails("adviser_new_booking").values()
    assert "Marie Lambert, un parent ou représentant légal" in read(mail)
    with transaction():
        booking.cancel(request.booking, "candidate", clock.now(), choice="other_cfa", as_asker=True)
    sign_in(client, house.adviser)
    page = visit(client, f"/equipe/demandes/{request.public_id}")
    assert {f"mailto:{ZOE_MAIL}", f"mailto:{MARIE_MAIL}", "tel:+33612345678"} <= set(page.links())
    assert "Rendez-vous annulé : a choisi un autre centre" in page.text
    found = submit(client, visit(client, "/equipe/demandes?etat=toutes"), form="Chercher", text="06 12 34 56 78")
    assert "Zoé Lambert" in found.text


def test_links_of_each_and_of_nobody_else(client, house):
    book(client, house, email=ZOE_MAIL, asker_phone="06 12 34 56 78", **MARIE)
    request = only_request()
    for to in (ZOE_MAIL, MARIE_MAIL, "+33612345678"):
        assert visit(client, page_of(request, to)).h1 == "Rendez-vous confirmé"
    wrong = [
        sign_link("personal", request.public_id, "autre@courriel.example", 1),
        sign_link("personal", request.public_id, None, 1),
        sign_link("answer", request.public_id, MARIE_MAIL, 1),
        sign_link("personal", request.public_id, MARIE_MAIL, 2),
    ]
    for token in wrong:
        for tail in ("", "/deplacer", "/annuler", "/presence", "/retard", "/rendez-vous.ics"):
            visit(client, f"/suivi/{token}{tail}", status=404)
    with transaction() as session:
        session.get_one(CandidateRequest, request.id).asker_email = None
    visit(client, page_of(request, MARIE_MAIL), status=404)  # corrected or erased: the old link dies
    with transaction():
        inbox.revoke_links(request, house.adviser)
    for to in (ZOE_MAIL, "+33612345678"):
        visit(client, f"/suivi/{sign_link('personal', request.public_id, to, 1)}", status=404)


def test_a_mail_that_waits_is_not_sent_to_an_address_no_longer_given(client, house):
    book(client, house, email=ZOE_MAIL, **MARIE)
    with transaction() as session:
        session.get_one(CandidateRequest, only_request().id).asker_email = None
    waiting = mails("booking_confirmed")
    due = KINDS["booking_confirmed"].still_due
    assert [due(waiting[to], clock.now()) for to in (ZOE_MAIL, MARIE_MAIL)] == [True, False]


def test_each_gets_their_own_link_again(client, house):
    book(client, house, email=ZOE_MAIL, **MARIE)
    request = only_request()
    submit(client, visit(client, "/renvoyer-mon-lien"), email=MARIE_MAIL)
    assert set(mails("personal_link")) == {MARIE_MAIL}  # who asks gets theirs, nobody else is written to
    for to in (ZOE_MAIL, MARIE_MAIL):
        submit(client, visit(client, "/renvoyer-mon-lien"), email=to)
    again = mails("personal_link")
    assert set(again) == {ZOE_MAIL, MARIE_MAIL}
    assert page_of(request, MARIE_MAIL) in read(again[MARIE_MAIL])
    assert page_of(request, MARIE_MAIL) not in read(again[ZOE_MAIL])


def test_a_second_click_leads_the_asker_to_their_page(client, house):
    page = visit(client, f"/rendez-vous/{house.slot.public_id}")
    first = submit(client, page, **ZOE, email=ZOE_MAIL, **MARIE)
    second = submit(client, page, **ZOE, email=ZOE_MAIL, **MARIE)
    assert second.path == first.path == page_of(only_request(), MARIE_MAIL)


def test_the_limit_of_a_contact_counts_the_asker_too(client, house, change_settings):
    change_settings(limit_posts_per_contact=1)
    book(client, house, email=ZOE_MAIL, **MARIE)
    book(client, house, house.other, status=429, email="autre@courriel.example", **MARIE)
