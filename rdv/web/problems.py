"""Refusals of the API v1 as RFC 9457 says: each has a stable type, whose address is a page that explains it in French."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify

from rdv import api_keys, booking, errors, links, rules
from rdv.web import retry_after

PREFIX = "/api/v1"  # under which every refusal is a problem document


@dataclass(frozen=True)
class Problem:
    """A kind of refusal: its code ends its type; `advice` says what an integrator does."""

    code: str
    status: int
    title: str
    advice: str


_ALL = (
    Problem("appel-mal-forme", 400, "Appel mal formé", "Comparez l’adresse, les paramètres et le corps à la documentation. Le détail nomme ce qui ne va pas."),
    Problem("json-illisible", 400, "Corps illisible", "Envoyez un objet JSON en UTF-8."),
    Problem("cle-de-reprise-absente", 400, "En-tête Idempotency-Key absent", "Ajoutez l’en-tête Idempotency-Key avec une valeur neuve pour chaque envoi voulu (8 à 200 caractères visibles), et la même si vous réessayez."),
    Problem("cle-absente", 401, "Clé absente ou inconnue", "Ajoutez l’en-tête «\u00a0Authorization: Bearer …\u00a0» avec la clé que l’équipe du service vous a remise."),
    Problem("cle-terminee", 401, "Clé terminée", "La clé a été remplacée ou retirée\u00a0: utilisez la nouvelle, ou demandez-en une à l’équipe du service."),
    Problem("acces-refuse", 403, "Accès refusé", "Cet appel n’est pas permis. Écrivez à l’équipe du service."),
    Problem("droit-absent", 403, "Droit absent", "La clé n’a pas le droit que cet appel demande. Demandez-le à l’équipe du service."),
    Problem("plateforme-arretee", 403, "Plateforme arrêtée", "L’équipe du service a arrêté la plateforme\u00a0: rien n’y est montré. Écrivez-lui."),
    Problem("introuvable", 404, "Introuvable", "L’adresse ou l’objet demandé n’existe pas, n’existe plus, ou n’est pas de votre plateforme."),
    Problem("formation-introuvable", 404, "Formation introuvable", "Aucune formation n’est connue sous cet identifiant. Vérifiez-le, ou essayez-en un autre."),
    Problem("methode-refusee", 405, "Méthode refusée", "Utilisez une des méthodes de l’en-tête Allow."),
    Problem("conflit", 409, "Situation changée", "La situation a changé entre-temps. Relisez ce qui est proposé, puis recommencez."),
    Problem("formation-ambigue", 409, "Plusieurs formations possibles", "L’identifiant désigne plusieurs formations\u00a0: envoyez à nouveau avec l’identifiant «\u00a0id\u00a0» d’une des formations de la liste."),
    Problem("non-proposee", 409, "Formation non proposée", "La formation n’est pas ouverte sur votre plateforme. Les raisons sont dans «\u00a0reasons\u00a0»."),
    Problem("contact-ferme", 409, "Moyen de contact fermé", "Le centre ne propose pas ce moyen de contact. Relisez «\u00a0modes\u00a0» dans le contexte de la formation."),
    Problem("creneau-pris", 409, "Créneau indisponible", "Le créneau n’est plus libre. Relisez les créneaux libres et proposez-en un autre."),
    Problem("deja-reserve", 409, "Déjà réservé, peut-être", "Une même personne ne s’inscrit qu’une fois à une heure donnée. Si une réservation existe, son lien vient de lui être renvoyé."),
    Problem("trop-de-rendez-vous", 409, "Trop de rendez-vous", "Le centre limite les rendez-vous à venir d’une même personne. Si elle en a un, le lien pour le déplacer vient de lui être envoyé."),
    Problem("trop-long", 413, "Corps trop long", "Envoyez moins de données par appel."),
    Problem("type-refuse", 415, "Type de contenu refusé", "Envoyez le corps avec l’en-tête «\u00a0Content-Type: application/json\u00a0»."),
    Problem("contenu-invalide", 422, "Contenu invalide", "Corrigez les champs de «\u00a0errors\u00a0», puis envoyez à nouveau\u00a0: rien n’a été enregistré."),
    Problem("cle-de-reprise-reutilisee", 422, "Clé de reprise déjà utilisée", "Cette valeur d’Idempotency-Key a déjà servi pour un autre contenu. Prenez-en une neuve pour chaque envoi voulu."),
    Problem("trop-d-appels", 429, "Trop d’appels", "Attendez le nombre de secondes de l’en-tête Retry-After, puis reprenez plus lentement."),
    Problem("trop-de-demandes", 429, "Trop de demandes", "Cette personne, ou ce centre, a reçu trop d’envois en peu de temps. Attendez le délai de Retry-After."),
    Problem("panne", 500, "Panne", "Le service a rencontré une erreur. Réessayez dans quelques minutes avec la même clé de reprise."),
    Problem("indisponible", 503, "Service indisponible", "Réessayez après le délai de Retry-After, avec la même clé de reprise."),
)  # fmt: skip
PROBLEMS: dict[str, Problem] = {each.code: each for each in _ALL}

_BY_STATUS = {
    400: "appel-mal-forme", 401: "cle-absente", 403: "acces-refuse", 404: "introuvable", 405: "methode-refusee",
    409: "conflit", 413: "trop-long", 415: "type-refuse", 422: "contenu-invalide", 429: "trop-de-demandes",
    500: "panne", 503: "indisponible",
}  # fmt: skip
# The nearest class of a refusal says its code; the first that fits wins.
_BY_ERROR: tuple[tuple[type[errors.RdvError], str], ...] = (
    (api_keys.KeyEnded, "cle-terminee"),
    (api_keys.NoKey, "cle-absente"),
    (api_keys.ScopeMissing, "droit-absent"),
    (api_keys.PlatformStopped, "plateforme-arretee"),
    (api_keys.CallsPerKey, "trop-d-appels"),
    (errors.ModeClosed, "contact-ferme"),
    (errors.AlreadyBooked, "deja-reserve"),
    (rules.TooManyBookings, "trop-de-rendez-vous"),
    (errors.SlotUnavailable, "creneau-pris"),
    (booking.ContactMissing, "contenu-invalide"),
)  # fmt: skip


class ApiProblem(errors.RdvError):
    """A refusal of the API by its code, with what the document says beside its sentence."""

    def __init__(self, code: str, message: str | None = None, **more: Any) -> None:
        problem = PROBLEMS[code]
        super().__init__(message or problem.advice)
        self.code, self.status, self.more = code, problem.status, more


def code_of(error: errors.RdvError) -> str:
    """Return the code of a refusal of the domain."""
    if isinstance(error, ApiProblem):
        return error.code
    for kind, code in _BY_ERROR:
        if isinstance(error, kind):
            return code
    return _code_of_status(error.status)


def answer(error: errors.RdvError) -> Response:
    """Return the document of a refusal of the domain."""
    more = error.more if isinstance(error, ApiProblem) else {}
    return retry_after.tell(document(code_of(error), error.message, **more), error)


def of_status(status: int, detail: str | None = None) -> Response:
    """Return the document of a refusal known by its status alone: a wrong address, method or size, a failure."""
    return document(_code_of_status(status), detail)


def _code_of_status(status: int) -> str:
    return _BY_STATUS.get(status, _BY_STATUS[500 if status >= 500 else 400])


def document(code: str, detail: str | None = None, **more: Any) -> Response:
    """Return a problem document (RFC 9457), with the headers that its status calls for."""
    problem = PROBLEMS[code]
    response = jsonify(
        type=links.problem(code), title=problem.title, status=problem.status, detail=detail or problem.advice, **more
    )
    response.mimetype = "application/problem+json"
    response.status_code = problem.status
    response.headers["Cache-Control"] = "no-store"
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return retry_after.tell(response)
