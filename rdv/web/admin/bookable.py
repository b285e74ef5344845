"""« Pourquoi cette formation est-elle réservable ici ? », for any training, by what the team has at hand."""

from __future__ import annotations

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from rdv import clock, directory, links
from rdv.errors import NotFound
from rdv.models import Training
from rdv.web import address_lines, bookable_lines
from rdv.web.admin.base import PageView


class BookablePage(PageView):
    """Every platform and every rule for one training."""

    @expose()
    def index(self) -> ResponseReturnValue:
        """Show the rules for the training of this key, or of this public address."""
        typed = request.args.get("formation", "").strip()[:200]
        found = _trainings(typed)
        training = found[0] if len(found) == 1 else None
        page: str = self.render(
            "admin/bookable.html", typed=typed, found=found, training=training,
            platforms=bookable_lines.of(training, clock.now(), _targets(training)) if training else [],
            addresses=address_lines.of(training) if training else None,
            public_url=links.training(training) if training else None,
            place=directory.shown_place(training.sites) if training else None,
        )  # fmt: skip
        return page


def _trainings(typed: str) -> list[Training]:
    """Return the trainings that what was typed may mean: a public address, the last part of one, or a key."""
    try:
        return [directory.get_training(typed.rsplit("/", 1)[-1])] if typed else []
    except NotFound:
        return directory.by_key(typed)


def _targets(training: Training) -> bookable_lines.Targets:
    siret = training.cfa.siret
    return {
        "platform": (url_for("admin_plateformes.index_view"), "Ouvrir les plateformes"),
        "centre": (url_for("admin_centres.index_view", search=siret), "Ouvrir le centre"),
        "training": (url_for("admin_formations.details_view", id=training.public_id), "Ouvrir la formation"),
        "consent": (url_for("admin_reponses.index_view", search=siret), "Ouvrir les réponses du centre"),
    }
