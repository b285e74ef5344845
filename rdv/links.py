"""Absolute addresses that leave the house in mails, codes and calendars; a test holds them to the URL map."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from rdv.models import Cfa, OutgoingMail, PlatformConsent, Slot, Training, User
from rdv.models.request import CandidateRequest
from rdv.settings import settings
from rdv.tokens import sign_link, sign_short

ANSWER_LINK_SECONDS = 60 * 24 * 3600  # as today's service (reference/predecessor.md §7.9)
RESET_LINK_SECONDS = 2 * 3600
INVITATION_LINK_SECONDS = 14 * 24 * 3600
ACTIVATION_LINK_SECONDS = 60 * 24 * 3600


def absolute(path: str) -> str:
    """Return the public address of a path."""
    return settings().public_url + path


def personal_token(request: CandidateRequest, to: str | None = None) -> str:
    """Return the token of a request's own page for one of its people: the address or number `to`, else the candidate's."""
    return sign_link("personal", request.public_id, to or request.email or request.phone, request.link_version)


def new_personal_token(public_id: str, contact: str | None) -> str:
    """Return the token of the page of a request just made, whose links were never revoked, without reading it back."""
    return sign_link("personal", public_id, contact, 1)


def personal(request: CandidateRequest, to: str | None = None) -> str:
    """The page of the candidate, or of who asks for them: state, place, calendar file, move, cancel."""
    return absolute(f"/suivi/{personal_token(request, to)}")


def short(request: CandidateRequest, to: str) -> str:
    """The same page in few characters, for text messages to the number `to`; leads there for as long as the links live."""
    return absolute(f"/r/{sign_short(request.public_id, to, request.link_version)}")


def move(request: CandidateRequest, to: str | None = None) -> str:
    """Choose another slot for the meeting; « ?creneau=<public id> » preselects one."""
    return f"{personal(request, to)}/deplacer"


def cancel(request: CandidateRequest, to: str | None = None) -> str:
    """Give the seat back."""
    return f"{personal(request, to)}/annuler"


def take_slot(request: CandidateRequest, slot: _Public, to: str | None = None) -> str:
    """Book a slot for a request that exists already: a button, no form to fill; the reference stays the same."""
    return f"{personal(request, to)}/creneau/{slot.public_id}"


def choose_slot(request: CandidateRequest, to: str | None = None) -> str:
    """Every slot that a request may take, each leading to `take_slot`."""
    return f"{personal(request, to)}/creneaux"


def presence(request: CandidateRequest, to: str | None = None) -> str:
    """« Vous venez ? »: yes, no, or another day."""
    return f"{personal(request, to)}/presence"


def late(request: CandidateRequest, to: str | None = None) -> str:
    """« Je serai en retard », on the day."""
    return f"{personal(request, to)}/retard"


def redirect(request: CandidateRequest, to: str | None = None) -> str:
    """« Votre demande peut être transmise »: yes or no."""
    return f"{personal(request, to)}/transmettre"


def contacted(request: CandidateRequest, to: str | None = None) -> str:
    """« Avez-vous été contacté ? »: yes or no."""
    return f"{personal(request, to)}/contact"


def elsewhere(request: CandidateRequest, training: Training, to: str | None = None) -> str:
    """Another place that teaches the same, as offered to who had no answer."""
    return f"{personal(request, to)}/autre-centre/{training.public_id}"


def answer(request: CandidateRequest, to: str | None = None) -> str:
    """The page where a CFA reads and answers without signing in; bound to a member's address `to`, else to the request's."""
    token = sign_link("answer", request.public_id, to or request.recipient_email, request.link_version)
    return absolute(f"/demande/{token}")


def outcome(request: CandidateRequest, word: str, to: str | None = None) -> str:
    """The same page, with what was done already chosen (`rdv.outcomes`): one button writes it."""
    return f"{answer(request, to)}?resultat={word}"


def activate(cfa: Cfa, email: str) -> str:
    """« Activer notre espace »: who controls this address becomes the CFA's first manager."""
    return absolute(f"/activer/{sign_link('activate', cfa.public_id, email, cfa.link_version)}")


def platform_choice(consent: PlatformConsent, email: str) -> str:
    """Accept, refuse or ask a question about a platform, for the address that decides for the centre."""
    return absolute(f"/plateformes/{sign_link('platform', consent.public_id, email, consent.link_version)}")


def staff_platforms() -> str:
    """What the centre shows on each platform."""
    return absolute("/equipe/plateformes")


def invitation(user: User) -> str:
    """Choose a first password."""
    return absolute(f"/invitation/{sign_link('invitation', user.public_id, user.email, user.link_version)}")


def password_reset(user: User) -> str:
    """Choose a new password."""
    return absolute(f"/mot-de-passe/{sign_link('reset', user.public_id, user.email, user.link_version)}")


def training(training: Training) -> str:
    """The public page of a training."""
    return absolute(f"/formation/{training.public_id}")


def cfa(cfa: Cfa) -> str:
    """The public page of a CFA."""
    return absolute(f"/cfa/{cfa.public_id}")


class _Public(Protocol):
    @property
    def public_id(self) -> str: ...


def slot(slot: _Public) -> str:
    """The booking page of a slot, or of a free slot as the public sees it."""
    return absolute(f"/rendez-vous/{slot.public_id}")


def staff_request(request: CandidateRequest) -> str:
    """A request in the staff's inbox."""
    return absolute(f"/equipe/demandes/{request.public_id}")


def staff_slot(slot: Slot) -> str:
    """A slot in the staff's agenda."""
    return absolute(f"/equipe/creneaux/{slot.public_id}")


def staff_outcome(day: date, adviser_public_id: str, booking_public_id: str) -> str:
    """Say who came: the day of an adviser (local date), at a booking."""
    return absolute(f"/equipe/journee?jour={day.isoformat()}&conseiller={adviser_public_id}#rdv-{booking_public_id}")


def staff_agenda() -> str:
    """The week of the person who signs in."""
    return absolute("/equipe/agenda")


def staff_feeds() -> str:
    """The calendars that the person who signs in subscribes to."""
    return absolute("/equipe/calendriers")


def staff_inbox(query: str = "") -> str:
    """The requests to treat, or those of a filter (« retard=1 »)."""
    return absolute("/equipe/demandes" + (f"?{query}" if query else ""))


def staff_publish() -> str:
    """Publish slots."""
    return absolute("/equipe/creneaux/publier")


def staff_repeat_week() -> str:
    """Publish the slots of last week again."""
    return absolute("/equipe/creneaux/dupliquer")


def staff_diagnosis() -> str:
    """« Pourquoi mon lien n’affiche-t-il rien ? »."""
    return absolute("/equipe/diagnostic")


def staff_outcomes() -> str:
    """The past meetings that wait for a word on who came."""
    return absolute("/equipe/journee?sans-suite=1")


def platform_health() -> str:
    """What each platform sends, for the service team."""
    return absolute("/admin/sante/")


def problem(code: str) -> str:
    """The page that explains a refusal of the API: its type (RFC 9457)."""
    return absolute(f"/api/problemes/{code}")


def training_on(training: Training, platform_code: str) -> str:
    """The page of a training, as a platform's candidates reach it."""
    return absolute(f"/formation/{training.public_id}?origine={platform_code}")


def slot_on(slot: _Public, training: Training, platform_code: str) -> str:
    """The booking page of a slot for a training, as a platform's candidates reach it."""
    return absolute(f"/rendez-vous/{slot.public_id}?origine={platform_code}&formation={training.public_id}")


def home() -> str:
    """The first page."""
    return absolute("/")


def privacy() -> str:
    """What is done with personal data, and the rights over them."""
    return absolute("/donnees-personnelles")


def sign_in() -> str:
    """The staff's sign-in page."""
    return absolute("/connexion")


def admin_webhooks() -> str:
    """The service team's list of the addresses where platforms are told."""
    return absolute("/admin/evenements/")


def feed(secret: str) -> str:
    """The address of a calendar feed."""
    return absolute(f"/flux/{secret}.ics")


def free_slots_feed(cfa: Cfa) -> str:
    """The public calendar of a CFA's free slots, for its own site."""
    return absolute(f"/flux/cfa/{cfa.public_id}/creneaux-libres.ics")


def development_mail(mail: OutgoingMail) -> str:
    """One mail in the development outbox."""
    return absolute(f"/boite-envoi/{mail.public_id}")
