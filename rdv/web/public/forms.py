"""What candidates type on their own pages; French sentences beside each field."""

from __future__ import annotations

import wtforms
from wtforms import validators

from rdv.candidate import CALLBACK_WINDOWS, CANCEL_BUTTONS
from rdv.presence import LATE_MINUTES
from rdv.web.candidate_forms import MOST_CHARACTERS
from rdv.web.forms import CHOOSE, EmailField, MultiCheckbox, PublicForm, Required, one_line, tidy


class CancelForm(PublicForm):
    """Give a seat back; each button cancels at once, and says why or nothing."""

    choice = wtforms.StringField(validators=[validators.AnyOf(["", *CANCEL_BUTTONS], message=CHOOSE)], default="")
    text = wtforms.TextAreaField(
        "Un mot pour le centre",
        filters=[one_line],
        validators=[validators.Length(max=200, message="200 caractères au plus : raccourcissez votre message.")],
    )


class MoveForm(PublicForm):
    """Choose another slot; `actuel` is the one that the page showed as booked."""

    creneau = wtforms.StringField(validators=[Required("Choisissez un créneau, ou gardez votre rendez-vous.")])
    actuel = wtforms.HiddenField()


class ReplyForm(PublicForm):
    """Add a message to a request that exists."""

    text = wtforms.TextAreaField(
        "Votre message",
        filters=[tidy],
        validators=[
            Required("Écrivez votre message avant de l’envoyer."),
            validators.Length(
                max=MOST_CHARACTERS, message=f"{MOST_CHARACTERS} caractères au plus\u00a0: raccourcissez votre message."
            ),
        ],
    )


class WindowsForm(PublicForm):
    """When to be called back."""

    windows = MultiCheckbox(
        "Quand peut-on vous appeler\u00a0?",
        choices=CALLBACK_WINDOWS,
        validators=[Required("Choisissez au moins un moment.")],
    )


class LateForm(PublicForm):
    """How late, by the button pressed."""

    minutes = wtforms.IntegerField(
        validators=[validators.AnyOf(LATE_MINUTES, message="Choisissez un retard : 5, 10, 15 ou 30 minutes.")]
    )


class ResendForm(PublicForm):
    """Where to send the link again."""

    email = EmailField(
        "Adresse électronique",
        validators=[Required("Indiquez votre adresse électronique, par exemple prenom.nom@exemple.fr")],
    )
