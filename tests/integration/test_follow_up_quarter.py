"""Thirteen weeks of a service, driven by two workers over a frozen clock, judged on what the mailboxes got.

From 5 October 2026: the clock change, 11 November, Christmas, a closure of two weeks, absences, a conseillère who leaves.
Nobody reads the outbox here: whoever was told is whoever the SMTP server heard of.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from email.message import EmailMessage

import pytest
import sqlalchemy as sa

from rdv import clock, deadlines, inbox, integrity, ladder
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.errors import RdvError
from rdv.models import CandidateRequest, Closure, Membership, OpeningHours, OutgoingMail, Site, User
from tests import make
from tests.support.smtp import sink
from tests.support.ticks import Received, workers

BEGINS, ASKED_UNTIL, ENDS = date(2026, 10, 5), date(2026, 12, 18), date(2027, 1, 15)
REQUESTS = 60
MOST = 6  # mails to one address of the staff in a day
STAFF = ("À répondre avant", "En retard :")
CANDIDATE = ("n’a pas encore répondu", "n’a pas réussi à vous joindre")
CHECK = "vous a-t-il contacté"


class Quarter:
    """The centres, their people, what candidates ask and what the staff do, all drawn with one seed."""

    def __init__(self, frozen) -> None:
        self.clock, self.chance = frozen, random.Random(41)
        self.cfa = make.cfa(name="CFA des Tilleuls", email="accueil@tilleuls.example")
        self.lille = make.site(self.cfa, email=None, latitude=50.63, longitude=3.06)
        self.island = make.site(self.cfa, email=None, timezone="Indian/Reunion", territory="RE")
        for weekday in (0, 1, 4):
            make.saved(
                OpeningHours(site_id=self.island.id, weekday=weekday, opens_minute=8 * 60, closes_minute=16 * 60)
            )
        self.bare = make.cfa(name="CFA sans compte", email="contact@sans-compte.example", activated_at=None)
        self.bare_site = make.site(self.bare, email=None)
        self.trainings = [
            make.training(self.cfa, self.lille, email=None), make.training(self.cfa, self.island, email=None),
            make.training(self.bare, self.bare_site, email=None),
        ]  # fmt: skip
        self.manager = self._member("manager", "each", "alice@tilleuls.example")
        self.bob = self._member("adviser", "digest", "bob@tilleuls.example")
        self.carla = self._member("adviser", "late", "carla@tilleuls.example")
        self.leaves = self._member("adviser", "each", "denis@tilleuls.example")
        self._shut("2026-12-19", "2027-01-03", self.cfa)
        self._shut("2026-11-12", "2026-11-13", self.cfa, site_id=self.lille.id)
        self._shut("2026-11-23", "2026-11-27", self.cfa, user_id=self.carla.id)
        self._shut("2026-12-24", "2026-12-24", self.bare)
        self.acts: list[tuple[datetime, object]] = []
        for number in range(REQUESTS):
            self._plan(number)
        self.acts.append((self._at(date(2026, 11, 16), 12), self._leave))

    def _member(self, role: str, notices: str, email: str) -> User:
        person = make.member(self.cfa, role, email=email)
        with transaction() as session:
            session.execute(sa.update(Membership).where(Membership.user_id == person.id).values(notices=notices))
        return person

    def _shut(self, first: str, last: str, cfa, **whose) -> None:
        days = {"first_day": date.fromisoformat(first), "last_day": date.fromisoformat(last)}
        make.saved(Closure(cfa_id=cfa.id, **days, **whose))

    def _at(self, day: date, hour: int) -> datetime:
        return clock.from_wall(day, time(hour), clock.PARIS)

    def _leave(self) -> None:
        with transaction() as session:
            session.execute(
                sa.update(Membership).where(Membership.user_id == self.leaves.id).values(ended_at=clock.now())
            )

    def _plan(self, number: int) -> None:
        """Plan one request, at any hour of any day, and what becomes of it."""
        chance = self.chance
        days = (ASKED_UNTIL - BEGINS).days
        at = self._at(BEGINS + timedelta(days=chance.randrange(days)), chance.choice((3, 9, 11, 15, 16, 22)))
        training = self.trainings[chance.choice((0, 0, 0, 1, 1, 2))]
        story = chance.choice(
            ("nobody", "nobody", "soon", "soon", "late", "called", "called in vain", "elsewhere", "later", "no")
        )
        owner = chance.choice((None, self.bob, self.carla, self.leaves)) if training.cfa_id == self.cfa.id else None
        self.acts.append((at, lambda: self._ask(number, training, story, owner, at)))

    def _ask(self, number: int, training, story: str, owner, at: datetime) -> None:
        person = Candidate("Zoé", "Lambert", f"zoe{number}@courriel.example", "+33199000001")
        with transaction():
            request = inbox.open_request(
                "callback", training.cfa, person, Submission(f"{number:024d}", "d"), clock.now(), training=training,
                callback_windows=["matin"],
            )  # fmt: skip
            if owner is not None and inbox.works_for(training.cfa_id, owner.id):
                inbox.assign(request, owner, clock.now(), user=self.manager)
        user = self.bob if training.cfa_id == self.cfa.id else None
        by = "staff" if user else "cfa_link"
        days = timedelta(days=1)
        planned = {
            "soon": [(days, lambda r: inbox.answer(r, "Oui, venez.", by, clock.now(), user=user))],
            "late": [(5 * days, lambda r: inbox.answer(r, "Pardon du retard.", by, clock.now(), user=user))],
            "called": [
                (days, lambda r: inbox.log_call(r, "no_answer", by, clock.now(), user=user)),
                (3 * days, lambda r: inbox.log_call(r, "reached", by, clock.now(), user=user)),
            ],
            "called in vain": [
                (days, lambda r: inbox.log_call(r, "voicemail", by, clock.now(), user=user)),
                (2 * days, lambda r: inbox.log_call(r, "no_answer", by, clock.now(), user=user)),
            ],
            "elsewhere": [(days, lambda r: inbox.answered_elsewhere(r, by, clock.now(), user=user))],
            "later": [
                (days, lambda r: inbox.log_call(r, "call_later", by, clock.now(), user=user, next_at=at + 9 * days))
            ],
            # « Non, pas encore », once they have been asked.
            "no": [
                (days, lambda r: inbox.answered_elsewhere(r, by, clock.now(), user=user)),
                (8 * days, lambda r: ladder.say(r, False, clock.now())),
            ],
        }.get(story, [])  # fmt: skip
        for after, act in planned:
            self.acts.append((at + after, lambda act=act: self._do(act, request.id)))

    def _do(self, act, request_id: int) -> None:
        try:
            with transaction() as session:
                act(session.get_one(CandidateRequest, request_id))
        except RdvError:
            pass  # it was answered meanwhile

    def play(self, until: datetime) -> None:
        """Do what people do until an instant, each at its own."""
        while ready := sorted((each for each in self.acts if each[0] <= until), key=lambda each: each[0])[:1]:
            self.acts.remove(ready[0])
            self.clock.to(ready[0][0])
            ready[0][1]()  # type: ignore[operator]
        self.clock.to(until)


def instants() -> list[datetime]:
    """The hours at which something may be due: digest, opening, half a day, closing; once a week-end by day and by night."""
    found = set()
    day = BEGINS
    while day <= ENDS:
        hours: tuple[tuple[int, int], ...] = ((8, 30), (9, 0), (13, 0), (17, 0))
        if day.weekday() >= 5:
            hours = ((13, 0),) if day.weekday() == 5 else ((0, 0),)
        found |= {clock.from_wall(day, time(*each), clock.PARIS) for each in hours}
        day += timedelta(days=1)
    return sorted(found)


def matters(now: datetime) -> bool:
    """Nothing else is done by a tick but what these say: the other instants are jumped over."""
    pending = sa.select(OutgoingMail.id).where(OutgoingMail.status == "pending", OutgoingMail.not_before <= now)
    looked = bool(ladder.to_look(now)) or db.session.scalar(pending.limit(1)) is not None
    morning = clock.to_zone(now, clock.PARIS).time() == time(8, 30)
    return looked or (morning and bool(ladder.digest.cfas_in_the_morning(now)))


@pytest.mark.concurrent
@pytest.mark.timeout(900)  # of a busy machine: half a minute of processor
def test_a_quarter_leaves_nobody_without_an_answer(app, freeze, tmp_path, process_env, change_settings):
    frozen = freeze(datetime(2026, 10, 4, 22, tzinfo=UTC).isoformat())
    change_settings(staff_mails_most_per_day=MOST)
    quarter = Quarter(frozen)
    got: list[tuple[datetime, EmailMessage]] = []
    with sink(tmp_path / "sink") as relay:
        env = {
            **process_env, "MAIL_BACKEND": "smtp", "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(relay.port),
            "MAIL_TLS": "none", "STAFF_MAILS_MOST_PER_DAY": str(MOST),
        }  # fmt: skip
        received = Received(relay)
        with workers(2, env) as two:
            for instant in instants():
                quarter.play(instant)
                db.session.rollback()
                if matters(instant):
                    two.tick(instant)
                    got += [(instant, mail) for mail in received.new()]
    assert not quarter.acts
    db.session.rollback()
    _nobody_is_left(got)
    _nothing_twice(got)
    _nothing_at_a_wrong_hour(quarter, got)
    _nobody_is_flooded(got)
    assert integrity.check(clock.now()).sound


def _requests() -> list[CandidateRequest]:
    return list(db.session.scalars(sa.select(CandidateRequest).order_by(CandidateRequest.id)))


def _about(got, *words: str) -> dict[str, list[tuple[datetime, EmailMessage]]]:
    """By address, what was received whose subject says so."""
    found = defaultdict(list)
    for instant, mail in got:
        if any(each in mail["Subject"].replace("\u00a0", " ") for each in words):
            found[mail["To"]].append((instant, mail))
    return found


def _nobody_is_left(got) -> None:
    told = _about(got, *CANDIDATE)
    requests = _requests()
    assert len(requests) == REQUESTS
    left = [each.reference for each in requests if each.first_answered_at is None and each.email not in told]
    assert left == []
    assert {each.status for each in requests if each.first_answered_at is None} <= {"new", "in_progress"}
    # Each story was lived: otherwise this proves little.
    assert len(told) >= 15
    assert len(_about(got, CHECK)) >= 5
    assert len(_about(got, "dit ne pas avoir été contacté")) >= 1
    assert len(_about(got, "Vos demandes ce matin")["bob@tilleuls.example"]) >= 20


def _nothing_twice(got) -> None:
    assert len({mail["Message-ID"] for _, mail in got}) == len(got)
    told, asked = _about(got, *CANDIDATE), _about(got, CHECK)
    for request in _requests():
        rungs: list[int] = []
        lasts = 0
        for event in request.events:
            if event.kind in ("contact_check", "reopened"):
                rungs.clear()
            elif event.kind == "follow_up":
                assert event.data["rung"] not in rungs, request.reference
                rungs.append(event.data["rung"])
                lasts += event.data["rung"] == ladder.TOLD
        assert rungs == sorted(rungs)
        assert len(told.get(request.email or "", ())) == lasts, request.reference
        assert len(asked.get(request.email or "", ())) <= 1, request.reference
        assert inbox.rebuild(request) == inbox.state.of(request)


def _nothing_at_a_wrong_hour(quarter, got) -> None:
    by_reference = {each.reference: each for each in _requests()}
    hours = {
        site.id: deadlines.Hours(site, site.cfa_id, BEGINS)
        for site in db.session.scalars(sa.select(Site).order_by(Site.id))
    }
    reminded = 0
    for mails in _about(got, *STAFF).values():
        for instant, mail in mails:
            text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
            request = next(each for reference, each in by_reference.items() if reference in text)
            assert hours[request.site_id].is_open(instant), (instant, mail["To"], mail["Subject"])
            reminded += 1
    assert reminded >= 40
    for instant, mail in [each for mails in _about(got, *CANDIDATE, CHECK).values() for each in mails]:
        request = next(each for each in by_reference.values() if each.email == mail["To"])
        assert 8 <= clock.to_zone(instant, request.site.timezone).hour < 20, (instant, mail["Subject"])
        if any(word in mail["Subject"].replace("\u00a0", " ") for word in CANDIDATE):
            assert instant >= request.due_at or "contact_check" in {event.kind for event in request.events}
    for instant, mail in [each for mails in _about(got, "Vos demandes ce matin").values() for each in mails]:
        day = clock.to_zone(instant, clock.PARIS).date()
        site = quarter.bare_site if mail["To"] == "contact@sans-compte.example" else quarter.lille
        assert hours[site.id].of_day(day), (instant, mail["To"])
    # The outer limit: who was never called, answered or heard was told on the fourth working day, at its end.
    silent = [
        each
        for each in by_reference.values()
        if {event.kind for event in each.events} <= {"created", "assigned", "follow_up"}
    ]
    told = _about(got, *CANDIDATE)
    assert len(silent) >= 8
    for request in silent:
        limit = deadlines.due_at(request.created_at, request.site, 4, request.cfa_id)
        ((when, _),) = told[request.email or ""]
        assert timedelta() <= when - limit <= timedelta(hours=4), (request.reference, when, limit)  # our next instant


def _nobody_is_flooded(got) -> None:
    staff = ("@tilleuls.example", "@sans-compte.example")
    days = Counter(
        (mail["To"], clock.to_zone(instant, clock.PARIS).date()) for instant, mail in got if mail["To"].endswith(staff)
    )
    assert max(days.values()) <= MOST + 1  # the digest too
    digests = Counter(
        (mail["To"], instant.date())
        for instant, mail in got
        if "Vos demandes ce matin" in mail["Subject"].replace("\u00a0", " ")
    )
    assert set(digests.values()) == {1}
