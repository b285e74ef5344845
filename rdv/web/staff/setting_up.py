"""« Mise en route »: five steps, each verified by the system; shown on the first screen until all are done."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template, url_for

from rdv import clock, french, links, setting_up
from rdv.models import Cfa
from rdv.web.staff import context
from rdv.web.staff.blueprint import bp


@dataclass(frozen=True)
class Line:
    """A step in words."""

    title: str
    text: str
    done: bool
    seen: str | None  # how the system knows that it is done
    href: str | None
    label: str | None


@bp.get("/equipe/mise-en-route")
def set_up() -> str:
    """Show the five steps, what each asks, and how each was verified."""
    cfa = context.current_cfa()
    return render_template("staff/set_up.html", lines=lines_of(cfa), public_url=links.cfa(cfa))


def lines_of(cfa: Cfa) -> list[Line]:
    """Return the five steps in words; links only for whoever may follow them."""
    may_manage = context.current_role() == "manager"
    found = {step.code: step for step in setting_up.steps(cfa, clock.now())}
    to_time = None if found["hours"].done else setting_up.first_site_without_hours(cfa)
    hours_href = url_for("staff.site_settings", public_id=to_time.public_id) if to_time and may_manage else None
    return [
        Line(
            "Vos lieux de formation",
            "Leur adresse vient de ce que votre centre déclare à son Carif-Oref ; corrigez-la auprès de lui."
            + _missing(" Sans adresse : ", found["places"].missing),
            found["places"].done, "Chaque lieu ouvert a une adresse.",
            url_for("staff.settings"), "Voir les lieux",
        ),
        Line(
            "Vos horaires",
            "Ils datent la réponse promise aux candidats." + _missing(" À remplir : ", found["hours"].missing),
            found["hours"].done, "Chaque lieu ouvert a ses horaires.", hours_href, "Remplir les horaires",
        ),
        Line(
            "Vos premiers créneaux",
            "Les candidats choisissent eux-mêmes l’heure, sans échange de messages.",
            found["slots"].done, "Un créneau au moins peut être réservé en ce moment.",
            url_for("staff.publish"), "Publier des créneaux",
        ),
        Line(
            "Votre lien sur votre site",
            "Mettez l’adresse de votre page publique sur votre site, puis ouvrez-la depuis ce site : nous le verrons.",
            found["link"].done, _seen_link(found["link"]), url_for("public.cfa", public_id=cfa.public_id), "Ouvrir la page publique",
        ),
        Line(
            "Une réservation d’essai",
            "Depuis votre page publique, réservez un créneau avec l’adresse électronique de votre compte, puis annulez-le.",
            found["trial"].done, _on("Réservation faite le ", found["trial"]),
            url_for("public.cfa", public_id=cfa.public_id), "Faire un essai",
        ),
    ]  # fmt: skip


def _missing(words: str, names: tuple[str, ...]) -> str:
    return f"{words}{french.enumeration(names)}." if names else ""


def _seen_link(step: setting_up.Step) -> str | None:
    if step.host:
        return _on(f"Visite venue de {step.host} le ", step)
    return _on("Demande venue d’une plateforme le ", step)


def _on(words: str, step: setting_up.Step) -> str | None:
    return f"{words}{french.day_of_month(clock.to_zone(step.at, clock.PARIS).date())}." if step.at else None
