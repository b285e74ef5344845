"""The service team's own pages: Flask-Admin, closed by default, in French, safe under the CSP.

Its templates are replaced by ours (templates/admin): theirs hold inline handlers, which the CSP blocks, and a blocked
handler deletes without asking (reference/dependencies.md §0.2).
"""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_admin import Admin, expose
from flask_admin.theme import Bootstrap4Theme

from rdv import clock, french, overview, stats
from rdv.db import db
from rdv.models import (
    ApiKey,
    AuditEntry,
    CandidateRequest,
    Cfa,
    DeadAddress,
    JobRun,
    Membership,
    OutgoingMail,
    OutgoingSms,
    Platform,
    PlatformConsent,
    Site,
    Training,
    User,
    WebhookDelivery,
    WebhookEndpoint,
)
from rdv.web.admin import base, views, words
from rdv.web.admin.api_keys import ApiKeyView
from rdv.web.admin.bookable import BookablePage
from rdv.web.admin.catalogue import CataloguePage
from rdv.web.admin.platform_health import PlatformHealthPage
from rdv.web.admin.webhooks import WebhookDeliveryView, WebhookEndpointView
from rdv.web.headers import csp_nonce


class OverviewPage(base.IndexView):
    """The first page."""

    @expose()
    def index(self) -> str:
        """Show what needs a person."""
        now = clock.now()
        found = overview.at(now)
        oldest = french.moment(found.oldest_waiting) if found.oldest_waiting else None
        jobs = [
            (words.JOBS.get(run.name, run.name), french.moment(run.started_at), _outcome(run.ok), run.note)
            for run in found.jobs
        ]
        return str(self.render("admin/index.html", found=found, oldest=oldest, jobs=jobs, answers=stats.service(now)))


def _outcome(ok: bool | None) -> str:
    return {True: "Réussie", False: "Échouée", None: "Non terminée"}[ok]


_TABLES: tuple[tuple[type[base.ServiceView], Any, str, str], ...] = (
    (views.CfaView, Cfa, "Centres", "centres"),
    (views.SiteView, Site, "Lieux", "lieux"),
    (views.TrainingView, Training, "Formations", "formations"),
    (views.UserView, User, "Comptes", "comptes"),
    (views.MembershipView, Membership, "Rattachements", "rattachements"),
    (views.RequestView, CandidateRequest, "Demandes", "demandes"),
    (views.MailView, OutgoingMail, "Courriels", "courriels"),
    (views.DeadAddressView, DeadAddress, "Adresses en erreur", "adresses"),
    (views.TextView, OutgoingSms, "SMS", "sms"),
    (views.JobView, JobRun, "Tâches", "taches"),
    (views.PlatformView, Platform, "Plateformes", "plateformes"),
    (views.PlatformConsentView, PlatformConsent, "Réponses des centres", "reponses"),
    (ApiKeyView, ApiKey, "Clés de l’API", "cles"),
    (WebhookEndpointView, WebhookEndpoint, "Adresses d’événements", "evenements"),
    (WebhookDeliveryView, WebhookDelivery, "Envois aux plateformes", "envois"),
    (views.AuditView, AuditEntry, "Journal", "journal"),
)


def register(app: Flask) -> None:
    """Bind the admin and its tables."""
    admin = Admin(
        app,
        name="Service RDV Apprentissage",
        theme=Bootstrap4Theme(swatch="default"),
        index_view=OverviewPage(name="Vue d’ensemble"),
        csp_nonce_generator=csp_nonce,
    )
    admin.add_view(BookablePage(name="Réservable où ?", endpoint="admin_reservable", url="reservable"))
    for view, model, name, path in _TABLES:
        admin.add_view(view(model, db, name=name, endpoint=f"admin_{path}", url=path))
    admin.add_view(CataloguePage(name="Catalogue", endpoint="admin_catalogue", url="catalogue"))
    admin.add_view(PlatformHealthPage(name="Santé des plateformes", endpoint="admin_sante", url="sante"))
