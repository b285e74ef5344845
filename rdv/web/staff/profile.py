"""What a person changes about themselves: names, phone, password, sessions."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from rdv import accounts, clock, french, invitations
from rdv.db import transaction
from rdv.errors import TooManyAttempts, WrongPassword
from rdv.web.access import address_prefix
from rdv.web.staff import context
from rdv.web.staff.blueprint import bp
from rdv.web.staff.forms import ChangePasswordForm, ProfileForm
from rdv.web.staff.sessions import close_session, open_session


@bp.route("/equipe/profil", methods=["GET", "POST"])
def profile() -> ResponseReturnValue:
    """Show and change names and phone."""
    person = context.current_person()
    form = ProfileForm(obj=person)
    if not form.is_submitted():
        form.phone.data = french.phone(person.phone)
        form.invitations.data = person.invitations_since is not None
    if form.validate_on_submit():
        with transaction():
            accounts.update_profile(person, form.first_name.data, form.last_name.data, form.phone.normalised)
            invitations.want(person, form.invitations.data, clock.now())
        flash("Votre profil est enregistré.", "success")
        return redirect(url_for("staff.profile"), 303)
    return render_template("staff/profile.html", form=form, person=person), form.status


@bp.route("/equipe/profil/mot-de-passe", methods=["GET", "POST"])
def change_password() -> ResponseReturnValue:
    """Change the password: every other session ends, this one goes on."""
    person = context.current_person()
    form = ChangePasswordForm()
    if form.validate_on_submit() and _is_current(form):
        hashed = form.hashed(person.email, person.first_name, person.last_name)
        if hashed:
            cfa = context.current_cfa() if context.has_cfa() else None
            with transaction():
                accounts.change_password(person, hashed)
            open_session(person, cfa)
            flash("Votre mot de passe est changé. Vos autres appareils sont déconnectés.", "success")
            return redirect(url_for("staff.profile"), 303)
    return render_template("staff/password.html", form=form, person=person), form.status


def _is_current(form: ChangePasswordForm) -> bool:
    """Check the current password, so that an open screen does not give the account away."""
    try:
        accounts.confirm_password(context.current_person().email, form.current.data, address_prefix())
    except (WrongPassword, TooManyAttempts) as refusal:
        form.refuse(refusal, form.current)
        return False
    return True


@bp.post("/equipe/profil/deconnecter-partout")
def sign_out_everywhere() -> ResponseReturnValue:
    """End every session of this person, this one included."""
    with transaction():
        accounts.sign_out_everywhere(context.current_person())
    return close_session("Tous vos appareils sont déconnectés.")
