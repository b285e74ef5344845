"""The form that changes a published slot, and what was changed in it: only that reaches the other slots of its series."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import wtforms
from wtforms import validators

from rdv import changes, clock, french, slots
from rdv.models import Cfa, MeetingType, Slot, Training, User
from rdv.web.forms import MultiCheckbox, one_line, tidy
from rdv.web.staff.forms import StaffForm
from rdv.web.staff.publish_form import DAY_EXAMPLE, NOT_IN_LIST, TIME_EXAMPLE, WholeNumberField, check_video_url

_LONG = validators.Length(max=5000, message="Ce texte est trop long\u00a0: 5000 caractères au plus.")
TRAINING_SCOPES = {
    "site": "Toutes celles de ce lieu",
    "cfa": "Toutes celles du centre",
    "chosen": "Seulement certaines",
}


class ChangeForm(StaffForm):
    """What a slot is, as it can be typed; times are wall times of its site."""

    facts = wtforms.HiddenField()  # what the slot was when the page was shown
    scope = wtforms.RadioField("Que faut-il modifier", default="one", validate_choice=True)
    edited = wtforms.BooleanField("Modifier aussi les créneaux déjà modifiés à part")
    day = wtforms.DateField(
        "Jour", [validators.InputRequired(DAY_EXAMPLE)], format=["%Y-%m-%d", "%d/%m/%Y"],
        invalid_value_message="Cette date n’est pas lisible. " + DAY_EXAMPLE,
    )  # fmt: skip
    start = wtforms.TimeField(
        "Début", [validators.InputRequired(TIME_EXAMPLE)], format=["%H:%M", "%H:%M:%S", "%Hh%M", "%Hh"],
        invalid_value_message="Cette heure n’est pas lisible. " + TIME_EXAMPLE,
    )  # fmt: skip
    duration = WholeNumberField(
        "Durée, en minutes",
        [validators.InputRequired("Indiquez une durée, par exemple 20."),
         validators.NumberRange(5, 480, "Indiquez une durée entre 5 et 480 minutes, par exemple 20.")],
    )  # fmt: skip
    capacity = WholeNumberField(
        "Places",
        [validators.InputRequired("Indiquez un nombre de places, par exemple 12."),
         validators.NumberRange(1, 500, "Indiquez entre 1 et 500 places, par exemple 12.")],
    )  # fmt: skip
    meeting_type = wtforms.SelectField("Type de rendez-vous", invalid_choice_message=NOT_IN_LIST)
    title = wtforms.StringField(
        "Titre de cette réunion", [validators.Length(max=120, message="Raccourcissez\u00a0: 120 caractères au plus.")],
        filters=[one_line],
    )  # fmt: skip
    programme = wtforms.TextAreaField("Programme", [_LONG], filters=[tidy])
    what_to_bring = wtforms.TextAreaField("À apporter", [_LONG], filters=[tidy])
    adviser = wtforms.SelectField("Avec", invalid_choice_message=NOT_IN_LIST)
    site = wtforms.SelectField("Lieu de formation", invalid_choice_message=NOT_IN_LIST)
    place = wtforms.RadioField("Comment", choices=slots.PLACE_LABELS, invalid_choice_message=NOT_IN_LIST)
    room = wtforms.StringField(
        "Salle", [validators.Length(max=200, message="Raccourcissez\u00a0: 200 caractères au plus.")], filters=[one_line]
    )  # fmt: skip
    video_url = wtforms.StringField("Adresse de la visioconférence", filters=[one_line])
    training_scope = wtforms.RadioField(
        "Pour quelles formations", choices=TRAINING_SCOPES, invalid_choice_message=NOT_IN_LIST
    )
    trainings = MultiCheckbox("Formations choisies")
    listed = wtforms.RadioField(
        "Qui peut réserver",
        choices={"yes": "Tous les candidats, depuis votre page publique", "no": "Seulement les personnes à qui vous envoyez le lien"},
        invalid_choice_message=NOT_IN_LIST,
    )  # fmt: skip

    def offer(
        self, cfa: Cfa, slot: Slot, kinds: Sequence[MeetingType], advisers: Sequence[User], trainings: Sequence[Training],
        scopes: dict[str, str], alone: int,
    ) -> None:  # fmt: skip
        """Fill the lists of this CFA; the slot's own type, adviser and place stay offered once archived, gone or closed."""
        self._slot, self._trainings = slot, {each.public_id: each for each in trainings}
        self._kinds = {each.public_id: each for each in (*kinds, slot.meeting_type)}
        self._advisers = {each.public_id: each for each in (*advisers, slot.adviser)}
        self._sites = {each.public_id: each for each in cfa.sites if each.closed_at is None or each.id == slot.site_id}
        self.meeting_type.choices = {key: each.title for key, each in self._kinds.items()}
        self.adviser.choices = {key: each.shown_name for key, each in self._advisers.items()}
        self.site.choices = {
            key: each.shown_name + french.zone_suffix(each.timezone) for key, each in self._sites.items()
        }
        self.trainings.choices = {key: each.shown_title for key, each in self._trainings.items()}
        self.scope.choices = scopes
        if not scopes:
            del self.scope
        if not alone:
            del self.edited

    def begin(self) -> None:
        """Start from what the slot is."""
        slot = self._slot
        wall = clock.to_zone(slot.starts_at, slot.site.timezone)
        self.day.data, self.start.data = wall.date(), wall.time().replace(tzinfo=None)
        self.duration.data, self.capacity.data = _minutes(slot), slot.capacity
        self.meeting_type.data, self.adviser.data = slot.meeting_type.public_id, slot.adviser.public_id
        self.title.data, self.programme.data, self.what_to_bring.data = slot.title, slot.programme, slot.what_to_bring
        self.site.data, self.place.data = slot.site.public_id, slot.place
        self.room.data = slot.place_detail if slot.place == "on_site" else None
        self.video_url.data = slot.place_detail if slot.place == "video" else None
        self.training_scope.data, self.listed.data = slot.training_scope, "yes" if slot.listed else "no"
        self.trainings.data = [each.public_id for each in slot.trainings]
        self.facts.data = facts_of(slot)

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        if self.place.data == "video":
            try:
                check_video_url(self, self.video_url)
            except validators.StopValidation as refusal:
                self.refuse_field("video_url", str(refusal))
        if self.training_scope.data == "chosen" and not self.trainings.data:
            self.refuse_field("trainings", "Cochez au moins une formation.")
        return valid and not self.errors

    def refuse_field(self, name: str, message: str) -> None:
        """Put an error beside a field."""
        field = self._fields[name]
        field.errors = [*field.errors, message]

    @property
    def chosen_scope(self) -> str:
        return self.scope.data if self.scope else "one"

    @property
    def with_edited(self) -> bool:
        return bool(self.edited and self.edited.data)

    def change(self) -> changes.Change:
        """Return what was typed that the slot is not already."""
        slot = self._slot
        wall = clock.to_zone(slot.starts_at, slot.site.timezone).replace(tzinfo=None)
        typed = datetime.combine(self.day.data, self.start.data)
        days = (typed.date() - wall.date()).days
        minutes = (typed.hour - wall.hour) * 60 + typed.minute - wall.minute
        values = {name: value for name, value in self._columns().items() if value != getattr(slot, name)}
        chosen = (
            tuple(sorted(self._trainings[key].id for key in self.trainings.data or [])) if self._is_chosen else None
        )
        if chosen is not None and ({*chosen} != {each.id for each in slot.trainings} or "training_scope" in values):
            values["training_scope"] = "chosen"
        else:
            chosen = None
        return changes.Change(
            days=days,
            minutes=minutes,
            duration=self.duration.data if self.duration.data != _minutes(slot) else None,
            values=values,
            trainings=chosen,
        )

    @property
    def _is_chosen(self) -> bool:
        return bool(self.training_scope.data == "chosen")

    def _columns(self) -> dict[str, Any]:
        place = self.place.data
        detail = {"on_site": self.room.data, "video": self.video_url.data, "phone": None}[place] or None
        if place == "phone" and self._slot.place == "phone":
            detail = self._slot.place_detail
        return {
            "place": place, "place_detail": detail, "site_id": self._sites[self.site.data].id,
            "adviser_id": self._advisers[self.adviser.data].id, "meeting_type_id": self._kinds[self.meeting_type.data].id,
            "capacity": self.capacity.data, "title": self.title.data or None, "programme": self.programme.data or None,
            "what_to_bring": self.what_to_bring.data or None, "listed": self.listed.data == "yes",
            "training_scope": self.training_scope.data,
        }  # fmt: skip


def facts_of(slot: Slot) -> str:
    """Return a digest of what the form shows of a slot: a booking does not change it, a colleague's edit does."""
    shown = [getattr(slot, name) for name in sorted(changes.EDITABLE)]
    shown += [slot.starts_at.isoformat(), slot.ends_at.isoformat(), *sorted(each.id for each in slot.trainings)]
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:32]


def _minutes(slot: Slot) -> int:
    return int((slot.ends_at - slot.starts_at).total_seconds() // 60)


class MessageForm(StaffForm):
    """A word to those who are told."""

    message = wtforms.TextAreaField(
        "Message aux personnes inscrites",
        [validators.Optional(), validators.Length(max=300, message="Raccourcissez\u00a0: 300 caractères au plus.")],
        filters=[tidy],
    )
