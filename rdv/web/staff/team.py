"""The team of the centre: who works there, inviting, changing a role, withdrawing access."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from rdv import clock, dead_addresses, french, hand_over, memberships, throttle
from rdv.db import transaction
from rdv.errors import AccountClosed, AlreadyMember, LastManager, TooManyRequests
from rdv.models import Membership, Site
from rdv.permissions import can_manage_team
from rdv.settings import settings
from rdv.throttle import Limit
from rdv.web.staff import context
from rdv.web.staff.blueprint import bp
from rdv.web.staff.forms import NOTICES, ROLES, InviteForm, RoleForm
from rdv.web.staff.hand_over import label_of


@bp.get("/equipe/membres")
def team() -> str:
    """List who works for the centre."""
    cfa = context.current_cfa()
    zone = _zone(memberships.open_sites(cfa))
    people = memberships.team(cfa)
    may_manage = can_manage_team(context.current_membership())
    dead = dead_addresses.among(each.user.email for each in people) if may_manage else set()
    return render_template(
        "staff/team.html",
        lines=[{**_line(each, zone), "dead": each.user.email.lower() in dead} for each in people],
        left_behind=[
            (each.shown_name, label_of(each, cfa.id), url_for("staff.hand_over", public_id=each.public_id))
            for each in hand_over.left_behind(cfa.id, clock.now())
        ],
        may_manage=may_manage,
        support=settings().support_email if dead else None,
    )


@bp.route("/equipe/membres/inviter", methods=["GET", "POST"])
def invite() -> ResponseReturnValue:
    """Give somebody access and mail them."""
    context.require_manager()
    cfa = context.current_cfa()
    sites = memberships.open_sites(cfa)
    form = InviteForm(role="adviser")
    _offer_sites(form, sites)
    if form.validate_on_submit():
        email = form.email.normalised or ""
        try:
            _count_invitation(cfa.public_id, email)
            with transaction():
                memberships.invite(
                    cfa,
                    email,
                    form.first_name.data,
                    form.last_name.data,
                    form.role.data,
                    _chosen_sites(form, sites),
                    by=context.current_person(),
                )
        except (AlreadyMember, AccountClosed, TooManyRequests) as refusal:
            form.refuse(refusal, form.email)
        else:
            flash(
                f"Une invitation est partie à l’adresse {email}. Elle est valable 14\u00a0jours.",
                "success",
            )
            return redirect(url_for("staff.team"), 303)
    return render_template("staff/invite.html", form=form), form.status


@bp.route("/equipe/membres/<public_id>", methods=["GET", "POST"])
def member(public_id: str) -> ResponseReturnValue:
    """Show a colleague; change their role and places."""
    context.require_manager()
    cfa = context.current_cfa()
    membership = memberships.get_for_cfa(cfa, public_id)
    sites = memberships.open_sites(cfa)
    form = RoleForm(role=membership.role, sites=[site.public_id for site in membership.sites])
    _offer_sites(form, sites)
    if form.validate_on_submit():
        try:
            with transaction():
                memberships.change_role(
                    membership, form.role.data, _chosen_sites(form, sites), by=context.current_person()
                )
        except LastManager as refusal:
            form.refuse(refusal, form.role)
        else:
            flash(f"Le rôle de {membership.user.shown_name} est enregistré.", "success")
            return redirect(url_for("staff.team"), 303)
    return _member_page(membership, form)


@bp.post("/equipe/membres/<public_id>/renvoyer")
def resend_invitation(public_id: str) -> ResponseReturnValue:
    """Mail the invitation again."""
    context.require_manager()
    cfa = context.current_cfa()
    membership = memberships.get_for_cfa(cfa, public_id)
    _count_invitation(cfa.public_id, membership.user.email)
    with transaction():
        memberships.resend_invitation(membership, by=context.current_person())
    flash(f"L’invitation est repartie à l’adresse {membership.user.email}.", "success")
    return redirect(url_for("staff.team"), 303)


@bp.post("/equipe/membres/<public_id>/retirer")
def end_membership(public_id: str) -> ResponseReturnValue:
    """Withdraw access: the person's open pages see it at their next click."""
    context.require_manager()
    membership = memberships.get_for_cfa(context.current_cfa(), public_id)
    name = membership.user.shown_name
    try:
        with transaction():
            shut = memberships.end(membership, by=context.current_person())
    except LastManager as refusal:
        form = RoleForm(formdata=None, role=membership.role)
        _offer_sites(form, memberships.open_sites(context.current_cfa()))
        form.form_errors.append(refusal.message)
        form.refused_status = refusal.status
        return _member_page(membership, form)
    flash(f"{name} n’a plus accès à votre centre.", "success")
    if shut:
        closed = french.plural(shut, "créneau à venir est fermé", "créneaux à venir sont fermés")
        flash(f"{closed} aux réservations.", "warning")
    if hand_over.remaining(membership.user, membership.cfa_id, clock.now()).is_empty:
        return redirect(url_for("staff.team"), 303)
    return redirect(url_for("staff.hand_over", public_id=public_id), 303)


def _member_page(membership: Membership, form: RoleForm) -> ResponseReturnValue:
    zone = _zone(memberships.open_sites(membership.cfa))
    left = label_of(membership.user, membership.cfa_id)
    page = render_template("staff/member.html", form=form, line=_line(membership, zone), ROLES=ROLES, left=left)
    return page, form.status


def _offer_sites(form: RoleForm, sites: list[Site]) -> None:
    """Offer the places of the centre, unless there is no choice."""
    if len(sites) < 2:
        del form.sites
        return
    form.sites.choices = {site.public_id: site.shown_name for site in sites}


def _chosen_sites(form: RoleForm, sites: list[Site]) -> list[Site]:
    """Return the places ticked; none means everywhere."""
    ticked = form.sites.data if form.sites else []
    return [site for site in sites if site.public_id in ticked]


def _count_invitation(cfa: str, email: str) -> None:
    """Limit the mails that a centre has us send to strangers."""
    config = settings()
    throttle.count(
        [
            Limit("invitation.contact", email, config.limit_posts_per_contact),
            Limit("invitation.cfa", cfa, config.limit_posts_per_cfa),
        ]
    )


def _zone(sites: list[Site]) -> str:
    return sites[0].timezone if sites else clock.PARIS


def _line(membership: Membership, zone: str) -> dict[str, object]:
    user = membership.user
    return {
        "id": user.public_id,
        "name": user.shown_name,
        "email": user.email,
        "role": ROLES[membership.role],
        "places": ", ".join(site.shown_name for site in membership.sites) or "Tous les lieux",
        "last_sign_in": french.moment(user.last_sign_in_at, zone) if user.last_sign_in_at else "Jamais",
        "invited": user.password_hash is None,
        "notices": NOTICES[membership.notices],
        "is_me": user.id == context.current_person().id,
        "href": url_for("staff.member", public_id=user.public_id),
    }
