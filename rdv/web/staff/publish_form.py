"""The form that publishes slots: one, several ranges of a day, or the same every week."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import time
from typing import Any
from urllib.parse import urlsplit

import wtforms
from wtforms import validators

from rdv import french, meeting_types, series, slots
from rdv.contacts import fold
from rdv.models import Cfa, MeetingType, Slot, Training, User
from rdv.opening_hours import WEEKDAYS
from rdv.web.forms import MultiCheckbox, one_line, tidy
from rdv.web.staff.plan_form import PlanForm

DAY_EXAMPLE = "Indiquez une date, par exemple 01/12/2026."
NOT_IN_LIST = "Choisissez une valeur de la liste."
TIME_EXAMPLE = "Indiquez une heure, par exemple 14:00."
MOST_TRAININGS_SHOWN = 40
LONGEST_URL = 500  # characters, as the column
MOST_RANGES = 4
_TIME_FORMATS = ["%H:%M", "%H:%M:%S", "%Hh%M", "%Hh"]
_LONG = validators.Length(max=5000, message="Ce texte est trop long\u00a0: 5000 caractères au plus.")


def _time_field(label: str, required: bool = False) -> wtforms.TimeField:
    return wtforms.TimeField(
        label, [validators.InputRequired(TIME_EXAMPLE) if required else validators.Optional()], format=_TIME_FORMATS,
        invalid_value_message="Cette heure n’est pas lisible. " + (
            TIME_EXAMPLE if required else "Indiquez par exemple 17:00, ou laissez vide."
        ),
    )  # fmt: skip


def _date_field(label: str, validator: Any) -> wtforms.DateField:
    return wtforms.DateField(
        label, [validator], format=["%Y-%m-%d", "%d/%m/%Y"], invalid_value_message="Cette date n’est pas lisible. " + DAY_EXAMPLE
    )  # fmt: skip


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


class PublishForm(PlanForm):
    """Times are wall times of the site; an empty duration, number of places or way to meet is that of the type."""

    day = _date_field("Jour", validators.InputRequired(DAY_EXAMPLE))
    start = _time_field("Début", required=True)
    end = _time_field("Fin de la plage")
    start_2, end_2 = _time_field("Plage 2, de"), _time_field("Plage 2, à")
    start_3, end_3 = _time_field("Plage 3, de"), _time_field("Plage 3, à")
    start_4, end_4 = _time_field("Plage 4, de"), _time_field("Plage 4, à")
    weekdays = MultiCheckbox(
        "Jours de la semaine", coerce=int, choices={rank: name.capitalize() for rank, name in enumerate(WEEKDAYS)}
    )
    every_weeks = WholeNumberField(
        "Toutes les combien de semaines",
        [validators.Optional(), validators.NumberRange(1, 52, "Indiquez entre 1 et 52 semaines, par exemple 2.")],
    )  # fmt: skip
    until = _date_field("Jusqu’au", validators.Optional())
    count = WholeNumberField(
        "Ou nombre de jours",
        [validators.Optional(), validators.NumberRange(1, 400, "Indiquez entre 1 et 400 jours, par exemple 10.")],
    )  # fmt: skip
    title = wtforms.StringField(
        "Titre de cette réunion",
        [validators.Length(max=120, message="Raccourcissez le titre\u00a0: 120 caractères au plus.")],
        filters=[one_line],
    )  # fmt: skip
    programme = wtforms.TextAreaField("Programme", [validators.Optional(), _LONG], filters=[tidy])
    what_to_bring = wtforms.TextAreaField("À apporter", [validators.Optional(), _LONG], filters=[tidy])
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

    known = True  # False: nothing was published before, so that nothing is folded

    def begin(self, last: Slot | None, typed_type: bool) -> None:
        """Start from what was published last: type, duration, place; else from the first meeting type."""
        self.known = last is not None
        if last and not typed_type:
            self.meeting_type.data = last.meeting_type.public_id
            length = int((last.ends_at - last.starts_at).total_seconds()) // 60
            self.duration.data = length if length != last.meeting_type.duration_minutes else None
        if self.meeting_type.data not in self.kinds:
            self.meeting_type.data = next(iter(self.kinds))
        self.place.data = self.kind.default_place
        self.site.data = next(iter(self.site.choices), None)
        if last:
            self.site.data = last.site.public_id
            if not typed_type:
                self.place.data = last.place
            if last.place_detail and self.place.data == last.place:
                (self.video_url if last.place == "video" else self.room).data = last.place_detail

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        if self.place.data == "video":
            try:
                check_video_url(self, self.video_url)
            except validators.StopValidation as refusal:
                self.refuse_field("video_url", str(refusal))
        for rank in range(2, MOST_RANGES + 1):
            if self._fields[f"end_{rank}"].data is not None and self._fields[f"start_{rank}"].data is None:
                self.refuse_field(f"start_{rank}", TIME_EXAMPLE)
        if self.training_scope.data == "chosen" and not self.chosen_trainings():
            self.refuse_field("trainings", "Cochez au moins une formation.")
        return valid and not self.errors

    def refuse_field(self, name: str, message: str) -> None:
        """Put an error beside a field."""
        field = self._fields[name]
        field.errors = [*field.errors, message]

    def refuse_plan(self, refusal: series.WrongPlan) -> None:
        """Put a refusal beside its field: « end_2 » is the second range that was filled in."""
        name, _, rank = refusal.field.partition("_")
        if name in ("start", "end"):
            filled = [suffix for suffix, _, _ in self._filled_ranges()]
            self.refuse_field(name + filled[int(rank or 1) - 1], refusal.message)
        else:
            self.refuse_field(refusal.field, refusal.message)

    def _filled_ranges(self) -> list[tuple[str, time, time | None]]:
        """Return the rows that have a beginning, with the suffix of their fields."""
        found = []
        for rank in range(1, MOST_RANGES + 1):
            suffix = "" if rank == 1 else f"_{rank}"
            starts = self._fields["start" + suffix].data
            if starts is not None:
                found.append((suffix, starts, self._fields["end" + suffix].data))
        return found

    def rule(self, pause: int) -> series.Rule:
        """Return what was typed as a rule, once validated; `pause`: minutes when none was typed."""
        return series.Rule(
            first_day=self.day.data,
            ranges=tuple(series.Range(starts, ends) for _, starts, ends in self._filled_ranges()),
            minutes=self.duration.data or self.kind.duration_minutes,
            pause=pause if self.pause.data is None else self.pause.data,
            weekdays=tuple(self.weekdays.data or ()),
            every_weeks=self.every_weeks.data or 1,
            last_day=self.until.data,
            count=self.count.data,
        )

    @property
    def unfolded(self) -> set[str]:
        """The folded parts of the form that hold something typed, or an error."""
        parts = {
            "ranges": ("start_2", "end_2", "start_3", "end_3", "start_4", "end_4"),
            "repeat": ("weekdays", "every_weeks", "until", "count"),
            "details": ("duration", "pause", "capacity"),
            "words": ("title", "programme", "what_to_bring"),
        }  # fmt: skip
        found = {part for part, names in parts.items() if any(self._fields[name].data for name in names)}
        parts |= {
            "where": ("site", "adviser", "place", "room", "video_url"),
            "who": ("training_scope", "trainings", "listed"),
        }
        found |= {part for part, names in parts.items() if any(self._fields[name].errors for name in names)}
        if self.training_scope.data == "chosen" or self.listed.data == "no":
            found.add("who")
        return found

    @property
    def where_label(self) -> str:
        """« Campus Nord, sur place, avec Marie Dupont »: what the folded part says."""
        site = self.site.choices.get(self.site.data) or next(iter(self.site.choices.values()), "")
        adviser = self.adviser.choices.get(self.adviser.data) or next(iter(self.adviser.choices.values()))
        return f"{site}, {slots.PLACE_LABELS.get(self.place.data, '').lower()}, avec {adviser}"

    @property
    def who_label(self) -> str:
        """« Pour toutes les formations de ce lieu, tous les candidats »: what the other folded part says."""
        scope = {"site": "toutes les formations de ce lieu", "cfa": "toutes les formations du centre"}
        who = "par lien seulement" if self.listed.data == "no" else "tous les candidats"
        return f"Pour {scope.get(self.training_scope.data, 'certaines formations')}, {who}"

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
