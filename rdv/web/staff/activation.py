"""« Activer notre espace »: the page of the link that a CFA without account receives."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from rdv import accounts, activation
from rdv.db import transaction
from rdv.errors import AccountClosed, AlreadyActivated, LinkInvalid, TooManyAttempts, WrongPassword
from rdv.extensions import csrf
from rdv.settings import settings
from rdv.web.access import address_prefix
from rdv.web.staff.blueprint import bp
from rdv.web.staff.forms import ConfirmPasswordForm, OpenAccountForm
from rdv.web.staff.sessions import dead_link, open_session, refused_link


@bp.route("/activer/<token>", methods=["GET", "POST"])
@csrf.exempt
def activate(token: str) -> ResponseReturnValue:
    """Open a CFA's account: names and password, or the password of the account the address already has."""
    support = settings().support_email
    try:
        offer = activation.read(token)
        return _confirm(token, offer) if offer.has_password else _open(token, offer)
    except AlreadyActivated:
        return refused_link(
            410,
            "L’espace de ce centre est déjà ouvert",
            "Une personne de votre centre l’a activé. Demandez-lui de vous inviter depuis la page Équipe, ou "
            f"connectez-vous si vous avez un compte. Si cette activation ne vient pas de votre centre, écrivez à {support}.",
            ("Se connecter", url_for("staff.sign_in")),
            ("Mot de passe oublié", url_for("staff.forgotten")),
        )
    except AccountClosed:
        return refused_link(
            409,
            "Ce compte a été fermé",
            f"L’équipe du service a fermé le compte de cette adresse. Écrivez à {support}.",
        )
    except LinkInvalid:
        return dead_link(
            "Ce lien n’est plus valable",
            "Il est incomplet, trop ancien, ou l’adresse qui l’a reçu n’est plus celle du centre. La prochaine demande "
            f"d’un candidat vous en apportera un nouveau. Pour l’avoir plus tôt, écrivez à {support}.",
            ("Se connecter", url_for("staff.sign_in")),
        )


def _open(token: str, offer: activation.Invitation) -> ResponseReturnValue:
    form = OpenAccountForm(obj=offer.user)
    if form.validate_on_submit():
        hashed = form.hashed(offer.email, form.first_name.data, form.last_name.data)
        if hashed:
            return _activated(token, offer, form.first_name.data, form.last_name.data, hashed)
    return render_template("staff/activate.html", form=form, **_shown(offer)), form.status


def _confirm(token: str, offer: activation.Invitation) -> ResponseReturnValue:
    form = ConfirmPasswordForm()
    if form.validate_on_submit():
        try:
            accounts.confirm_password(offer.email, form.password.data, address_prefix())
        except (WrongPassword, TooManyAttempts) as refusal:
            form.refuse(refusal, form.password)
        else:
            return _activated(token, offer, "", "", None)
    return render_template("staff/activate.html", form=form, **_shown(offer)), form.status


def _activated(
    token: str, offer: activation.Invitation, first_name: str, last_name: str, hashed: str | None
) -> ResponseReturnValue:
    with transaction():
        person = activation.activate_cfa(token, first_name, last_name, hashed)
        accounts.signed_in(person)
    open_session(person, offer.cfa)
    flash("L’espace de votre centre est ouvert. Vérifiez vos réglages, puis invitez vos collègues.", "success")
    return redirect(url_for("staff.settings"), 303)


def _shown(offer: activation.Invitation) -> dict[str, object]:
    cfa = offer.cfa
    return {
        "email": offer.email,
        "centre": [
            ("Centre", cfa.shown_name),
            ("SIRET", cfa.siret),
            ("Commune", cfa.city),
            ("Votre identifiant", offer.email),
        ],
        "has_password": offer.has_password,
    }
