"""What candidates read of the time an answer takes: measured, in working time of the place, and never embellished."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from rdv import clock, inbox, jobs, promise
from rdv.db import db
from rdv.models import Cfa, FirstAnswer, Site
from rdv.models.closure import Closure
from tests import make
from tests.support.pages import submit, visit

TUESDAY = "2026-11-24T08:00Z"  # 9 h in Lille, where places are open from 9 h to 17 h


@pytest.fixture
def place(app, freeze):
    freeze(TUESDAY)
    return make.site(make.cfa())


def said(site: Site, now=None) -> promise.Promise:
    return promise.when_asked(site.cfa, site, now or clock.now())


def measured(row: Cfa | Site, minutes: int | None) -> None:
    with make.writing():
        row.answer_median = minutes


@pytest.mark.sqlite_only  # arithmetic on one row; its SQL is exercised by the pages
@pytest.mark.parametrize(
    ("at", "median", "words"),
    [
        (TUESDAY, None, None),
        (TUESDAY, 0, "dans l’heure"),
        (TUESDAY, 60, "dans l’heure"),
        (TUESDAY, 61, "dans la journée"),
        (TUESDAY, 480, "dans la journée"),  # 17 h, the closing time
        (TUESDAY, 481, "sous 1\u00a0jour ouvré"),
        (TUESDAY, 960, "sous 1\u00a0jour ouvré"),
        (TUESDAY, 961, "sous 2\u00a0jours ouvrés"),
        (TUESDAY, 1440, "sous 2\u00a0jours ouvrés"),  # exactly what is promised
        (TUESDAY, 1441, None),  # slower than what is promised: the date alone
        ("2026-11-24T15:30Z", 31, "sous 1\u00a0jour ouvré"),  # 16:30: half an hour is left today
        ("2026-11-24T15:30Z", 30, "dans l’heure"),
        ("2026-11-24T07:30Z", 20, "dans l’heure"),  # before it opens, 20 minutes after are within the hour
        ("2026-11-27T15:55Z", 30, "sous 1\u00a0jour ouvré"),  # Friday 16:55: on Monday
        ("2026-11-29T10:00Z", 10, "sous 1\u00a0jour ouvré"),  # on a Sunday
    ],
)
def test_a_median_becomes_words_that_never_promise_sooner(place, freeze, at, median, words):
    freeze(at)
    measured(place, median)
    assert said(place).usual == words


@pytest.mark.sqlite_only  # the same
def test_the_median_of_the_place_comes_before_that_of_the_centre(place):
    measured(place.cfa, 61)
    assert said(place).usual == "dans la journée"
    measured(place, 5)
    assert said(place).usual == "dans l’heure"
    assert promise.when_asked(place.cfa, None, clock.now()).usual == "dans la journée"


def test_during_a_closure_it_says_when_answers_resume(place, client, freeze):
    measured(place, 60)
    training = make.training(place.cfa, place)
    request = make.candidate_request(place.cfa, site_id=place.id, due_at=clock.now() + timedelta(days=2))
    make.saved(
        Closure(cfa_id=place.cfa_id, first_day=clock.now().date() - timedelta(days=1), last_day=clock.now().date())
    )
    told = said(place)
    assert told.resumes == "mercredi\u00a025\u00a0novembre"
    page = visit(client, f"/formation/{training.public_id}")
    assert "Réponses à partir du mercredi 25 novembre, au plus tard jeudi 26 novembre à 17 h." in page.text
    assert "en général" not in page.text
    waits = promise.of_request(request, clock.now())
    assert waits is not None
    assert waits.to_who_waits.startswith("Le centre est fermé en ce moment\u00a0: réponses à partir du mercredi")


def test_it_is_said_to_who_asks_and_kept_true_on_their_page(place, client, freeze):
    measured(place, 200)
    training = make.training(place.cfa, place)
    page = visit(client, f"/formation/{training.public_id}")
    whole = "répond en général dans la journée, au plus tard jeudi 26 novembre à 17 h."
    assert page.text.count(f"Le centre {whole}") == 2  # beside « Être rappelé » and « Écrire »
    form = visit(client, f"/formation/{training.public_id}/ecrire")
    assert f"Le centre vous {whole}" in form.text
    done = submit(client, form, first_name="Zoé", last_name="Lambert", email="zoe@courriel.example", text="Bonjour")
    assert f"Le centre {whole}" in done.text
    address = done.url
    clock_ = freeze("2026-11-24T11:30Z")  # 12:30: the 200 minutes have passed
    assert "Réponse attendue avant jeudi 26 novembre à 17 h." in visit(client, address).text
    clock_.to("2026-11-26T16:01Z")
    assert "Il est en retard" in visit(client, address).text


def answers(
    cfa: Cfa, site: Site | None, minutes: list[int], ago: timedelta = timedelta(days=1), mode="message"
) -> None:
    """Write requests that were answered `ago`, after so many working minutes."""
    with make.writing() as session:
        for each in minutes:
            request = make.candidate_request(cfa, mode=mode, site_id=site.id if site else None)
            at = clock.now() - ago
            session.add(
                FirstAnswer(
                    request_id=request.id, cfa_id=cfa.id, site_id=site.id if site else None, mode=mode,
                    month=at.date().replace(day=1), minutes=each, on_time=True, answered_at=at,
                )
            )  # fmt: skip


def night() -> None:
    jobs.refresh_medians(clock.now())
    db.session.rollback()


def test_each_night_writes_the_medians_of_ninety_days_with_five_answers_at_least(place, freeze):
    cfa, other = place.cfa, make.site(place.cfa)
    answers(cfa, place, [9, 1, 5, 7, 3, 11])
    answers(cfa, place, [900] * 20, ago=timedelta(days=92))
    answers(cfa, other, [100] * 4)
    answers(cfa, None, [2])
    before = {row.id: row.updated_at for row in db.session.scalars(sa.select(Site))}
    freeze("2026-11-25T01:00Z")
    night()
    assert (place.answer_median, other.answer_median, cfa.answer_median) == (5, None, 9)
    assert {row.id: row.updated_at for row in db.session.scalars(sa.select(Site))} == before  # calendars stay fresh
    # What is too old to count is forgotten.
    with make.writing() as session:
        session.execute(sa.update(FirstAnswer).values(answered_at=clock.now() - timedelta(days=91)))
    night()
    assert (place.answer_median, cfa.answer_median) == (None, None)


def test_a_meeting_called_back_by_the_centre_is_no_first_answer(place):
    adviser = make.adviser(place.cfa)
    booking = make.booking(make.slot(adviser, place), request={"email": None, "created_at": clock.now()})
    with make.writing():
        inbox.wake_as_call(booking.request, clock.now())
        inbox.log_call(booking.request, "reached", "staff", clock.now() + timedelta(hours=1), user=adviser)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(FirstAnswer)) == 0
