"""`/integrer`: the code of the button for whoever keeps a site, ready to copy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode, urlsplit

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue

from rdv import clock, directory, links, partner_ids
from rdv.errors import NotFound
from rdv.models import Platform, Training
from rdv.partner_ids import PartnerId
from rdv.web.button import button_of
from rdv.web.headers import framing_policy
from rdv.web.public.blueprint import bp
from rdv.web.public.script import CURRENT, integrity

_PAIR = re.compile(r"(\d{14})\D+(\w{6,10})", re.ASCII)
# The identifier that the code holds when the training was found by words: what stays true longest first.
_OWN = (
    ("cle", "training_key"), ("parcoursup", "parcoursup_id"), ("onisep", "onisep_id"), ("affelnet", "affelnet_id"),
    ("rco", "rco_id"),
)  # fmt: skip


@dataclass(frozen=True)
class Level:
    """One way to stand on a page: its code, and when to prefer it."""

    id: str
    title: str
    text: str
    code: str


@bp.get("/integrer")
def integrate() -> ResponseReturnValue:
    """Find a training by words or by any of its identifiers, then show the code of each level."""
    text = request.args.get("q", "").strip()[:160]
    chosen = directory.get_platform(request.args.get("pour", ""))
    meant, found = _named(text)
    asked = _query(meant, chosen) if meant else {}
    page = render_template(
        "public/integrate.html", q=text, chosen=chosen, meant=meant, found=found, asked=asked,
        platforms=[each for each in directory.platforms() if each.active],
        searched=directory.search(text).trainings if text and meant is None else [],
        button=button_of(asked, chosen, clock.now()) if asked else None,
        levels=_levels(asked) if asked else [], scripts=_scripts(), service=links.home().rstrip("/"),
    )  # fmt: skip
    response = make_response(page)
    response.headers["Content-Security-Policy"] = framing_policy()  # the preview opens what a site would
    return response


def _named(text: str) -> tuple[PartnerId | None, list[Training]]:
    """Return the identifier that a text is, with its trainings: an address of ours, a SIRET with a diploma, or any."""
    path = urlsplit(text).path if text.startswith("http") else ""
    if match := re.fullmatch(r"/(?:formation|f)/(\w+)", path):
        try:
            training = directory.get_training(match[1])
        except NotFound:
            return None, []
        for kind, column in _OWN:
            if value := getattr(training, column):
                return PartnerId(kind, value), [training]
        return None, []
    if match := _PAIR.fullmatch(text):
        pair = PartnerId("siret", match[1], match[2])
        return (pair, found) if (found := partner_ids.trainings(pair)) else (None, [])
    for kind in partner_ids.SPELLINGS:
        if kind != "siret" and text and (found := partner_ids.trainings(PartnerId(kind, text))):
            return PartnerId(kind, text), found
    return None, []


def _query(meant: PartnerId, platform: Platform | None) -> dict[str, str]:
    return meant.query() | ({"origine": platform.code} if platform else {})


def _levels(asked: dict[str, str]) -> list[Level]:
    named = " ".join(f'{name}="{escape(value)}"' for name, value in asked.items())
    address = escape(f"{links.home()}formation?{urlencode(asked)}")
    link = f'<a href="{address}">Prendre rendez-vous</a>'
    return [
        Level("lien", "Un lien", "Marche partout\u00a0: page, courriel, document. Rien d’autre à installer.", link),
        Level(
            "bouton",
            "Un bouton et sa fenêtre",
            "Dit le prochain créneau, s’ouvre dans votre page sur un ordinateur, dans une nouvelle sur un téléphone. "
            "Le lien à l’intérieur reste si le script ne se charge pas.",
            f"<rdv-bouton {named}>{link}</rdv-bouton>",
        ),
        Level(
            "integre",
            "La prise de rendez-vous dans votre page",
            "Le candidat choisit son créneau sans rien ouvrir.",
            f'<rdv-bouton {named} mode="integre">{link}</rdv-bouton>',
        ),
        Level(
            "attributs",
            "Si votre outil retire les éléments inconnus",
            "Les mêmes noms sur un lien ordinaire\u00a0: il garde votre mise en forme et ouvre la fenêtre.",
            f'<a href="{address}" '
            + " ".join(f'data-rdv-{name}="{escape(value)}"' for name, value in asked.items())
            + ">Prendre rendez-vous</a>",
        ),
    ]


def _scripts() -> list[Level]:
    home = links.home()
    return [
        Level(
            "script",
            "Version figée, vérifiée par votre visiteur",
            "Son contenu ne change jamais\u00a0: son empreinte le garantit.",
            f'<script defer crossorigin="anonymous" integrity="{integrity()}" src="{home}bouton/v{CURRENT}/bouton.js"></script>',
        ),
        Level(
            "script-stable",
            "Version qui se met à jour",
            "Sans empreinte\u00a0: les améliorations arrivent seules.",
            f'<script defer src="{home}bouton.js"></script>',
        ),
    ]
