"""Full group sessions, as candidates meet them: the list, the offer, the answer, the wish for an earlier meeting."""

from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from rdv import booking, clock, jobs, links
from rdv.db import db, transaction
from rdv.models import Booking, CandidateRequest, OutgoingMail, RequestEvent, SeatHold, WaitlistEntry
from tests import make
from tests.support.pages import SAME_SITE, submit, visit

LINA = {"first_name": "Lina", "last_name": "Martin", "email": "lina@courriel.example"}
HUGO = {"first_name": "Hugo", "last_name": "Petit", "email": "hugo@courriel.example"}
END_OFFERS = next(job for job in jobs.JOBS if job.name == "end_offers")


@pytest.fixture
def house(app, freeze):
    """A full session of three, a free one, and a training, on a Monday morning in Lille."""
    time = freeze("2026-11-23T09:00Z")
    cfa = make.cfa(name="CFA des Tilleuls", city="Lille")
    site = make.site(cfa)
    adviser = make.adviser(cfa)
    kind = make.meeting_type(
        cfa, title="Réunion d’information", description="Visite des ateliers.\nVos questions.", what_to_bring="Un CV."
    )
    full = make.slot(adviser, site, kind, starts_at="2026-12-03T14:00", capacity=3)
    return SimpleNamespace(
        time=time, cfa=cfa, site=site, adviser=adviser, kind=kind, full=full, training=make.training(cfa, site),
        seated=[make.booking(full, request={"last_name": "Secret"}) for _ in range(3)],
        other=make.slot(adviser, site, kind, starts_at="2026-12-10T14:00", capacity=12),
    )  # fmt: skip


def path(slot):
    return f"/rendez-vous/{slot.public_id}"


def free_one(house, number=0):
    with transaction():
        booking.cancel(house.seated[number], "candidate", clock.now())


def page_of(client, email):
    request = db.session.scalars(
        sa.select(CandidateRequest).filter_by(email=email).order_by(CandidateRequest.id.desc())
    ).first()
    return visit(client, f"/suivi/{links.personal_token(request)}")


def entries():
    db.session.expire_all()
    return [entry.status for entry in db.session.scalars(sa.select(WaitlistEntry).order_by(WaitlistEntry.id))]


def waits(client, house, person=LINA, **typed):
    return submit(client, visit(client, path(house.full)), **person, **typed)


# -- the lists ------------------------------------------------------------------------------------------------------------


def test_a_full_session_stands_in_the_lists_as_a_way_to_its_waiting_list(client, house):
    for address in (f"/formation/{house.training.public_id}", f"/cfa/{house.cfa.public_id}"):
        for suffix in ("", "?dates=toutes"):
            page = visit(client, address + suffix)
            first = page.all("a.rdv-slot")[0]
            assert "Complet – liste d’attente" in first.text
            assert first.get("href").startswith(path(house.full))


def test_full_sessions_do_not_take_the_place_of_three_free_slots(client, house):
    for day in (7, 8, 9):
        make.slot(house.adviser, house.site, starts_at=f"2026-12-0{day}T09:00")
    page = visit(client, f"/formation/{house.training.public_id}")
    assert len(page.all("ul.rdv-slots")[0].all("li")) == 4


def test_a_full_individual_slot_is_not_listed(client, house):
    taken = make.slot(house.adviser, house.site, starts_at="2026-12-01T09:00")
    make.booking(taken)
    assert path(taken) not in visit(client, f"/cfa/{house.cfa.public_id}?dates=toutes").html


@pytest.mark.parametrize(
    ("capacity", "taken", "said"),
    [
        (12, 6, None), (12, 7, "Plus que 5 places"), (12, 11, "Plus qu’une place"), (3, 0, None), (3, 1, "Plus que 2 places"),
    ],
)  # fmt: skip
def test_places_left_are_told_only_when_few(client, house, capacity, taken, said):
    slot = make.slot(house.adviser, house.site, starts_at="2026-12-01T14:00", capacity=capacity)
    for _ in range(taken):
        make.booking(slot)
    page, home = visit(client, path(slot)), visit(client, f"/formation/{house.training.public_id}")
    line = home.all("a.rdv-slot")[0].text
    if said is None:
        assert "Plus que" not in page.text
        assert line.endswith("En groupe")
    else:
        assert said in page.text
        assert said.lower() in line.lower()


def test_sessions_with_titles_of_their_own_stay_apart_and_equal_ones_merge(client, house):
    with transaction():
        house.other.title = "Portes ouvertes des ateliers"
    colleague = make.adviser(house.cfa)
    twin = make.slot(colleague, house.site, house.kind, starts_at="2026-12-10T14:00", capacity=12)
    make.slot(make.adviser(house.cfa), house.site, house.kind, starts_at="2026-12-10T14:00", capacity=12)
    page = visit(client, f"/cfa/{house.cfa.public_id}?dates=toutes")
    lines = [node.text for node in page.all("a.rdv-slot")]
    assert len(lines) == 3
    assert sum("Portes ouvertes des ateliers" in line for line in lines) == 1
    with transaction():
        twin.seats_taken = 12
    try:
        links_shown = [
            node.get("href") for node in visit(client, f"/cfa/{house.cfa.public_id}?dates=toutes").all("a.rdv-slot")
        ]
        assert len(links_shown) == 3  # the line leads to the twin that is free
        assert path(twin) not in links_shown
    finally:
        with transaction():
            twin.seats_taken = 0


# -- the page of a session ------------------------------------------------------------------------------------------------


def test_a_session_tells_what_it_is_what_to_bring_and_never_who_comes(client, house):
    with transaction():
        house.other.title, house.other.programme = "Portes ouvertes", "14 h\u00a0: accueil.\n15 h\u00a0: ateliers."
    make.booking(house.other, request={"first_name": "Noé", "last_name": "Secret", "email": "secret@courriel.example"})
    page = visit(client, path(house.other))
    assert page.h1 == "Portes ouvertes"
    assert "Jeudi 10 décembre à 14 h" in page.text or "jeudi 10 décembre à 14 h" in page.text
    assert "15 h : ateliers." in page.text
    assert "Un CV." in page.text
    for address in (path(house.other), path(house.full), f"/formation/{house.training.public_id}"):
        shown = visit(client, address).text
        assert "Secret" not in shown
        assert "secret@" not in shown
    mine = submit(client, page, **LINA)
    assert "Secret" not in mine.text


def test_a_full_session_is_a_form_on_the_same_spot_with_other_dates(client, house):
    page = visit(client, path(house.full))
    assert "Complet : inscrivez-vous sur la liste d’attente" in page.text
    assert page.h1 == "Réunion d’information"
    assert page.links("jeudi 10 décembre")
    assert "M’inscrire sur la liste d’attente" in page.form().text


def test_joining_leads_to_a_page_that_says_the_rank_and_leaves_in_one_click(client, house):
    first = waits(client, house)
    assert "première place" in first.text
    second = waits(client, house, HUGO)
    assert "deuxième place" in second.text
    assert second.h1 == "Sur la liste d’attente"
    left = submit(client, first, form="quitter")
    assert left.h1 == "Sortie de la liste d’attente"
    assert left.links("jeudi 10 décembre")
    assert entries() == ["left", "waiting"]
    again = submit(client, first, form="quitter")
    assert again.h1 == left.h1
    assert "première place" in page_of(client, HUGO["email"]).text


@pytest.mark.parametrize("seated", [False, True])
def test_the_same_person_twice_is_answered_neutrally_and_receives_the_link_again(client, house, seated):
    waits(client, house)
    if seated:
        free_one(house)
        submit(client, page_of(client, LINA["email"]), form="accepter")
    twice = submit(client, visit(client, path(house.full)), status=409, **LINA)
    assert twice.h1 == "Votre rendez-vous est peut-être déjà réservé"
    count = db.session.scalar(sa.select(sa.func.count()).select_from(WaitlistEntry))
    resent = db.session.scalars(sa.select(OutgoingMail.to_email).filter_by(kind="personal_link")).all()
    assert (count, resent) == (1, ["lina@courriel.example"])


def test_a_list_asks_for_an_address(client, house):
    page = visit(client, path(house.full))
    again = submit(client, page, status=422, **{**LINA, "email": ""}, phone="06 12 34 56 78")
    assert "elle vous y est proposée" in again.one("#email-error").text
    assert "La dernière place vient d’être prise" not in again.text  # it was full already
    assert entries() == []
    submit(client, again, email="lina@courriel.example")
    assert entries() == ["waiting"]


def test_the_last_seat_taken_while_typing_leads_to_the_list_as_typed(client, house):
    free_one(house)
    page = visit(client, path(house.full))
    submit(client, visit(client, path(house.full)), **HUGO)
    again = submit(client, page, status=409, **LINA, text="Bonjour")
    assert "La dernière place vient d’être prise" in again.text
    assert again.fields()["text"] == ["Bonjour"]
    done = submit(client, again, button="liste d’attente")
    assert "première place" in done.text
    elsewhere = submit(
        client, submit(client, page, status=409, **{**LINA, "email": "nora@courriel.example"}), button="jeudi 10"
    )
    assert elsewhere.h1 == "Rendez-vous confirmé"


def test_a_refusal_of_the_list_is_said(client, house, change_settings):
    page = visit(client, path(house.full))
    change_settings(limit_posts_per_contact=0)
    again = submit(client, page, status=429, **LINA)
    assert again.errors
    assert again.fields()["first_name"] == ["Lina"]
    assert entries() == []


def test_a_session_that_begins_in_ten_minutes_takes_no_name(client, house):
    page = visit(client, path(house.full))
    house.time.to("2026-12-03T13:50+01:00")
    assert "Ce créneau n’est plus disponible" in visit(client, path(house.full)).text
    house.time.to("2026-12-03T11:50+01:00")
    page = visit(client, path(house.full))
    house.time.to("2026-12-03T13:50+01:00")
    submit(client, page, status=409, **LINA)
    assert entries() == []


def test_a_centre_that_closed_takes_no_name(client, house):
    page = visit(client, path(house.full))
    with transaction():
        house.cfa.closed_at = clock.now()
    submit(client, page, status=409, **LINA)
    assert entries() == []


# -- guests ---------------------------------------------------------------------------------------------------------------


def test_guests_are_asked_only_where_they_are_welcome(client, house):
    assert "guests" not in visit(client, path(house.other)).fields()
    with transaction():
        house.kind.guests_allowed = 2
    page = visit(client, path(house.other))
    assert len(page.all("select[name=guests] option")) == 3
    submit(client, page, **LINA, guests=2)
    held = db.session.scalars(sa.select(Booking).order_by(Booking.id.desc())).first()
    assert (held.guests, held.seats, house.other.seats_taken) == (2, 1, 1)


def test_guests_who_count_need_seats_and_the_list_is_offered_beside(client, house):
    with transaction():
        house.kind.guests_allowed, house.kind.guests_counted = 3, True
    free_one(house)
    crowded = submit(client, visit(client, path(house.full)), status=409, **LINA, guests=1)
    assert "Il reste 1 place : venez avec moins de personnes" in " ".join(crowded.errors)
    done = submit(client, crowded, button="liste d’attente")
    assert "première place" in done.text
    submit(client, visit(client, path(house.full)), **HUGO)  # alone, the free seat suits him
    entry = db.session.scalars(sa.select(WaitlistEntry)).one()
    assert (entry.guests, entry.seats, entry.status, house.full.seats_taken) == (1, 2, "waiting", 3)


def test_a_forged_number_of_guests_is_refused(client, house):
    with transaction():
        house.kind.guests_allowed = 1
    fields = {**visit(client, path(house.other)).fields(), **LINA, "guests": "9"}
    assert client.post(path(house.other), data=fields, headers=SAME_SITE).status_code == 422
    assert house.other.seats_taken == 0


# -- an offer ---------------------------------------------------------------------------------------------------------------


def test_from_a_freed_seat_to_a_confirmed_one(client, house):
    waits(client, house)
    free_one(house)
    page = page_of(client, LINA["email"])
    assert page.h1 == "Une place à accepter"
    assert "jusqu’au lundi 23 novembre à 12 h" in page.text
    before = db.session.scalar(sa.select(sa.func.count()).select_from(RequestEvent))
    visit(client, page.path)  # opening it accepts nothing
    assert db.session.scalar(sa.select(sa.func.count()).select_from(RequestEvent)) == before
    done = submit(client, page, form="accepter")
    assert done.h1 == "Rendez-vous confirmé"
    assert entries() == ["accepted"]
    again = submit(client, page, form="accepter")  # the button pressed twice
    assert again.h1 == "Rendez-vous confirmé"
    assert house.full.seats_taken == 3


def test_a_button_pressed_at_once_is_not_taken_for_a_robot(client, house, change_settings):
    waits(client, house)
    free_one(house)
    change_settings(form_min_seconds=2)
    assert submit(client, page_of(client, LINA["email"]), form="accepter").h1 == "Rendez-vous confirmé"


def test_refusing_gives_the_seat_to_the_next_one(client, house):
    waits(client, house)
    waits(client, house, HUGO)
    free_one(house)
    page = page_of(client, LINA["email"])
    assert submit(client, page, form="refuser").h1 == "Sortie de la liste d’attente"
    assert entries() == ["left", "offered"]
    submit(client, page, form="accepter", status=409)
    assert entries() == ["left", "offered"]


def test_an_offer_answered_too_late_says_so(client, house):
    waits(client, house)
    free_one(house)
    page = page_of(client, LINA["email"])
    house.time.tick(hours=2)
    late = submit(client, page, form="accepter", status=409)
    assert "Cette place n’est plus gardée pour vous" in late.text
    assert jobs.run(END_OFFERS)
    ended = visit(client, page.path)
    assert ended.h1 == "L’attente est terminée"
    assert (entries(), house.full.seats_taken) == (["closed"], 2)


@pytest.mark.parametrize("act", ["place/accepter", "place/refuser", "liste-attente/quitter", "plus-tot"])
def test_an_answer_needs_our_form_and_one_s_own_offer(client, house, act):
    waits(client, house)
    waits(client, house, HUGO)
    free_one(house)
    free_one(house, 1)
    mine, his = page_of(client, LINA["email"]), page_of(client, HUGO["email"])
    held = db.session.scalars(sa.select(SeatHold).order_by(SeatHold.id)).all()
    for fields, headers in (
        ({"place": held[0].public_id}, SAME_SITE),
        ({"place": held[0].public_id, "form_token": "faux"}, SAME_SITE),
        ({**his.fields("accepter")}, SAME_SITE),
        ({**mine.fields("accepter")}, {**SAME_SITE, "Sec-Fetch-Site": "cross-site"}),
    ):
        answer = client.post(f"{mine.path}/{act}", data=fields, headers=headers)
        assert answer.status_code in (400, 404, 409), fields
    assert entries() == ["offered", "offered"]


def test_who_asks_for_somebody_answers_from_their_own_page(client, house):
    done = waits(client, house, LINA, asker="parent", asker_first_name="Nadia", asker_email="nadia@courriel.example")
    free_one(house)
    told = db.session.scalars(sa.select(OutgoingMail.to_email).filter_by(kind="seat_offered")).all()
    assert sorted(told) == ["lina@courriel.example", "nadia@courriel.example"]
    accepted = submit(client, visit(client, done.path), form="accepter")
    assert "confirmé" in accepted.h1
    booked = db.session.scalars(sa.select(RequestEvent).filter_by(kind="booked")).one()
    assert booked.data["by"] == "asker"


# -- an earlier meeting -------------------------------------------------------------------------------------------------------


def test_asking_for_an_earlier_meeting_and_taking_it(client, house):
    interview = make.meeting_type(house.cfa, title="Entretien")
    soon = make.slot(house.adviser, house.site, interview, starts_at="2026-11-26T10:00")
    taken = make.booking(soon)
    far = make.slot(house.adviser, house.site, interview, starts_at="2026-12-15T10:00")
    page = submit(client, visit(client, path(far)), **LINA)
    wished = submit(client, page, form="plus-tot")
    assert "C’est noté" in wished.text
    with transaction():
        booking.cancel(taken, "candidate", clock.now())
    offered = visit(client, page.path)
    assert offered.h1 == "Rendez-vous confirmé"
    assert "Un rendez-vous plus tôt s’est libéré : Jeudi 26 novembre à 10 h" in offered.text
    moved = submit(client, offered, form="accepter")
    assert "Jeudi 26 novembre à 10 h" in moved.text
    assert (entries(), soon.seats_taken, far.seats_taken) == (["accepted"], 1, 0)


def test_a_wish_is_dropped_in_one_click_and_not_offered_to_near_meetings(client, house):
    far = make.slot(house.adviser, house.site, starts_at="2026-12-15T10:00")
    near = make.slot(house.adviser, house.site, starts_at="2026-11-26T10:00")
    page = submit(client, visit(client, path(far)), **LINA)
    wished = submit(client, page, form="plus-tot")
    assert "Demande d’un rendez-vous plus tôt" in wished.text
    stopped = submit(client, wished, form="quitter")
    assert entries() == ["left"]
    assert "Demande d’un rendez-vous plus tôt retirée" in stopped.text
    assert "liste d’attente" not in stopped.text
    assert "Me prévenir si une place plus tôt se libère" in stopped.text
    close = submit(client, visit(client, path(near)), **HUGO)
    assert "plus-tot" not in close.html
