"""Keys of the API: the service team makes, replaces and ends them; a secret stands on one answer and nowhere else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import flash
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.actions import action
from wtforms import SelectField, StringField
from wtforms.validators import DataRequired, Length

from rdv import api_keys, clock, directory, french
from rdv.db import db, transaction
from rdv.errors import RdvError
from rdv.models import ApiKey
from rdv.web.admin.base import ServiceView, current_person
from rdv.web.forms import MultiCheckbox

STATES = {"live": "En service", "replaced": "Remplacée, marche encore", "ended": "Remplacée", "revoked": "Retirée"}


def _platforms() -> dict[str, str]:
    return {each.code: each.name for each in directory.platforms()}


class ApiKeyView(ServiceView):
    """Keys of the API, with what was last refused to each."""

    noun = "api_key"
    can_create = can_view_details = True
    column_list = ["platform", "name", "state", "scopes", "last_used_at", "created_at"]
    column_details_list = [*column_list, "expires_at", "revoked_at", "refusals"]
    column_searchable_list = ["name", "platform.name", "platform.code"]
    column_sortable_list = ["name", "last_used_at", "created_at"]
    column_default_sort = ("created_at", True)
    column_labels = {
        "platform": "Plateforme", "name": "Usage", "state": "État", "scopes": "Droits", "last_used_at": "Dernier usage",
        "created_at": "Créée", "expires_at": "Marche jusqu’au", "revoked_at": "Retirée", "refusals": "Derniers appels refusés",
        "platform.name": "plateforme", "platform.code": "code",
    }  # fmt: skip
    form_columns = ["platform_code", "name", "chosen_scopes"]
    form_extra_fields = {
        "platform_code": SelectField("Plateforme", choices=_platforms),
        "name": StringField(
            "Usage",
            validators=[
                DataRequired("Dites à quoi sert cette clé, par exemple\u00a0: site public."),
                Length(max=api_keys.NAME_LENGTH, message=f"{api_keys.NAME_LENGTH} caractères au plus."),
            ],
            description="À quoi sert cette clé, par exemple «\u00a0site public\u00a0».",
        ),
        "chosen_scopes": MultiCheckbox(
            "Droits", choices=api_keys.SCOPES, validators=[DataRequired("Choisissez au moins un droit.")]
        ),
    }

    def _platform(self, _context: Any, model: ApiKey, _name: str) -> str:
        return model.platform.name

    def _state(self, _context: Any, model: ApiKey, _name: str) -> str:
        return STATES[api_keys.state(model, clock.now())]

    def _scopes(self, _context: Any, model: ApiKey, _name: str) -> str:
        return ", ".join(model.scopes) or "–"

    def _refusals(self, _context: Any, model: ApiKey, _name: str) -> str:
        found = [
            f"{french.moment(each.at, year=True)}\u00a0: {each.endpoint}, {each.status} {each.problem}"
            for each in api_keys.last_refusals(model)
        ]
        return " · ".join(found) or "Aucun depuis 30 jours"

    column_formatters = column_formatters_detail = {
        "platform": _platform, "state": _state, "scopes": _scopes, "refusals": _refusals,
    }  # fmt: skip

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue:
        """Make a key, and show its secret on this answer alone: nothing keeps it, not even the session."""
        form = self.create_form()
        if not self.validate_form(form):
            return self._again(form)
        platform = directory.get_platform(form.platform_code.data)
        if platform is None:
            return self._again(form)
        made = api_keys.create(platform, form.name.data, form.chosen_scopes.data, clock.now(), current_person())
        db.session.commit()
        return self._shown([made])

    def _again(self, form: Any) -> ResponseReturnValue:
        page: str = self.render(self.create_template, form=form, form_opts=None, return_url=self.get_url(".index_view"))
        return page

    def _shown(self, made: list[api_keys.NewKey], replaced: bool = False) -> ResponseReturnValue:
        until = french.moment(clock.now() + timedelta(days=api_keys.OVERLAP_DAYS)) if replaced else None
        page: str = self.render("admin/api_keys.html", made=made, until=until, return_url=self.get_url(".index_view"))
        return page

    @action(
        "rotate",
        "Remplacer",
        f"Remplacer les clés choisies\u00a0? Les anciennes marchent encore {api_keys.OVERLAP_DAYS} jours.",
    )
    def action_rotate(self, public_ids: list[str]) -> ResponseReturnValue | None:
        """Make the key that replaces each, and show the new secrets."""
        made = []
        for public_id in public_ids:
            try:
                with transaction():
                    key = api_keys.get(public_id)
                    made.append(api_keys.rotate(key, clock.now(), by=current_person()))
            except RdvError as refusal:
                flash(refusal.message, "error")
        return self._shown(made, True) if made else None

    @action("revoke", "Retirer", "Retirer les clés choisies\u00a0? Elles cessent aussitôt de marcher.")
    def action_revoke(self, public_ids: list[str]) -> None:
        """End keys at once."""
        revoked = 0
        for public_id in public_ids:
            try:
                with transaction():
                    api_keys.revoke(api_keys.get(public_id), clock.now(), by=current_person())
                revoked += 1
            except RdvError as refusal:
                flash(refusal.message, "error")
        if revoked:
            flash(f"Clés retirées\u00a0: {revoked}.", "success")
