"""Signing in and out, forgotten password, first password of an invited person."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from rdv import accounts
from rdv.db import transaction
from rdv.errors import LinkInvalid, SignInRefused, TooManyAttempts
from rdv.extensions import csrf
from rdv.web.access import address_prefix
from rdv.web.staff import context
from rdv.web.staff.blueprint import bp
from rdv.web.staff.forms import ForgottenForm, NewPasswordForm, OpenAccountForm, SignInForm
from rdv.web.staff.sessions import came_for, close_session, dead_link, open_session

# CSRFProtect would answer a page of its own: here the form checks by itself, and is shown again with what was typed.


@bp.route("/connexion", methods=["GET", "POST"])
@csrf.exempt
def sign_in() -> ResponseReturnValue:
    """Ask for e-mail and password; then the page wanted, or the dashboard."""
    form = SignInForm()
    if not form.is_submitted() and context.load_person() is not None:
        return redirect(came_for() or url_for("staff.dashboard"), 303)
    if form.validate_on_submit():
        try:
            person = accounts.authenticate(form.email.normalised or "", form.password.data, address_prefix())
        except (SignInRefused, TooManyAttempts) as refusal:
            form.refuse(refusal)
        else:
            with transaction():
                accounts.signed_in(person)
            open_session(person)
            return redirect(came_for() or url_for("staff.dashboard"), 303)
    return render_template("staff/sign_in.html", form=form), form.status


@bp.post("/deconnexion")
def sign_out() -> ResponseReturnValue:
    """Close this browser's session."""
    return close_session("Votre session est fermée.")


@bp.route("/mot-de-passe-oublie", methods=["GET", "POST"])
@csrf.exempt
def forgotten() -> ResponseReturnValue:
    """Mail a link to choose a new password; the answer is the same whether the address has an account or not."""
    form = ForgottenForm()
    if form.validate_on_submit():
        email = form.email.normalised or ""
        try:
            accounts.request_reset(email, address_prefix())
        except TooManyAttempts:
            form.refuse(
                TooManyAttempts("Trop de demandes pour cette adresse ou depuis cette connexion. Attendez une heure.")
            )
        else:
            with transaction():
                accounts.send_reset(email)
            flash(
                "Si un compte existe à cette adresse, un lien vient d’y être envoyé. Il est valable 2\u00a0heures\u00a0; "
                "pensez aux courriers indésirables.",
                "info",
            )
            return redirect(url_for("staff.sign_in"), 303)
    return render_template("staff/forgotten.html", form=form), form.status


@bp.route("/mot-de-passe/<token>", methods=["GET", "POST"])
@csrf.exempt
def reset(token: str) -> ResponseReturnValue:
    """Choose a new password by the link of a mail; used once."""
    try:
        return _reset(token)
    except LinkInvalid:
        return dead_link(
            "Ce lien n’est plus valable",
            "Il a déjà servi, ou il date de plus de 2\u00a0heures. Demandez-en un nouveau\u00a0: il part aussitôt.",
            ("Recevoir un nouveau lien", url_for("staff.forgotten")),
            ("Se connecter", url_for("staff.sign_in")),
        )


def _reset(token: str) -> ResponseReturnValue:
    person = accounts.user_of_link("reset", token)
    form = NewPasswordForm()
    if form.validate_on_submit():
        hashed = form.hashed(person.email, person.first_name, person.last_name)
        if hashed:
            with transaction():
                person = accounts.user_of_link("reset", token)
                accounts.reset_password(person, hashed)
                accounts.signed_in(person)
            open_session(person)
            flash("Votre mot de passe est changé. Vos autres appareils sont déconnectés.", "success")
            return redirect(url_for("staff.dashboard"), 303)
    return render_template("staff/reset.html", form=form, email=person.email), form.status


@bp.route("/invitation/<token>", methods=["GET", "POST"])
@csrf.exempt
def accept_invitation(token: str) -> ResponseReturnValue:
    """Open the account of an invited person: names and first password; used once."""
    try:
        return _accept_invitation(token)
    except LinkInvalid:
        return dead_link(
            "Cette invitation n’est plus valable",
            "Elle a déjà servi, ou elle date de plus de 14\u00a0jours. Si vous avez déjà choisi un mot de passe, "
            "connectez-vous. Sinon, demandez une nouvelle invitation à un responsable de votre centre.",
            ("Se connecter", url_for("staff.sign_in")),
            ("Mot de passe oublié", url_for("staff.forgotten")),
        )


def _accept_invitation(token: str) -> ResponseReturnValue:
    person = accounts.user_of_link("invitation", token)
    if person.password_hash is not None:  # invited to one more CFA: nothing to choose
        flash("Vous avez déjà un compte\u00a0: connectez-vous avec votre mot de passe habituel.", "info")
        return redirect(url_for("staff.sign_in"), 303)
    form = OpenAccountForm(obj=person)
    if form.validate_on_submit():
        hashed = form.hashed(person.email, form.first_name.data, form.last_name.data)
        if hashed:
            with transaction():
                person = accounts.user_of_link("invitation", token)
                accounts.accept_invitation(person, form.first_name.data, form.last_name.data, hashed)
                accounts.signed_in(person)
            open_session(person)
            flash("Votre compte est ouvert. Bienvenue\u00a0!", "success")
            return redirect(url_for("staff.dashboard"), 303)
    centres = [each.cfa.shown_name for each in person.memberships if each.ended_at is None]
    return render_template("staff/invitation.html", form=form, email=person.email, centres=centres), form.status
