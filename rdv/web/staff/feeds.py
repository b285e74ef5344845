"""« Calendriers »: the secret addresses that this person's calendar applications read, one for each device.

An address is shown once, in the answer to the POST that made it: it never stands in an address of ours, in the
session cookie or in a log.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

import segno
from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from rdv import clock, french, links
from rdv import feeds as calendars
from rdv.agenda import home_zone
from rdv.db import transaction
from rdv.models import CalendarFeed, Cfa
from rdv.web.staff.blueprint import bp
from rdv.web.staff.context import current_cfa, current_person
from rdv.web.staff.feed_form import BESIDE, FeedForm, scope_label


@bp.route("/equipe/calendriers", methods=["GET", "POST"])
def feeds() -> ResponseReturnValue:
    """List this person's calendars in this CFA; make another."""
    cfa, person = current_cfa(), current_person()
    form = FeedForm()
    form.offer(person, cfa)
    if form.validate_on_submit():
        with transaction():
            secret = calendars.create(person, cfa, form.choice, form.name.data)
        return _address(secret, form.name.data)
    rows = [_row(feed, cfa) for feed in calendars.of_person(person, cfa)]
    return render_template("staff/feeds.html", form=form, feeds=rows, free_url=links.free_slots_feed(cfa)), form.status


@bp.route("/equipe/calendriers/<public_id>", methods=["GET", "POST"])
def feed(public_id: str) -> ResponseReturnValue:
    """« Est-ce que ça marche ? »; change what a calendar shows, its address stays."""
    cfa, person, now = current_cfa(), current_person(), clock.now()
    found = calendars.get_of_person(person, cfa, public_id)
    form = FeedForm()
    form.offer(person, cfa)
    if not form.is_submitted():
        form.show(found)
    if form.validate_on_submit():
        with transaction():
            calendars.change(found, cfa, form.choice, form.name.data)
        flash("Le calendrier est modifié. Votre application le verra à sa prochaine lecture.", "success")
        return redirect(url_for("staff.feed", public_id=public_id), 303)
    page = {"row": _row(found, cfa), "working": _working(found, now), "content": _content(found, now)}
    return render_template("staff/feed.html", form=form, **page), form.status


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
    asked, named = quote(url, safe=""), quote(f"RDV Apprentissage – {name}", safe="")
    code = segno.make(subscribe, error="m", micro=False)
    return render_template(
        "staff/feed_address.html",
        name=name,
        url=url,
        subscribe=subscribe,
        # Google takes an encoded `webcal:` address where it refuses an `https:` one (reference/ical.md §1.7).
        google_url=f"https://calendar.google.com/calendar/r?cid={quote(subscribe, safe='')}",
        outlook_urls=[
            (label, f"https://{host}/calendar/0/addfromweb?url={asked}&name={named}")
            for label, host in (
                ("Outlook du travail (Microsoft\u00a0365)", "outlook.office.com"),
                ("Outlook.com", "outlook.live.com"),
            )
        ],
        qr=code.svg_data_uri(scale=5, border=4, dark="#000", light="#fff", omitsize=False),
        delays={one.name: one.delay for one in calendars.APPLICATIONS},
    )


def _row(feed: CalendarFeed, cfa: Cfa) -> dict[str, Any]:
    beside = [BESIDE[word].split(",")[0] for word in BESIDE if word != "cancelled" and getattr(feed, f"shows_{word}")]
    return {
        "name": feed.name,
        "scope_label": scope_label(feed, current_person(), cfa),
        "detail_label": calendars.DETAILS[feed.detail],
        "beside_label": french.enumeration(beside) if beside else None,
        "used_label": _used(feed, home_zone(cfa)),
        "href": url_for("staff.feed", public_id=feed.public_id),
        "renew_url": url_for("staff.renew_feed", public_id=feed.public_id),
        "revoke_url": url_for("staff.revoke_feed", public_id=feed.public_id),
    }


def _used(feed: CalendarFeed, zone: str) -> str:
    if feed.last_used_at is None:
        return "Pas encore lu"
    return f"{french.moment(feed.last_used_at, zone).capitalize()}, par {feed.last_used_by}"


def _working(feed: CalendarFeed, now: datetime) -> tuple[str, str, str]:
    """Say whether an application reads this calendar as one expects: kind of alert, title, what to do."""
    if feed.last_used_at is None:
        return (
            "warning", "Aucune application ne l’a encore lu",
            "Une application lit l’adresse dès qu’on l’ajoute. Si vous venez de le faire, rechargez cette page dans une "
            "minute. Sinon, renouvelez l’adresse et ajoutez-la à nouveau.",
        )  # fmt: skip
    application = calendars.named(feed.last_used_by)
    ago = french.elapsed(now - feed.last_used_at)
    told = f"Dernière lecture il y a {ago}, par {feed.last_used_by}."
    if now - feed.last_used_at > application.patience:
        return (
            "warning", "Plus aucune lecture récente",
            f"{told} L’application ne le suit peut-être plus\u00a0: vérifiez qu’il y est encore, ou renouvelez l’adresse "
            "et ajoutez-la à nouveau.",
        )  # fmt: skip
    pace = f" Délai habituel de cette application\u00a0: {application.delay}." if application.delay else ""
    return ("success", "Oui, ce calendrier est lu", told + pace)


def _content(feed: CalendarFeed, now: datetime) -> dict[str, Any]:
    """Say what an application would be given at this instant."""
    body = calendars.body(feed, now)
    count = body.count(b"BEGIN:VEVENT\r\n")
    coming = [one for one in calendars.meetings(feed, now) if one.starts_at > now and not (one.cancelled or one.free)]
    return {
        "count": french.plural(count, "élément", "éléments"),
        "size": f"{max(len(body) // 1000, 1)}\u00a0ko",
        "next": french.moment(coming[0].starts_at, coming[0].zone).capitalize() if coming else "Aucun",
        "too_large": len(body) > calendars.LARGEST or count > calendars.MOST_EVENTS,
    }
