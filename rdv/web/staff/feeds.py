"""« Calendriers »: the secret addresses that this person's calendar applications read, one for each device.

An address is shown once, in the answer to the POST that made it: it never stands in an address of ours, in the
session cookie or in a log.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response
from wtforms import RadioField, StringField
from wtforms.validators import Length

from rdv import clock, french, links
from rdv import feeds as calendars
from rdv.agenda import home_zone
from rdv.db import transaction
from rdv.models import CalendarFeed, Cfa
from rdv.web.forms import Required, one_line
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_person
from rdv.web.staff.forms import StaffForm


class FeedForm(StaffForm):
    """What a new calendar shows, and on which device."""

    name = StringField(
        "Nom de l’appareil ou de l’application",
        [Required("Donnez un nom à ce calendrier, par exemple «\u00a0Téléphone\u00a0»."),
         Length(max=80, message="80\u00a0caractères au plus.")],
        filters=[one_line],
        description="Pour le reconnaître plus tard. Exemples\u00a0: Téléphone, Agenda du bureau",
    )  # fmt: skip
    scope = RadioField(
        "Rendez-vous à montrer", [Required("Choisissez ce qui est montré.")],
        choices=calendars.SCOPES, default="adviser",
    )  # fmt: skip
    detail = RadioField(
        "Ce qui est dit des candidats", [Required("Choisissez ce qui est dit.")],
        choices=calendars.DETAILS, default="minimal",
    )  # fmt: skip


@bp.route("/equipe/calendriers", methods=["GET", "POST"])
def feeds() -> ResponseReturnValue:
    """List this person's calendars in this CFA; make another."""
    form = FeedForm()
    if form.validate_on_submit():
        with transaction():
            secret = calendars.create(
                current_person(), current_cfa(), name=form.name.data, scope=form.scope.data, detail=form.detail.data
            )
        return _address(secret, form.name.data)
    cfa = current_cfa()
    rows = [_row(feed, cfa) for feed in calendars.of_person(current_person(), cfa)]
    return render_template("staff/feeds.html", form=form, feeds=rows), form.status


@bp.post("/equipe/calendriers/<public_id>/renouveler")
def renew_feed(public_id: str) -> str:
    """Give a calendar another secret address; the former one stops at once."""
    feed = calendars.get_of_person(current_person(), current_cfa(), public_id)
    with transaction():
        secret = calendars.renew(feed)
    return _address(secret, feed.name)


@bp.post("/equipe/calendriers/<public_id>/retirer")
def revoke_feed(public_id: str) -> Response:
    """Close a calendar's address."""
    feed = calendars.get_of_person(current_person(), current_cfa(), public_id)
    with transaction():
        calendars.revoke(feed, clock.now())
    flash(f"Le calendrier «\u00a0{feed.name}\u00a0» est retiré\u00a0: son adresse ne répond plus.", "success")
    return redirect(url_for("staff.feeds"), 303)


def _address(secret: str, name: str) -> str:
    url = links.feed(secret)
    subscribe = "webcal://" + url.partition("://")[2]
    return render_template("staff/feed_address.html", name=name, url=url, subscribe=subscribe)


def _row(feed: CalendarFeed, cfa: Cfa) -> dict[str, Any]:
    used = "Pas encore lu"
    if feed.last_used_at:
        used = f"{french.moment(feed.last_used_at, home_zone(cfa)).capitalize()}, par {feed.last_used_by}"
    return {
        "name": feed.name,
        "scope_label": calendars.SCOPES[feed.scope],
        "detail_label": calendars.DETAILS[feed.detail],
        "used_label": used,
        "renew_url": url_for("staff.renew_feed", public_id=feed.public_id),
        "revoke_url": url_for("staff.revoke_feed", public_id=feed.public_id),
    }
