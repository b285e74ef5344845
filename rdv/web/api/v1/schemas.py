"""Every object of the API v1, in JSON Schema: the document publishes them, and bodies are held to them (`shape`)."""

from __future__ import annotations

from typing import Any

from rdv.candidate import ASKERS, CALLBACK_WINDOWS, REASONS
from rdv.models.request import BOOKING_STATUSES, MODES, OUTCOMES, REQUEST_STATUSES
from rdv.web.candidate_forms import MOST_CHARACTERS

MOST_LINKS = 200
Schema = dict[str, Any]

IDENTIFIERS: dict[str, str] = {
    "id": "Notre identifiant, tel que nos réponses le donnent",
    "cle": "Clé ministères éducatifs",
    "rco": "Identifiant RCO (déprécié par le catalogue, encore résolu)",
    "parcoursup": "Identifiant Parcoursup",
    "onisep": "Identifiant Onisep, par exemple AF.56380",
    "affelnet": "Code Affelnet",
    "siret": "SIRET du centre ou du lieu, avec cfd",
    "cfd": "Code du diplôme, avec siret",
}
DEPRECATED = ("rco",)  # by the catalogue; what links and programs hold is still resolved


def text(said: str, most: int | None = None, *, null: bool = False, **more: Any) -> Schema:
    """Return the schema of a text."""
    found: Schema = {"type": ["string", "null"] if null else "string", "description": said, **more}
    return found | ({"maxLength": most} if most else {})


def identifier(name: str, most: int | None = None, *, null: bool = False) -> Schema:
    """Return the schema of an identifier of trainings, said deprecated where it is."""
    return text(IDENTIFIERS[name], most, null=null, **({"deprecated": True} if name in DEPRECATED else {}))


def instant(said: str, *, null: bool = False) -> Schema:
    """Return the schema of an instant, in ISO 8601 with its offset."""
    return text(said, null=null, format="date-time")


def words(said: str, among: Any, *, null: bool = False) -> Schema:
    """Return the schema of a word among some."""
    return text(said, null=null, enum=[*among, *([None] if null else [])])


def ref(name: str) -> Schema:
    """Return a reference to one of the schemas below."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(items: Schema, said: str, **more: Any) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items, "description": said, **more}


def told(properties: dict[str, Schema], optional: tuple[str, ...] = ()) -> Schema:
    """Return the schema of an object that we answer: every property stands in it but the optional ones."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def sent(properties: dict[str, Schema], required: tuple[str, ...], **more: Any) -> Schema:
    """Return the schema of an object that callers send."""
    return {
        "type": "object", "properties": properties, "required": list(required), "additionalProperties": False, **more,
    }  # fmt: skip


def _named(most: int = 80) -> dict[str, Schema]:
    return {
        "first_name": text("Prénom", most, minLength=1),
        "last_name": text("Nom", most, minLength=1),
        "email": text("Adresse électronique", 254),
        "phone": text("Téléphone, sous toute forme lisible", 40),
    }


_CONSENT: Schema = {
    "type": "boolean", "const": True,
    "description": "La personne a accepté que ses coordonnées soient transmises à ce centre",
}  # fmt: skip
_COMMON: dict[str, Schema] = {
    "training": ref("TrainingMeant"),
    "candidate": ref("CandidateSent"),
    "asker": ref("AskerSent"),
    "reasons": listed(words("Motif", REASONS), "Sur quoi portent les questions", maxItems=len(REASONS)),
    "text": text("Message au centre", MOST_CHARACTERS),
    "consent": _CONSENT,
}

SCHEMAS: dict[str, Schema] = {
    "Problem": {
        "type": "object",
        "description": "Un refus (RFC 9457). «\u00a0type\u00a0» est l’adresse d’une page qui l’explique.",
        "properties": {
            "type": text("Adresse de l’explication", format="uri"),
            "title": text("Titre"),
            "status": {"type": "integer", "description": "Statut HTTP"},
            "detail": text("Ce qui s’est passé et quoi faire"),
            "errors": listed(
                told({"field": text("Champ"), "message": text("Ce qui est attendu")}), "Champs à corriger"
            ),
            "reasons": listed(ref("Reason"), "Pourquoi la formation n’est pas ouverte ici"),
            "trainings": listed(ref("Training"), "Formations entre lesquelles choisir"),
        },
        "required": ["type", "title", "status", "detail"],
        "additionalProperties": False,
    },
    "Button": told(
        {
            "bookable": {"type": "boolean", "description": "Faux\u00a0: le bouton ne s’affiche pas"},
            "label": text("Mots du bouton"),
            "next_slot": text("Prochain créneau, à l’heure du lieu", null=True),
            "url": text("Page à ouvrir", null=True),
            "frame_url": text("Page à encadrer, quand votre site le peut", null=True),
        }
    ),
    "TrainingMeant": sent(
        {name: identifier(name, 120) for name in IDENTIFIERS}, (), minProperties=1,
        description="Un identifiant de la formation",
    ),
    "Training": told(
        {
            "id": text("Notre identifiant"),
            "title": text("Intitulé"),
            "centre": told(
                {"id": text("Notre identifiant"), "name": text("Nom du centre"), "siret": text("SIRET", null=True)}
            ),
            "place": text("Adresse du lieu, ou communes"),
            "identifiers": told(
                {
                    name: identifier(name, null=True)
                    for name in ("cle", "parcoursup", "onisep", "affelnet", "rco")
                }
            ),
        }
    ),
    "Reason": told({"code": text("Règle qui manque"), "message": text("Ce qui manque et quoi faire")}),
    "Slot": told(
        {
            "id": text("Identifiant du créneau"),
            "starts_at": instant("Début, à l’heure du lieu"),
            "ends_at": instant("Fin, à l’heure du lieu"),
            "time_zone": text("Fuseau horaire du lieu"),
            "place": words("Sur place, par téléphone ou par visioconférence", ("on_site", "phone", "video")),
            "address": text("Adresse du lieu"),
            "title": text("Titre de la réunion", null=True),
            "capacity": {"type": "integer", "description": "Places en tout"},
            "seats_left": {"type": "integer", "description": "Places libres, créneaux identiques compris"},
            "link": text("Page de réservation, pour vos candidats", format="uri"),
        }
    ),
    "Context": told(
        {
            "training": ref("Training"),
            "bookable": {"type": "boolean", "description": "Montrer le bouton, ou non"},
            "reasons": listed(ref("Reason"), "Pourquoi la formation n’est pas ouverte ici, vide quand elle l’est"),
            "modes": listed(words("Moyen", MODES), "Moyens de contact ouverts"),
            "next_slots": listed(ref("Slot"), "Prochains créneaux libres, trois au plus"),
            "link": text("Page de la formation pour vos candidats", null=True, format="uri"),
        }
    ),
    "Slots": told(
        {
            "slots": listed(ref("Slot"), "Créneaux libres, du plus proche au plus lointain"),
            "next": instant("À donner dans «\u00a0from\u00a0» pour la page suivante", null=True),
        }
    ),
    "LinksAsked": sent(
        {
            "trainings": listed(
                sent(
                    {"reference": text("Votre repère, rendu tel quel", 120), "training": ref("TrainingMeant")},
                    ("training",),
                ),
                "Formations, dans votre ordre", minItems=1, maxItems=MOST_LINKS,
            )
        },
        ("trainings",),
    ),
    "Links": told(
        {
            "links": listed(
                told(
                    {
                        "reference": text("Votre repère", null=True),
                        "training": text("Notre identifiant", null=True),
                        "state": words("Ce qu’il en est", ("bookable", "not_bookable", "ambiguous", "unknown")),
                        "link": text("Page pour vos candidats, quand la formation est ouverte", null=True, format="uri"),
                    }
                ),
                "Dans l’ordre demandé",
            )
        }
    ),
    "Bookable": told(
        {
            "date": text("Jour demandé", null=True, format="date"),
            "trainings": listed(
                told(
                    {
                        "id": text("Notre identifiant"),
                        **{
                            name: identifier(name, null=True)
                            for name in ("cle", "parcoursup", "affelnet", "onisep", "rco")
                        },
                    }
                ),
                "Formations ouvertes sur votre plateforme",
            ),
            "next": text("À donner dans «\u00a0after\u00a0» pour la page suivante", null=True),
        }
    ),
    "CandidateSent": sent(
        _named(), ("first_name", "last_name"),
        description="La personne qui cherche une formation. Un téléphone pour être rappelé ou pour un rendez-vous par "
        "téléphone, une adresse pour une visioconférence, l’un ou l’autre sinon.",
    ),
    "AskerSent": sent(
        {"role": words("Qui demande", ASKERS), **_named()}, ("role",),
        description="Qui demande, quand ce n’est pas la personne elle-même\u00a0; ses coordonnées, si elle les donne",
    ),
    "RequestSent": sent(
        {
            "mode": words("Être rappelé, ou écrire", ("callback", "message")),
            **_COMMON,
            "windows": listed(
                words("Moment", CALLBACK_WINDOWS), "Quand appeler, pour un rappel", maxItems=len(CALLBACK_WINDOWS)
            ),
        },
        ("mode", "training", "candidate", "consent"),
    ),
    "BookingSent": sent(
        {
            "slot": text("Identifiant du créneau", 40),
            **_COMMON,
            "guests": {
                "type": "integer", "minimum": 0, "maximum": 20, "description": "Personnes qui accompagnent",
            },
        },
        ("slot", "training", "candidate", "consent"),
    ),
    "RequestMade": told(
        {
            "id": text("Identifiant de la demande\u00a0; vide quand l’envoi complète une demande récente", null=True),
            "added": {"type": "boolean", "description": "L’envoi complète une demande récente de la même personne"},
        }
    ),
    "BookingMade": told(
        {
            "id": text("Identifiant de la demande, pour suivre ce qu’elle devient"),
            "slot": text("Identifiant du créneau pris\u00a0: celui demandé, ou un identique"),
            "starts_at": instant("Début"),
            "ends_at": instant("Fin"),
            "time_zone": text("Fuseau horaire du lieu"),
            "place": words("Sur place, par téléphone ou par visioconférence", ("on_site", "phone", "video")),
        }
    ),
    "Meeting": told(
        {
            "state": words("État", BOOKING_STATUSES),
            "slot": text("Identifiant du créneau"),
            "starts_at": instant("Début"),
            "ends_at": instant("Fin"),
            "time_zone": text("Fuseau horaire du lieu"),
        }
    ),
    "Request": told(
        {
            "id": text("Identifiant"),
            "mode": words("Moyen", MODES),
            "state": words("État", REQUEST_STATUSES),
            "outcome": words("Issue, une fois terminée", OUTCOMES, null=True),
            "training": text("Identifiant de la formation", null=True),
            "created_at": instant("Reçue"),
            "due_at": instant("Réponse promise avant", null=True),
            "answered_at": instant("Première réponse d’une personne", null=True),
            "booking": {"anyOf": [ref("Meeting"), {"type": "null"}], "description": "Rendez-vous"},
            "candidate": told(
                {
                    "first_name": text("Prénom"), "last_name": text("Nom"), "email": text("Adresse", null=True),
                    "phone": text("Téléphone", null=True),
                }
            ) | {"description": "Seulement pour une plateforme habilitée à recevoir les coordonnées"},
        },
        optional=("candidate",),
    ),
    "Requests": told(
        {
            "requests": listed(ref("Request"), "De la plus ancienne à la plus récente"),
            "next": text("À donner dans «\u00a0after\u00a0» pour la page suivante", null=True),
        }
    ),
    "Document": {
        "type": "object",
        "properties": {"openapi": text("Version d’OpenAPI")},
        "required": ["openapi"],
        "description": "Un document OpenAPI",
    },
    "Statistics": told(
        {
            "by": words("Période", ("week", "month")),
            "periods": listed(
                told(
                    {
                        "from": text("Premier jour", format="date"),
                        "views": {"type": "null", "description": "Pages vues\u00a0: le service ne les compte pas"},
                        "requests": {"type": "integer", "description": "Rappels et messages reçus"},
                        "bookings": {"type": "integer", "description": "Rendez-vous pris seul"},
                        "answered": {"type": "integer", "description": "Demandes auxquelles une personne a répondu"},
                        "median_answer_minutes": {
                            "type": ["integer", "null"],
                            "description": "Délai médian de réponse, en minutes d’ouverture\u00a0; vide sous cinq réponses",
                        },
                    }
                ),
                "Toutes les périodes, vides comprises",
            ),
        }
    ),
}  # fmt: skip
