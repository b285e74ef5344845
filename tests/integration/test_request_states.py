"""Whatever is done to a request, in whatever order: its columns are the fold of its events, and the ladder never forgets it."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rdv import booking, booking_for, clock, inbox, integrity, jobs, ladder
from rdv.candidate import Candidate, Submission
from rdv.db import db, transaction
from rdv.errors import RdvError
from rdv.models import CandidateRequest, User
from tests import make

ACTS = (
    "answer", "elsewhere", "call", "call", "note", "assign", "close", "reopen", "candidate_note", "windows", "undo",
    "book", "cancel", "look", "look", "look", "contacted", "not_contacted", "wake",
)  # fmt: skip
RESULTS = ("reached", "voicemail", "no_answer", "wrong_number", "call_later")


class Life:
    """One request of a centre, its people, and what may be done to it."""

    def __init__(self, cfa, site, adviser: User, number: int) -> None:
        self.site, self.adviser = site, adviser
        self.done: list[str] = []
        person = Candidate("Zoé", f"Lambert {number}", f"zoe{number}@courriel.example", "+33199000001")
        with transaction():
            made = inbox.open_request("callback", cfa, person, Submission(f"{number:024d}", "d"), clock.now())
        self.id = made.id

    @property
    def request(self) -> CandidateRequest:
        return db.session.get_one(CandidateRequest, self.id)

    def act(self, name: str, which: int) -> None:
        """Do something, unless the rules refuse it now."""
        now, request, user = clock.now(), self.request, self.adviser
        slot = (
            make.slot(user, self.site, starts_at=now + timedelta(days=3 + len(self.done))) if name == "book" else None
        )
        held = request.booking
        acts = {
            "answer": lambda: inbox.answer(request, "Oui.", ("staff", "cfa_link")[which % 2], now, user=user),
            "elsewhere": lambda: inbox.answered_elsewhere(request, "staff", now, user=user),
            "call": lambda: inbox.log_call(
                request, RESULTS[which % 5], "staff", now, user=user, next_at=now + timedelta(days=1 + which)
            ),
            "note": lambda: inbox.note(request, "Vu.", now, user=user),
            "assign": lambda: inbox.assign(request, user if which % 2 else None, now, user=user),
            "close": lambda: inbox.close(request, inbox.CLOSING_OUTCOMES[which % 5], "staff", now, user=user),
            "reopen": lambda: inbox.reopen(request, "staff", now, user=user),
            "candidate_note": lambda: inbox.add_candidate_note(request, "Toujours là ?", now),
            "windows": lambda: inbox.change_windows(request, [("matin", "soir")[which % 2]], now),
            "undo": lambda: self._undone(which),
            "book": lambda: booking_for.book(slot, request, now, user),
            "cancel": lambda: booking.cancel(held, ("staff", "candidate")[which % 2], now) if held else None,
            "look": lambda: jobs.follow_up(now),
            "contacted": lambda: ladder.say(request, True, now),
            "not_contacted": lambda: ladder.say(request, False, now),
            "wake": lambda: inbox.wake_as_call(request, now),
        }
        try:
            if name == "look":
                acts[name]()
            else:
                with transaction():
                    acts[name]()
            self.done.append(name)
        except RdvError:
            db.session.rollback()

    def _undone(self, which: int) -> None:
        """Do something, and take it back."""
        now, request, user = clock.now(), self.request, self.adviser
        if which % 3 == 0:
            done = inbox.log_call(request, RESULTS[which % 4], "staff", now, user=user)
        elif which % 3 == 1:
            done = inbox.answer(request, "Oui.", "staff", now, user=user, undoable=True)
        else:
            done = inbox.close(request, "answered", "staff", now, user=user)
        inbox.undo(request, done.id, now, user)

    def check(self) -> None:
        """The guarantee."""
        request = self.request
        assert inbox.rebuild(request) == inbox.state.of(request), self.done
        if request.status in inbox.TO_TREAT:
            assert request.follow_up_at is not None, self.done
            assert request.due_at is not None


def test_the_state_is_that_of_the_thread_whatever_happens(app, freeze):
    frozen = freeze("2026-11-24T08:00Z")
    cfa = make.cfa()
    site = make.site(cfa)
    adviser = make.adviser(cfa)
    lives: list[Life] = []

    @settings(
        max_examples=14, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(
        st.lists(
            st.tuples(st.sampled_from(ACTS), st.integers(0, 9), st.sampled_from([0, 1, 200, 1500, 3000, 8000])),
            min_size=12, max_size=24,
        )
    )  # fmt: skip
    def live(acts):
        life = Life(cfa, site, adviser, len(lives) + 1)
        lives.append(life)
        life.check()
        for name, which, minutes in acts:
            frozen.tick(minutes=minutes)
            life.act(name, which)
            life.check()

    live()
    done = {name for life in lives for name in life.done}
    assert done == set(ACTS), f"never done: {set(ACTS) - done}"
    # No mail leaves here.
    assert [each for each in integrity.check(clock.now()).findings if "attente" not in each.check] == []
