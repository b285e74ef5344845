"""The form that publishes slots: one, or a run on one day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import wtforms
from wtforms import validators

from rdv import french, meeting_types, slots
from rdv.contacts import fold
from rdv.models import Cfa, MeetingType, Training, User
from rdv.web.forms import MultiCheckbox, one_line
from rdv.web.staff.forms import StaffForm

DAY_EXAMPLE = "Indiquez une date, par exemple 01/12/2026."
NOT_IN_LIST = "Choisissez une valeur de la liste."
TIME_EXAMPLE = "Indiquez une heure, par exemple 14:00."
MOST_TRAININGS_SHOWN = 40
LONGEST_URL = 500  # characters, as the column


class WholeNumberField(wtforms.IntegerField):
    """A whole number; anything else is refused with an example."""

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist or not valuelist[0].strip():
            self.data = None
            return
        typed = valuelist[0].strip()
        if not re.fullmatch(r"-?[0-9]{1,6}", typed):  # no int() on what is typed: it reads « ١٢ » and endless digits
            self.data = None
            raise ValueError("Indiquez un nombre entier, par exemple 20.")
        self.data = int(typed)


def check_video_url(_form: Any, field: wtforms.Field) -> None:
    """Refuse what a browser could not open safely."""
    url = (field.data or "").strip()
    try:
        parts = urlsplit(url)
        sound = parts.scheme == "https" and "." in (parts.hostname or "") and not any(ch.isspace() for ch in url)
    except ValueError:  # « https://[ »
        sound = False
    if not sound or len(url) > LONGEST_URL:
        raise validators.StopValidation(
            "Indiquez l’adresse complète de la visioconférence, par exemple https://visio.exemple.fr/salle-12."
        )


class PublishForm(StaffForm):
    """Times are wall times of the site; an empty duration, number of places or way to meet is that of the type."""

    day = wtforms.DateField(
        "Jour", [validators.InputRequired(DAY_EXAMPLE)], format=["%Y-%m-%d", "%d/%m/%Y"],
        invalid_value_message="Cette date n’est pas lisible. " + DAY_EXAMPLE,
    )  # fmt: skip
    start = wtforms.TimeField(
        "Début", [validators.InputRequired(TIME_EXAMPLE)], format=["%H:%M", "%H:%M:%S", "%Hh%M", "%Hh"],
        invalid_value_message="Cette heure n’est pas lisible. " + TIME_EXAMPLE,
    )  # fmt: skip
    end = wtforms.TimeField(
        "Fin de la plage", [validators.Optional()], format=["%H:%M", "%H:%M:%S", "%Hh%M", "%Hh"],
        invalid_value_message="Cette heure n’est pas lisible. Indiquez par exemple 17:00, ou laissez vide.",
    )  # fmt: skip
    meeting_type = wtforms.SelectField("Type de rendez-vous", invalid_choice_message=NOT_IN_LIST)
    duration = WholeNumberField(
        "Durée d’un rendez-vous, en minutes",
        [validators.Optional(), validators.NumberRange(5, 480, "Indiquez une durée entre 5 et 480 minutes, par exemple 20.")],
    )  # fmt: skip
    pause = WholeNumberField(
        "Pause entre deux, en minutes",
        [validators.Optional(), validators.NumberRange(0, 240, "Indiquez une pause entre 0 et 240 minutes, par exemple 5.")],
    )  # fmt: skip
    capacity = WholeNumberField(
        "Places par créneau",
        [validators.Optional(), validators.NumberRange(1, 500, "Indiquez entre 1 et 500 places, par exemple 12.")],
    )  # fmt: skip
    adviser = wtforms.SelectField("Avec", invalid_choice_message=NOT_IN_LIST)
    site = wtforms.SelectField("Lieu de formation", invalid_choice_message=NOT_IN_LIST)
    place = wtforms.RadioField(
        "Comment", choices=slots.PLACE_LABELS, default="on_site", invalid_choice_message=NOT_IN_LIST
    )
    room = wtforms.StringField(
        "Salle", [validators.Length(max=200, message="Raccourcissez\u00a0: 200 caractères au plus.")], filters=[one_line]
    )  # fmt: skip
    video_url = wtforms.StringField("Adresse de la visioconférence", filters=[one_line])
    training_scope = wtforms.RadioField(
        "Pour quelles formations",
        choices={"site": "Toutes celles de ce lieu", "cfa": "Toutes celles du centre", "chosen": "Seulement certaines"},
        default="site",
        invalid_choice_message=NOT_IN_LIST,
    )  # fmt: skip
    training_search = wtforms.StringField("Chercher une formation", filters=[one_line])
    trainings = MultiCheckbox("Formations", validate_choice=False)
    listed = wtforms.RadioField(
        "Qui peut réserver",
        choices={"yes": "Tous les candidats, depuis votre page publique", "no": "Seulement les personnes à qui vous envoyez le lien"},
        default="yes",
        invalid_choice_message=NOT_IN_LIST,
    )  # fmt: skip
    allow_overlap = wtforms.BooleanField("Publier quand même, malgré le chevauchement")

    def offer(
        self, cfa: Cfa, kinds: Sequence[MeetingType], advisers: Sequence[User], trainings: Sequence[Training]
    ) -> None:
        """Fill the lists of this CFA; a CFA without any meeting type is offered those of SUGGESTED."""
        drafts: dict[str, MeetingType | meeting_types.Draft] = (
            {kind.public_id: kind for kind in kinds} if kinds else dict(meeting_types.SUGGESTED)
        )
        self.kinds = drafts
        if kinds and self.meeting_type.data in meeting_types.SUGGESTED:  # created since this page was shown
            title = meeting_types.SUGGESTED[self.meeting_type.data].title
            self.meeting_type.data = next((kind.public_id for kind in kinds if kind.title == title), None)
        self.meeting_type.choices = {
            key: f"{draft.title} ({french.duration(draft.duration_minutes)}{_places(draft.default_capacity)})"
            for key, draft in drafts.items()
        }
        self.adviser.choices = {user.public_id: user.shown_name for user in advisers}
        self.site.choices = {
            site.public_id: site.shown_name + french.zone_suffix(site.timezone)
            for site in cfa.sites
            if site.closed_at is None
        }
        self.every_training = {training.public_id: training for training in trainings}
        chosen = set(self.trainings.data or [])
        words = fold(self.training_search.data or "").split()
        ordered = sorted(trainings, key=lambda training: training.public_id not in chosen)
        shown = [
            (training.public_id, _training_label(training))
            for training in ordered
            if training.public_id in chosen or all(word in fold(_training_label(training)) for word in words)
        ]
        self.trainings.choices = dict(shown[: max(MOST_TRAININGS_SHOWN, len(chosen))])
        self.hidden_trainings = len(shown) - len(self.trainings.choices)

    def begin(self) -> None:
        """Start from the meeting type that is shown first: its way to meet is ticked."""
        if self.meeting_type.data not in self.kinds:
            self.meeting_type.data = next(iter(self.kinds))
        self.place.data = self.kind.default_place

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        if self.place.data == "video":
            try:
                check_video_url(self, self.video_url)
            except validators.StopValidation as refusal:
                self.refuse_field("video_url", str(refusal))
        if self.training_scope.data == "chosen" and not self.chosen_trainings():
            self.refuse_field("trainings", "Cochez au moins une formation.")
        return valid and not self.errors

    def refuse_field(self, name: str, message: str) -> None:
        """Put an error beside a field."""
        field = self._fields[name]
        field.errors = [*field.errors, message]

    def chosen_trainings(self) -> list[Training]:
        """Return the trainings ticked, all of this CFA."""
        return [self.every_training[key] for key in self.trainings.data or [] if key in self.every_training]

    @property
    def kind(self) -> MeetingType | meeting_types.Draft:
        """The meeting type chosen, once validated."""
        return self.kinds[self.meeting_type.data]

    @property
    def place_detail(self) -> str | None:
        """The room, or the address of the video meeting."""
        return {"on_site": self.room.data, "video": self.video_url.data}.get(self.place.data) or None


def _places(capacity: int) -> str:
    return f", {french.plural(capacity, 'place')}" if capacity > 1 else ""


def _training_label(training: Training) -> str:
    towns = ", ".join(site.city or site.shown_name for site in training.sites[:2])
    return f"{training.shown_title} – {towns}" if towns else training.shown_title
