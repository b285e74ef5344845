"""Where platforms are told, and what they were told: the service team makes, tries, pauses, replaces and sends again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import flash, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.actions import action
from markupsafe import Markup
from sqlalchemy.orm import joinedload
from wtforms import SelectField, StringField
from wtforms.validators import DataRequired

from rdv import clock, directory, french, webhooks
from rdv.db import db, transaction
from rdv.errors import NotFound, RdvError
from rdv.models import WebhookDelivery, WebhookEndpoint
from rdv.web.admin.base import ServiceView, current_person
from rdv.web.forms import MultiCheckbox

KINDS = {
    "created": "Demande reçue", "answered": "Réponse donnée", "booked": "Rendez-vous pris", "moved": "Rendez-vous déplacé",
    "cancelled": "Rendez-vous annulé", "attended": "Venue de la personne", "erased": "Demande effacée",
}  # fmt: skip
STATES = {
    "pending": "En attente", "delivered": "Accepté", "failed": "Abandonné", "dropped": "Retiré, personne effacée",
}  # fmt: skip


def _platforms() -> dict[str, str]:
    return {each.code: each.name for each in directory.platforms()}


def _url() -> StringField:
    return StringField(
        "Adresse",
        validators=[DataRequired("Indiquez l’adresse, par exemple\u00a0: https://exemple.fr/rdv/evenements")],
        description="Celle où la plateforme attend nos appels, en https.",
    )


def _events() -> MultiCheckbox:
    return MultiCheckbox("Événements", choices=KINDS, validators=[DataRequired("Choisissez au moins un événement.")])


class WebhookEndpointView(ServiceView):
    """Addresses of platforms; a secret stands on one answer and nowhere else."""

    noun = "webhook"
    can_create = can_edit = can_view_details = True
    column_list = ["platform", "url", "events", "state", "last_success_at", "created_at"]
    column_details_list = [*column_list, "disabled_at", "former_until", "waiting"]
    column_searchable_list = ["url", "platform.name", "platform.code"]
    column_sortable_list = ["last_success_at", "created_at"]
    column_default_sort = ("created_at", True)
    column_labels = {
        "platform": "Plateforme", "url": "Adresse", "events": "Événements", "state": "État",
        "last_success_at": "Dernier accepté", "created_at": "Ajoutée", "disabled_at": "Coupée",
        "former_until": "L’ancien secret signe jusqu’au", "waiting": "En attente",
        "platform.name": "plateforme", "platform.code": "code",
    }  # fmt: skip
    form_columns = ["platform_code", "url", "chosen_events"]
    form_extra_fields = {
        "platform_code": SelectField("Plateforme", choices=_platforms), "url": _url(), "chosen_events": _events(),
    }  # fmt: skip

    def _platform(self, _context: Any, model: WebhookEndpoint, _name: str) -> str:
        return model.platform.name

    def _chosen(self, _context: Any, model: WebhookEndpoint, _name: str) -> str:
        return ", ".join(KINDS[kind] for kind in model.events)

    def _state(self, _context: Any, model: WebhookEndpoint, _name: str) -> str:
        if model.disabled_at is not None:
            return "Coupée, n’accepte plus rien"
        return "En service" if model.active else "En pause"

    def _waiting(self, _context: Any, model: WebhookEndpoint, _name: str) -> str:
        query = sa.select(sa.func.count()).where(
            WebhookDelivery.endpoint_id == model.id, WebhookDelivery.state == sa.literal_column("'pending'")
        )
        return str(db.session.scalar(query))

    column_formatters = column_formatters_detail = {
        "platform": _platform, "events": _chosen, "state": _state, "waiting": _waiting,
    }  # fmt: skip

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue:
        """Add an address, and show its secret on this answer alone."""
        form = self.create_form()
        platform = directory.get_platform(form.platform_code.data or "")
        if not self.validate_form(form) or platform is None:
            return self._form(self.create_template, form)
        try:
            made = webhooks.create(platform, form.url.data, form.chosen_events.data, clock.now(), current_person())
        except webhooks.WrongEndpoint as refusal:
            form.url.errors = [refusal.message]
            return self._form(self.create_template, form)
        db.session.commit()
        return self._secrets([made])

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> ResponseReturnValue:
        """Change where and what; the platform and the secret stay."""
        found = self.get_one(request.args.get("id", ""))
        if found is None:
            raise NotFound
        form = self.edit_form(obj=found)
        del form.platform_code
        if request.method == "GET":
            form.chosen_events.data = found.events
        if not self.validate_form(form):
            return self._form(self.edit_template, form, model=found)
        try:
            webhooks.change(found, form.url.data, form.chosen_events.data, current_person())
        except webhooks.WrongEndpoint as refusal:
            db.session.rollback()
            form.url.errors = [refusal.message]
            return self._form(self.edit_template, form, model=found)
        db.session.commit()
        flash("Adresse modifiée\u00a0: ce qui attend part vers elle.", "success")
        return self._form(self.edit_template, form, model=found)

    def _form(self, template: str, form: Any, **more: Any) -> str:
        return str(self.render(template, form=form, form_opts=None, return_url=self._list(), **more))

    def _list(self) -> str:
        return str(self.get_url(".index_view"))

    def _secrets(self, made: list[WebhookEndpoint], replaced: bool = False) -> ResponseReturnValue:
        until = french.moment(clock.now() + webhooks.OVERLAP) if replaced else None
        shown = [(each.platform.name, each.url, webhooks.secret(each)) for each in made]
        page: str = self.render("admin/webhook_secrets.html", shown=shown, until=until, return_url=self._list())
        return page

    @action(
        "rotate",
        "Remplacer le secret",
        f"Remplacer le secret\u00a0? L’ancien signe encore {webhooks.OVERLAP.days} jours.",
    )
    def action_rotate(self, public_ids: list[str]) -> ResponseReturnValue | None:
        """Replace secrets, and show the new ones."""
        made = self._each(public_ids, lambda found: webhooks.rotate(found, clock.now(), current_person()))
        return self._secrets(made, True) if made else None

    @action(
        "test", "Envoyer un essai", "Envoyer un événement d’essai, sans aucune demande, aux adresses choisies\u00a0?"
    )
    def action_test(self, public_ids: list[str]) -> None:
        """Queue a delivery that tells of nobody."""
        done = self._each(public_ids, lambda found: webhooks.send_test(found, clock.now(), current_person()))
        if done:
            flash(
                f"Essais en file d’envoi\u00a0: {len(done)}. Leur résultat est dans «\u00a0Envois aux plateformes\u00a0».",
                "success",
            )

    @action("pause", "Mettre en pause", "Mettre en pause\u00a0? Ce qui se passe d’ici là attend, 30 jours au plus.")
    def action_pause(self, public_ids: list[str]) -> None:
        """Speak to these addresses no more, until told otherwise."""
        done = self._each(public_ids, lambda found: webhooks.set_active(found, False, clock.now(), current_person()))
        flash(f"Adresses en pause\u00a0: {len(done)}.", "success" if done else "error")

    @action("resume", "Remettre en service", "Remettre en service\u00a0? Ce qui attend part aussitôt.")
    def action_resume(self, public_ids: list[str]) -> None:
        """Speak to these addresses again, dead or paused."""
        done = self._each(public_ids, lambda found: webhooks.set_active(found, True, clock.now(), current_person()))
        flash(f"Adresses en service\u00a0: {len(done)}.", "success" if done else "error")

    def _each(self, public_ids: list[str], act: Callable[[WebhookEndpoint], object]) -> list[WebhookEndpoint]:
        """Act on each address in a transaction of its own; return those on which it was done."""
        done = []
        for public_id in public_ids:
            try:
                with transaction():
                    found = webhooks.get(public_id)
                    act(found)
                done.append(found)
            except RdvError as refusal:
                flash(refusal.message, "error")
        return done


class WebhookDeliveryView(ServiceView):
    """What platforms were told lately, and what became of it; a person's details are never shown."""

    noun = "webhook_delivery"
    can_view_details = True
    column_list = [
        "created_at", "platform", "kind", "state", "attempts", "next_attempt_at", "last_status", "last_error",
        "delivered_at",
    ]  # fmt: skip
    column_details_list = ["event_id", *column_list, "url", "body"]
    column_searchable_list = ["state"]
    column_sortable_list = ["created_at", "kind", "state", "attempts", "delivered_at"]
    column_default_sort = ("created_at", True)
    shortcuts = {"pending": "En attente", "failed": "Abandonnés", "delivered": "Acceptés"}
    column_choices = {"kind": [*KINDS.items(), ("test", "Essai")], "state": list(STATES.items())}
    column_labels = {
        "created_at": "Écrit", "platform": "Plateforme", "kind": "Événement", "state": "État", "attempts": "Essais",
        "next_attempt_at": "Prochain essai", "last_status": "Dernière réponse", "last_error": "Dernière erreur",
        "delivered_at": "Accepté", "event_id": "Identifiant", "url": "Adresse", "body": "Contenu",
    }  # fmt: skip

    def get_query(self) -> Any:
        return super().get_query().options(_WITH_PLATFORM)

    def _platform(self, _context: Any, model: WebhookDelivery, _name: str) -> str:
        return model.endpoint.platform.name

    def _next(self, _context: Any, model: WebhookDelivery, _name: str) -> str:
        return french.moment(model.next_attempt_at, year=True) if model.state == "pending" else "–"

    def _to(self, _context: Any, model: WebhookDelivery, _name: str) -> str:
        return model.endpoint.url

    def _body(self, _context: Any, model: WebhookDelivery, _name: str) -> str:
        if model.body is None:
            return "Retiré\u00a0: la personne a été effacée."
        told = json.loads(model.body)
        hidden = told.pop("candidate", None) is not None
        text = json.dumps(told, ensure_ascii=False, indent=2)
        note = "Plus les coordonnées de la personne, que cette plateforme reçoit et qui ne sont pas montrées ici."
        return Markup("<pre>{}</pre>{}").format(text, note if hidden else "")

    column_formatters = column_formatters_detail = {
        "platform": _platform, "next_attempt_at": _next, "url": _to, "body": _body,
    }  # fmt: skip

    @action(
        "resend",
        "Renvoyer",
        "Renvoyer les événements choisis\u00a0? Ceux qui ont été acceptés repartent aussi, avec le même identifiant.",
    )
    def action_resend(self, public_ids: list[str]) -> None:
        """Send again, with the same identifier and the same bytes."""
        count = 0
        for public_id in public_ids:
            with transaction():
                count += webhooks.resend(public_id, clock.now(), current_person())
        if count:
            flash(f"Remis en file d’envoi\u00a0: {count}.", "success")
        else:
            flash("Aucun des événements choisis n’a encore de contenu à renvoyer.", "error")


_WITH_PLATFORM = joinedload(WebhookDelivery.endpoint).joinedload(WebhookEndpoint.platform)
