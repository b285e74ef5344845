"""The form of a closure: whom it concerns, which days, which hours of one day."""

from __future__ import annotations

from collections.abc import Sequence

import wtforms
from wtforms import validators

from rdv import closing
from rdv.closures import Draft
from rdv.models import Cfa, Closure, Site, User
from rdv.tokens import keyed_hash
from rdv.web.forms import one_line
from rdv.web.staff.forms import StaffForm
from rdv.web.staff.publish_form import NOT_IN_LIST

DAY_EXAMPLE = "Indiquez une date, par exemple 20/07/2027."
TIME_EXAMPLE = "Indiquez une heure, par exemple 14:00."
DAY_FORMATS = ["%Y-%m-%d", "%d/%m/%Y"]
TIME_FORMATS = ["%H:%M", "%H:%M:%S", "%Hh%M", "%Hh"]
WHOLE = "centre"  # what `whose` says for the whole CFA


class ClosureForm(StaffForm):
    """Days and hours are those of each place that it touches."""

    whose = wtforms.SelectField("Qui est absent, ou quoi est fermé", invalid_choice_message=NOT_IN_LIST)
    first_day = wtforms.DateField(
        "Premier jour", [validators.InputRequired(DAY_EXAMPLE)], format=DAY_FORMATS,
        invalid_value_message="Cette date n’est pas lisible. " + DAY_EXAMPLE,
    )  # fmt: skip
    last_day = wtforms.DateField(
        "Dernier jour", [validators.Optional()], format=DAY_FORMATS,
        invalid_value_message="Cette date n’est pas lisible. Indiquez par exemple 16/08/2027, ou laissez vide.",
    )  # fmt: skip
    starts = wtforms.TimeField(
        "De", [validators.Optional()], format=TIME_FORMATS,
        invalid_value_message="Cette heure n’est pas lisible. " + TIME_EXAMPLE,
    )  # fmt: skip
    ends = wtforms.TimeField(
        "À", [validators.Optional()], format=TIME_FORMATS,
        invalid_value_message="Cette heure n’est pas lisible. Indiquez par exemple 17:00.",
    )  # fmt: skip
    label = wtforms.StringField(
        "Intitulé", [validators.Length(max=120, message="Raccourcissez\u00a0: 120 caractères au plus.")],
        filters=[one_line],
    )  # fmt: skip

    def offer(self, cfa: Cfa, sites: Sequence[Site], people: Sequence[User], whole: bool) -> None:
        """Fill the list: the whole centre and its places for a manager, and the people somebody may answer for."""
        self._sites = {site.public_id: site for site in sites}
        self._people = {user.public_id: user for user in people}
        choices: dict[str, list[tuple[str, str]]] = {}
        if whole:
            choices[cfa.shown_name] = [(WHOLE, "Tout le centre")]
        if whole and len(sites) > 1:
            choices["Un lieu"] = [(key, site.shown_name) for key, site in self._sites.items()]
        choices["Une personne"] = [(key, user.shown_name) for key, user in self._people.items()]
        self.whose.choices = choices
        self.has_choice = whole or len(people) > 1

    def begin(self, closure: Closure) -> None:
        """Show a closure that exists."""
        owner = closure.user or closure.site
        self.whose.data = owner.public_id if owner else WHOLE
        self.first_day.data = closure.first_day
        self.last_day.data = closure.last_day if closure.last_day != closure.first_day else None
        self.starts.data, self.ends.data, self.label.data = closure.starts, closure.ends, closure.label

    def draft(self) -> Draft:
        """Return what was typed, once validated; without a last day: one day."""
        return Draft(
            first_day=self.first_day.data,
            last_day=self.last_day.data or self.first_day.data,
            starts=self.starts.data,
            ends=self.ends.data,
            label=self.label.data or None,
            site=self._sites.get(self.whose.data),
            user=self._people.get(self.whose.data),
        )

    def refuse_days(self, refusal: closing.WrongClosure) -> None:
        """Show a refusal of the domain beside its field."""
        self.refuse(refusal, self[refusal.field])


def mark_of(draft: Draft) -> str:
    """Return what proves that this very draft was shown before it is saved."""
    return keyed_hash("closure", repr((draft.first_day, draft.last_day, draft.starts, draft.ends, draft.site_id, draft.user_id)))  # fmt: skip
