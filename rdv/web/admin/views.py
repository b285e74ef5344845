"""The tables of the service team, one class each. Nothing of a candidate is shown but what a count needs."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from flask import flash, g
from flask_admin.actions import action
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import ValidationError

from rdv import clock, consents, dead_addresses, delivery, erasure, inbox
from rdv.contacts import masked_email
from rdv.db import db, transaction
from rdv.errors import RdvError
from rdv.mails.people import phone_ending
from rdv.models import DeadAddress
from rdv.web.admin import words
from rdv.web.admin.base import ServiceView, current_person
from rdv.web.forms import EmailField


def _of_cfa(_view: Any, _context: Any, model: Any, _name: str) -> str:
    return str(model.cfa.shown_name) if model.cfa else "–"


def _of_user(_view: Any, _context: Any, model: Any, _name: str) -> str:
    return str(model.user.shown_name) if model.user else "–"


OF_EVERY_YEAR = "Jour et mois, par exemple 15/01\u00a0; vide\u00a0: aucun."


class YearDayField(StringField):
    """A day of every year, typed « 15/01 », kept « 01-15 »."""

    data: Any

    def process_data(self, value: str | None) -> None:
        self.data = "/".join(reversed(value.split("-"))) if value else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        typed = (valuelist[0] if valuelist else "").strip()
        self.data = None
        if not typed:
            return
        try:
            day, month = (int(part) for part in typed.split("/"))
            self.data = date(2028, month, day).strftime("%m-%d")  # a leap year: 29 February is one
        except ValueError:
            raise ValidationError("Écrivez un jour et un mois, par exemple 15/01.") from None

    def _value(self) -> str:
        typed = self.raw_data[0] if self.raw_data else self.data
        return str(typed or "")


class CfaView(ServiceView):
    """Managing establishments: another address than the catalogue's may be chosen, and they may be closed."""

    noun, audit_reading = "cfa", True
    can_edit = can_view_details = True
    column_list = ["siret", "name", "city", "activated_at", "closed_at"]
    column_details_list = [
        "siret", "uai", "name", "chosen_name", "city", "email", "chosen_email", "phone", "disability_contact", "callback_open", "message_open",
        "answer_days", "activated_at", "closed_at", "created_at", "updated_at",
    ]  # fmt: skip
    column_searchable_list = ["siret", "name", "city", "uai"]
    column_default_sort = "name"
    column_labels = {
        "siret": "SIRET", "uai": "UAI", "name": "Nom", "chosen_name": "Nom choisi par le centre", "city": "Commune",
        "email": "Adresse du catalogue", "chosen_email": "Adresse choisie", "phone": "Téléphone",
        "disability_contact": "Contact handicap", "callback_open": "Être rappelé ouvert", "message_open": "Message ouvert",
        "answer_days": "Jours promis", "activated_at": "Espace activé", "closed_at": "Fermé", "created_at": "Créé",
        "updated_at": "Modifié",
    }  # fmt: skip
    form_columns = ["chosen_email", "is_closed"]
    form_extra_fields = {
        "chosen_email": EmailField(
            "Adresse choisie",
            description="Elle reçoit les demandes à la place de celles du catalogue, et les imports n’y touchent pas. Vide\u00a0: "
            "celles du catalogue.",
        ),
        "is_closed": BooleanField("Centre fermé", description="Ses pages et ses liens ne répondent plus."),
    }

    def on_form_prefill(self, form: Any, id: str) -> None:
        form.is_closed.data = self.get_one(id).closed_at is not None

    def on_model_change(self, form: Any, model: Any, is_created: bool) -> None:
        model.chosen_email = form.chosen_email.normalised
        if form.is_closed.data != (model.closed_at is not None):
            model.closed_at = clock.now() if form.is_closed.data else None
        super().on_model_change(form, model, is_created)


class SiteView(ServiceView):
    """Teaching places."""

    noun, audit_reading = "site", True
    can_view_details = True
    column_list = ["name", "cfa", "city", "department", "timezone", "closed_at"]
    column_details_list = [
        "name", "chosen_name", "cfa", "siret", "uai", "address", "postal_code", "city", "insee", "department", "territory", "timezone",
        "email", "chosen_email", "phone", "closed_at",
    ]  # fmt: skip
    column_searchable_list = ["name", "siret", "uai", "city", "postal_code"]
    column_sortable_list = ["name", "city", "department"]
    column_formatters = column_formatters_detail = {"cfa": _of_cfa}
    column_labels = {
        "name": "Nom", "chosen_name": "Nom choisi par le centre", "cfa": "Centre", "city": "Commune", "department": "Département", "timezone": "Fuseau horaire",
        "siret": "SIRET", "uai": "UAI", "address": "Adresse", "postal_code": "Code postal", "insee": "Code INSEE",
        "territory": "Territoire", "email": "Adresse du catalogue", "chosen_email": "Adresse choisie", "phone": "Téléphone", "closed_at": "Fermé",
    }  # fmt: skip


class TrainingView(ServiceView):
    """Trainings, as the catalogue declares them."""

    noun = "training"
    can_view_details = True
    column_list = ["title", "cfa", "training_key", "published", "closed_at"]
    column_details_list = [
        "title", "diploma", "level", "cfa", "training_key", "identity", "diploma_code", "rncp", "parcoursup_id",
        "parcoursup_visible", "affelnet_id", "affelnet_visible", "onisep_id", "rco_id", "remote", "published", "closed_at", "updated_at",
    ]  # fmt: skip
    column_searchable_list = ["title", "training_key", "diploma_code", "rncp", "parcoursup_id", "affelnet_id"]
    column_sortable_list = ["title", "published"]
    column_formatters = column_formatters_detail = {"cfa": _of_cfa}
    column_labels = {
        "title": "Intitulé", "cfa": "Centre", "training_key": "Clé ministères éducatifs", "published": "Publiée",
        "closed_at": "Fermée", "diploma": "Diplôme", "level": "Niveau", "identity": "Identité", "diploma_code": "CFD",
        "rncp": "RNCP", "parcoursup_id": "Parcoursup", "affelnet_id": "Affelnet", "onisep_id": "Onisep",
        "parcoursup_visible": "Publiée sur Parcoursup", "affelnet_visible": "Publiée sur Affelnet",
        "rco_id": "Identifiant RCO", "remote": "À distance", "updated_at": "Modifiée",
    }  # fmt: skip


class UserView(ServiceView):
    """Accounts: they may be closed, or join the service team."""

    noun, audit_reading = "user", True
    can_edit = can_view_details = True
    column_list = ["last_name", "first_name", "email", "active", "is_service_team", "last_sign_in_at"]
    column_details_list = [*column_list, "phone", "created_at"]
    column_searchable_list = ["last_name", "first_name", "email"]
    column_default_sort = "last_name"
    column_labels = {
        "last_name": "Nom", "first_name": "Prénom", "email": "Adresse électronique", "active": "Compte ouvert",
        "is_service_team": "Équipe du service", "last_sign_in_at": "Dernière connexion", "phone": "Téléphone",
        "created_at": "Créé",
    }  # fmt: skip
    form_columns = ["active", "is_service_team"]

    def on_model_change(self, form: Any, model: Any, is_created: bool) -> None:
        if model.id == current_person().id:
            raise ValidationError("Vous ne pouvez pas changer vos propres droits\u00a0: demandez à un collègue.")
        super().on_model_change(form, model, is_created)


class MembershipView(ServiceView):
    """Who works where."""

    column_list = ["user", "cfa", "role", "created_at", "ended_at"]
    column_searchable_list = ["user.last_name", "user.email", "cfa.name", "cfa.siret"]
    column_sortable_list = ["created_at", "ended_at"]
    column_formatters = {"cfa": _of_cfa, "user": _of_user}
    column_choices = {"role": [("adviser", "Conseiller ou conseillère"), ("manager", "Responsable")]}
    column_labels = {
        "user": "Personne", "cfa": "Centre", "role": "Rôle", "created_at": "Depuis", "ended_at": "Jusqu’au",
        "user.last_name": "nom", "user.email": "adresse", "cfa.name": "centre", "cfa.siret": "SIRET",
    }  # fmt: skip


class MailView(ServiceView):
    """Outgoing mails: what became of each, never what it says."""

    noun = "outgoing_mail"
    column_list = ["created_at", "kind", "to_email", "status", "delivery", "attempts", "sent_at", "last_error"]
    column_searchable_list = ["status", "delivery"]
    column_sortable_list = ["created_at", "kind", "status", "delivery", "attempts", "sent_at"]
    column_default_sort = ("created_at", True)
    shortcuts = {
        "failed": "En échec", "pending": "En attente", "sent": "Envoyés", "bounce": "Revenus", "blocked": "Bloqués",
        "complaint": "Signalés indésirables",
    }  # fmt: skip
    column_formatters = {
        "to_email": lambda _view, _context, model, _name: masked_email(model.to_email),
        "kind": lambda _view, _context, model, _name: words.MAILS.get(model.kind, model.kind),
    }
    column_choices = {
        "status": [("pending", "En attente"), ("sent", "Envoyé"), ("dropped", "Devenu inutile"), ("failed", "Échoué")],
        "delivery": list(words.DELIVERIES.items()),
    }
    column_labels = {
        "created_at": "Créé", "kind": "Type", "to_email": "Destinataire", "status": "État", "delivery": "Remise", "attempts": "Essais",
        "sent_at": "Envoyé", "last_error": "Dernière erreur",
    }  # fmt: skip

    @action("resend", "Renvoyer", "Renvoyer les courriels choisis\u00a0? Seuls ceux qui ont échoué repartent.")
    def action_resend(self, public_ids: list[str]) -> None:
        """Put failed mails back in the queue; those sent already stay sent."""
        count = sum(delivery.retry(public_id, by=current_person()) for public_id in public_ids)
        if count:
            flash(f"Remis en file d’envoi\u00a0: {count}.", "success")
        else:
            flash("Aucun des courriels choisis n’était en échec.", "error")


class TextView(ServiceView):
    """Outgoing text messages: what became of each, never what it says nor the whole number."""

    noun = "outgoing_sms"
    column_list = ["created_at", "kind", "to_phone", "status", "attempts", "sent_at", "last_error"]
    column_searchable_list = ["status"]
    column_sortable_list = ["created_at", "kind", "status", "attempts", "sent_at"]
    column_default_sort = ("created_at", True)
    shortcuts = {"failed": "En échec", "pending": "En attente", "sent": "Envoyés"}
    column_formatters = {
        "to_phone": lambda _view, _context, model, _name: f"… {phone_ending(model.to_phone)}",
        "kind": lambda _view, _context, model, _name: words.TEXTS.get(model.kind, model.kind),
    }
    column_choices = {"status": MailView.column_choices["status"]}
    column_labels = {**MailView.column_labels, "to_phone": "Numéro"}

    @action("resend", "Renvoyer", "Renvoyer les SMS choisis\u00a0? Seuls ceux qui ont échoué repartent.")
    def action_resend(self, public_ids: list[str]) -> None:
        """Put failed messages back in the queue; those that are no longer true are dropped when they leave."""
        count = sum(delivery.retry_texts(public_id, by=current_person()) for public_id in public_ids)
        if count:
            flash(f"Remis en file d’envoi\u00a0: {count}.", "success")
        else:
            flash("Aucun des SMS choisis n’était en échec.", "error")


class DeadAddressView(ServiceView):
    """Addresses to which nothing is sent any more: whole where a centre uses it, to be corrected; a person's is masked."""

    noun = "dead_address"
    column_list = ["since", "email", "reason", "centres", "mail.kind"]
    column_searchable_list = ["reason"]
    column_sortable_list = ["since", "reason"]
    column_default_sort = ("since", True)
    shortcuts = {
        "hard_bounce": "N’existe pas", "blocked": "Bloquées", "complaint": "Signalés indésirables",
        "unsubscribed": "Désinscrites", "soft_bounce": "Toujours pleines",
    }  # fmt: skip
    column_choices = {"reason": list(words.DEATHS.items())}
    column_labels = {
        "since": "Depuis", "email": "Adresse", "reason": "Raison", "centres": "Centres qui l’utilisent",
        "mail.kind": "Courriel en cause",
    }  # fmt: skip

    def get_list(self, *arguments: Any, **options: Any) -> Any:
        """Look up the centres of a page at once."""
        count, rows = super().get_list(*arguments, **options)
        g.centres_of_addresses = dead_addresses.centres_of([row.email for row in rows])
        return count, rows

    def _centres(self, _context: Any, model: Any, _name: str) -> str:
        used = g.centres_of_addresses.get(model.email, [])
        return ", ".join(f"{cfa.shown_name} ({cfa.siret})" for cfa in used) or "Aucun"

    def _address(self, _context: Any, model: Any, _name: str) -> str:
        return str(model.email) if model.email in g.centres_of_addresses else masked_email(model.email)

    def _mail(self, _context: Any, model: Any, _name: str) -> str:
        return words.MAILS.get(model.mail.kind, model.mail.kind) if model.mail else "–"

    column_formatters = {"email": _address, "centres": _centres, "mail.kind": _mail}

    @action(
        "lift",
        "Lever l’erreur",
        "Envoyer à nouveau aux adresses choisies\u00a0? Corrigez d’abord ce qui les a mises en erreur.",
    )
    def action_lift(self, public_ids: list[str]) -> None:
        """Send there again; what failed meanwhile was told another way, and stays so."""
        lifted = 0
        for public_id in public_ids:
            with transaction():
                found = db.session.scalar(sa.select(DeadAddress).where(DeadAddress.public_id == public_id))
                if found is not None:
                    dead_addresses.lift(found, current_person())
                    lifted += 1
        flash(f"Adresses remises en service\u00a0: {lifted}.", "success" if lifted else "error")


class RequestView(ServiceView):
    """Requests without the person: whether centres answer, and when; the person erased when they ask for it."""

    noun = "request"
    column_list = [
        "reference",
        "cfa",
        "mode",
        "status",
        "outcome",
        "created_at",
        "due_at",
        "first_answered_at",
        "erased_at",
    ]
    column_searchable_list = ["reference"]
    column_sortable_list = ["mode", "status", "created_at", "due_at", "first_answered_at"]
    column_default_sort = ("created_at", True)
    column_formatters = {"cfa": _of_cfa}
    column_choices = {
        "mode": [("callback", "Être rappelé"), ("message", "Message"), ("slot", "Rendez-vous")],
        "status": [
            ("new", "Nouvelle"), ("in_progress", "En cours"), ("waiting_candidate", "Attend le candidat"),
            ("closed", "Terminée"),
        ],
        "outcome": [
            ("meeting_set", "Rendez-vous pris"), ("answered", "Réponse donnée"), ("unreachable", "Injoignable"),
            ("not_for_us", "Hors du centre"), ("cancelled_by_candidate", "Annulée par le candidat"),
            ("cancelled_by_cfa", "Annulée par le centre"), ("no_follow_up", "Sans suite"),
        ],
    }  # fmt: skip
    column_labels = {
        "reference": "Référence", "cfa": "Centre", "mode": "Moyen", "status": "État", "outcome": "Issue",
        "created_at": "Reçue", "due_at": "Réponse attendue avant", "first_answered_at": "Première réponse",
        "erased_at": "Effacée",
    }  # fmt: skip

    @action(
        "erase",
        "Effacer les données",
        "Effacer définitivement les données de ces personnes\u00a0? Leurs rendez-vous à venir seront annulés et le centre "
        "prévenu. Faites-le à leur demande, après avoir vérifié qu’elle vient bien d’elles.",
    )
    def action_erase(self, public_ids: list[str]) -> None:
        """Erase the people of these requests, because they asked the service for it."""
        done = 0
        for public_id in public_ids:
            try:
                with transaction():
                    found = inbox.get_by_public_id(public_id)
                    done += erasure.erase(found, "system", clock.now(), user=current_person())
            except RdvError as refusal:
                flash(refusal.message, "error")
        if done:
            flash(f"Demandes dont les données sont effacées\u00a0: {done}.", "success")


class AuditView(ServiceView):
    """The journal, which nobody changes."""

    column_list = ["at", "user", "action", "object_type", "object_id", "data"]
    column_searchable_list = ["object_id"]
    column_sortable_list = ["at", "action"]
    column_default_sort = ("at", True)
    column_formatters = {
        "user": _of_user,
        "action": lambda _view, _context, model, _name: words.act(model.action),
        "object_type": lambda _view, _context, model, _name: words.noun(model.object_type),
        "data": lambda _view, _context, model, _name: words.facts(model.data),
    }
    column_labels = {
        "at": "Quand", "user": "Qui", "action": "Action", "object_type": "Objet", "object_id": "Identifiant",
        "data": "Précisions",
    }  # fmt: skip


class JobView(ServiceView):
    """Runs of the scheduled jobs."""

    column_list = ["name", "started_at", "finished_at", "ok", "note"]
    column_sortable_list = ["name", "started_at", "ok"]
    column_default_sort = ("started_at", True)
    column_formatters = {"name": lambda _view, _context, model, _name: words.JOBS.get(model.name, model.name)}
    column_labels = {
        "name": "Tâche", "started_at": "Début", "finished_at": "Fin", "ok": "Réussie", "note": "Note",
    }  # fmt: skip


class PlatformView(ServiceView):
    """Sites that send candidates; one that never did may be deleted."""

    noun, public_key = "platform", "code"
    can_create = can_edit = can_delete = True
    column_list = ["code", "name", "active", "life_cycle", "campaign_from", "campaign_to", "reminder_on", "reset_on"]
    column_default_sort = "code"
    column_formatters = {
        "life_cycle": lambda _view, _context, model, _name: words.LIFE_CYCLES[model.life_cycle],
    }
    column_labels = {
        "code": "Code", "name": "Nom", "url": "Adresse du site", "active": "En service", "life_cycle": "Accord des centres",
        "campaign_from": "Campagne, du", "campaign_to": "Campagne, au", "reminder_on": "Rappel annuel le",
        "reset_on": "Nouvelle campagne le",
    }  # fmt: skip
    form_columns = [
        "code",
        "name",
        "url",
        "active",
        "life_cycle",
        "campaign_from",
        "campaign_to",
        "reminder_on",
        "reset_on",
    ]
    form_extra_fields = {
        "life_cycle": SelectField("Accord des centres", choices=words.LIFE_CYCLES),
        "campaign_from": YearDayField("Campagne, du", description=OF_EVERY_YEAR),
        "campaign_to": YearDayField("Campagne, au", description=OF_EVERY_YEAR),
        "reminder_on": YearDayField("Rappel annuel le", description=OF_EVERY_YEAR),
        "reset_on": YearDayField("Nouvelle campagne le", description=OF_EVERY_YEAR),
    }


class PlatformConsentView(ServiceView):
    """What centres answered; the team may answer in the name of one that wrote to it."""

    noun = "platform_consent"
    column_list = [
        "cfa",
        "platform",
        "state",
        "invited_at",
        "activates_at",
        "followed_up_at",
        "decided_at",
        "decided_by",
    ]
    column_searchable_list = ["cfa.name", "cfa.siret", "platform.name", "platform.code"]
    column_sortable_list = ["state", "invited_at", "decided_at"]
    column_default_sort = ("decided_at", True)
    column_formatters = {
        "cfa": _of_cfa,
        "platform": lambda _view, _context, model, _name: model.platform.name,
        "state": lambda _view, _context, model, _name: words.CONSENTS[model.state],
        "decided_by": lambda _view, _context, model, _name: words.DECIDED_BY.get(model.decided_by, "–"),
    }
    column_labels = {
        "cfa": "Centre", "platform": "Plateforme", "state": "Réponse", "invited_at": "Invité", "activates_at": "S’ouvre",
        "followed_up_at": "Relancé", "decided_at": "Décidé", "decided_by": "Par", "cfa.name": "centre",
        "cfa.siret": "SIRET", "platform.name": "plateforme", "platform.code": "code",
    }  # fmt: skip

    @action("accept", "Accepter", "Accepter pour les centres choisis\u00a0? Ils en seront prévenus par courriel.")
    def action_accept(self, public_ids: list[str]) -> None:
        """Say yes in the name of centres that asked for it."""
        self._answer(public_ids, consents.accept)

    @action("refuse", "Refuser", "Refuser pour les centres choisis\u00a0? Ils en seront prévenus par courriel.")
    def action_refuse(self, public_ids: list[str]) -> None:
        """Say no in the name of centres that asked for it."""
        self._answer(public_ids, consents.refuse)

    def _answer(self, public_ids: list[str], act: Any) -> None:
        done = 0
        for public_id in public_ids:
            try:
                with transaction():
                    act([consents.get(public_id)], "team", clock.now(), current_person())
                done += 1
            except RdvError as refusal:
                flash(refusal.message, "error")
        if done:
            flash(f"Réponses enregistrées\u00a0: {done}.", "success")
