"""Signing in and out."""

from __future__ import annotations

import sqlalchemy as sa
from flask import redirect, render_template, session, url_for
from flask_login import login_user
from werkzeug.security import check_password_hash
from werkzeug.wrappers import Response

from rdv.db import db
from rdv.models import User
from rdv.web.staff.blueprint import bp
from rdv.web.staff.forms import SignInForm


@bp.route("/connexion", methods=["GET", "POST"])
def sign_in() -> str | Response:
    form = SignInForm()
    if form.validate_on_submit():
        user = db.session.scalar(sa.select(User).where(User.email == form.email.normalised, User.active))
        if user and user.password_hash and check_password_hash(user.password_hash, form.password.data):
            session.clear()
            session.permanent = True
            login_user(user)
            return redirect(url_for("staff.dashboard"), 303)
    return render_template("staff/sign_in.html", form=form)


@bp.post("/deconnexion")
def sign_out() -> Response:
    session.clear()
    return redirect(url_for("staff.sign_in"), 303)
