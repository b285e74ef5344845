"""The composer of a request's page: words, a saved reply, slots to propose; what it shows beside, and the acts it posts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import wtforms
from flask import url_for
from wtforms import validators

from rdv import clock, directory, french, inbox, proposals, replies, slots, viewers
from rdv.candidate import REASONS
from rdv.db import transaction
from rdv.errors import NotFound
from rdv.models import CandidateRequest, RequestEvent, SavedReply, User
from rdv.web.forms import MultiCheckbox, Required, tidy
from rdv.web.staff.forms import StaffForm

LONGEST_ANSWER = 5000  # characters
PRESELECTED = 3  # slots, when a saved reply announces some
SINCE_SHOWN = 10  # events of a colleague


class ComposerForm(StaffForm):
    text = wtforms.TextAreaField(
        "Votre réponse",
        [
            Required("Écrivez votre réponse avant de l’envoyer."),
            validators.Length(max=LONGEST_ANSWER, message="Ce texte est trop long\u00a0: %(max)d caractères au plus."),
        ],
        filters=[tidy],
    )
    reply = wtforms.SelectField("Réponse type", default="", validate_choice=False)
    slots = MultiCheckbox("Créneaux à proposer", validate_choice=False)
    keep = wtforms.BooleanField("Garder ces créneaux 24\u00a0heures pour cette personne", default=True)
    free_choice = wtforms.BooleanField("La laisser choisir parmi toutes les dates")

    def offer(self, found: CandidateRequest, now: datetime) -> None:
        """List the slots and the saved replies of this request."""
        free = proposals.choices(found, now)
        zones = {site.id: site.timezone for site in directory.sites_by_id(slot.site_id for slot in free).values()}
        self.slots.choices = [
            (
                slot.public_id,
                f"{french.moment(slot.starts_at, zones[slot.site_id])}, {slots.PLACE_LABELS[slot.place].lower()}",
            )
            for slot in free
        ]
        self.library = replies.for_request(found)
        self.reply.choices = _grouped(self.library, found)

    library: list[SavedReply]

    @property
    def chosen_reply(self) -> SavedReply | None:
        """The saved reply of the list, if any."""
        return next((each for each in self.library if each.public_id == self.reply.data), None)

    def insert(self, found: CandidateRequest) -> None:
        """Add the chosen saved reply to what is typed, its variables filled; slots are chosen for one that announces some."""
        chosen = self.chosen_reply
        if chosen is None:
            self.reply.errors = ["Choisissez une réponse type dans la liste."]
            return
        filled = replies.fill(chosen.text, replies.values_of(found))
        self.text.data = "\n\n".join(part for part in (self.text.data, filled.text) if part)
        if replies.SLOTS in filled.missing and not self.slots.data:
            self.slots.data = [value for value, _ in self.slots.choices[:PRESELECTED]]

    def take_back(self, event: RequestEvent) -> None:
        """Show again the words and slots of an answer that was undone."""
        self.text.data = event.text
        self.slots.data = event.data.get("slots", [])
        self.keep.data = "kept" in event.data or not self.slots.data
        self.free_choice.data = proposals.leaves_choice(event)

    def left_in_braces(self, found: CandidateRequest) -> str | None:
        """Say what the text still holds in braces and nothing fills, slots aside: they are chosen below."""
        filled = replies.fill(self.text.data or "", replies.values_of(found, slots="–"))
        return replies.Unfilled(filled).message if filled.missing or filled.unknown else None


def _grouped(library: Sequence[SavedReply], found: CandidateRequest) -> list[tuple[str, str]]:
    """Return the list of replies; the questions of this person say so, and come first."""
    choices = [("", "Choisir…" if library else "Aucune pour l’instant")]
    for each in library:
        asked = each.reason in found.reasons
        choices.append(
            (
                each.public_id,
                f"{each.title} (question de la personne\u00a0: {REASONS[each.reason]})"
                if asked and each.reason
                else each.title,
            )
        )
    return choices


def send(found: CandidateRequest, form: ComposerForm, person: User, version: int) -> RequestEvent:
    """Send the answer, its variables filled; raises replies.Unfilled rather than send braces."""
    now = clock.now()
    proposed = proposals.find(found, form.slots.data or [])
    free_choice = bool(form.free_choice.data)
    filled = replies.fill(form.text.data, replies.values_of(found, proposals.written(proposed, free_choice)))
    if filled.missing or filled.unknown:
        raise replies.Unfilled(filled)
    chosen = form.chosen_reply
    with transaction():
        event = proposals.answer(
            found, filled.text, now, user=person, version=version, proposed=proposed, keep=bool(form.keep.data),
            free_choice=free_choice,
        )  # fmt: skip
        if chosen is not None:
            replies.used(chosen, now)
    return event


def take_back(found: CandidateRequest, event_id: int, person: User) -> None:
    """Undo one's last act."""
    with transaction():
        proposals.undo(found, event_id, clock.now(), person)


@dataclass(frozen=True)
class Undo:
    """What was just done, and for how long it may be taken back."""

    event_id: int
    said: str
    seconds: int


SAID = {
    "answer": "Réponse envoyée à {name}.",
    "answered_elsewhere": "C’est noté.",
    "call": "C’est noté.",
    "closed": "C’est noté. Demande terminée.",
}


def undo_of(found: CandidateRequest, person: User, now: datetime) -> Undo | None:
    """Return what this person may still take back of a request, None when nothing."""
    event = found.events[-1] if found.events else None
    if event is None or not inbox.undoable(found, event, now, person):
        return None
    left = int((event.at + inbox.UNDO - now).total_seconds())
    planned = found.next_attempt_at if event.kind == "call" else None
    next_call = f" Prochain appel prévu {french.moment(planned, inbox.calling.zone_of(found))}." if planned else ""
    return Undo(event.id, SAID[event.kind].format(name=found.person_name) + next_call, max(left, 1))


def undone_by(found: CandidateRequest, person: User) -> RequestEvent | None:
    """Return the event that this person has just taken back, so that its words come back to where they were typed."""
    last = found.events[-1] if found.events else None
    if last is None or last.kind != "undone" or last.user_id != person.id:
        return None
    return next((event for event in found.events if event.id == last.data["event"]), None)


def since(found: CandidateRequest, version: int) -> list[RequestEvent]:
    """Return what happened to a request since the page of that version: each event raises it by one."""
    count = min(max(found.version - version, 0), SINCE_SHOWN)
    return list(found.events[-count:]) if count else []


def others_label(found: CandidateRequest, person: User, now: datetime) -> str | None:
    """« Carla Petit écrit une réponse. Bob Martin regarde aussi cette demande. », None when nobody else is there."""
    there = viewers.others(found, person, now)
    said = [
        f"{each.name} écrit une réponse." if each.writing else f"{each.name} regarde aussi cette demande."
        for each in there
    ]
    return " ".join(said) or None


def shown(found: CandidateRequest, form: ComposerForm, person: User, now: datetime) -> dict[str, Any]:
    """Return what the composer's part of the page reads."""
    values = replies.values_of(found)
    return {
        "undo": undo_of(found, person, now),
        "others": others_label(found, person, now),
        "presence_href": url_for("staff.request_presence", public_id=found.public_id),
        "reply_texts": {each.public_id: replies.fill(each.text, values).text for each in form.library},
        "variables": [
            (
                f"{{{name}}}",
                "les créneaux cochés plus bas"
                if name == replies.SLOTS
                else values[name] or "Aucune valeur\u00a0: à remplir",
            )
            for name in replies.VARIABLES
        ],
        "left_in_braces": form.left_in_braces(found),
    }


def found_event(found: CandidateRequest, posted: str | None) -> int:
    """Return the id of the event that an undo button names, or raise NotFound."""
    if not posted or not posted.isdecimal() or len(posted) > 18:
        raise NotFound
    return int(posted)
