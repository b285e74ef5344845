"""Named refusals of the domain: each carries the French sentence a person reads and an HTTP status."""

from __future__ import annotations

from datetime import datetime


class RdvError(Exception):
    """Base of every expected refusal."""

    message = "Cette action n’est pas possible."
    status = 400

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.message)
        self.message = message or self.message


class NotFound(RdvError):
    """The object does not exist for this person; another CFA's object reads the same."""

    message = "Cette page n’existe pas ou n’existe plus."
    status = 404


class NotAllowed(RdvError):
    message = "Votre rôle ne permet pas cette action. Demandez à un responsable de votre centre."
    status = 403


class SlotUnavailable(RdvError):
    message = "Ce créneau vient d’être pris. Choisissez-en un autre : ce que vous avez saisi est conservé."
    status = 409


class OfferEnded(RdvError):
    """Seats held for somebody are no longer theirs."""

    message = "Cette place n’est plus gardée pour vous\u00a0: le délai est passé, ou le rendez-vous a changé."
    status = 409


class AlreadyBooked(RdvError):
    """The same person holds a live booking of this slot; `request_id` lets the link be sent again."""

    message = "Vous avez peut-être déjà réservé ce créneau."
    status = 409


class RequestReplayed(RdvError):
    """This submission id was already used; `request_id` is the earlier result, None when its content differed."""

    message = "Ce formulaire a déjà été envoyé."
    status = 409

    def __init__(self, request_id: int | None = None) -> None:
        super().__init__()
        self.request_id = request_id


class SlotOverlap(RdvError):
    message = (
        "Ce créneau en chevauche un autre du même conseiller. Changez l’horaire, ou cochez « publier quand même »."
    )
    status = 409


class TooClose(SlotOverlap):
    message = (
        "Ce créneau est plus près d’un autre que la pause fixée par le centre. Changez l’horaire, ou cochez "
        "«\u00a0publier quand même\u00a0»."
    )


class EditedMeanwhile(RdvError):
    message = "Cette fiche a été modifiée entre-temps. Relisez-la avant d’enregistrer : votre texte est conservé."
    status = 409


class WrongTransition(RdvError):
    message = "Cette demande n’est plus dans un état qui permet cette action. Rechargez la page."
    status = 409


class ModeClosed(RdvError):
    message = "Ce centre ne propose pas ce moyen de contact pour le moment."
    status = 404


class TooManyRequests(RdvError):
    message = (
        "Trop de demandes ont été envoyées depuis cette connexion ou avec ces coordonnées. "
        "Réessayez dans une heure ; ce que vous avez saisi n’a pas été envoyé."
    )
    status = 429

    def __init__(self, message: str | None = None, until: datetime | None = None) -> None:
        super().__init__(message)
        self.until = until  # when the window that is full ends, where it is known


class TooManyToday(TooManyRequests):
    """One person asked many centres in a day; the sentence says how many, until when, and what works better."""


class FormExpired(RdvError):
    message = (
        "Ce formulaire est resté ouvert trop longtemps. Vérifiez ce que vous aviez saisi, puis envoyez-le à nouveau."
    )
    status = 400


class FormRefused(RdvError):
    message = "L’envoi n’a pas pu être vérifié. Relisez ce que vous avez saisi, puis envoyez à nouveau."
    status = 400


class LinkInvalid(RdvError):
    message = "Ce lien n’est plus valable. Demandez-en un nouveau : il vous sera envoyé à la même adresse."
    status = 404


class RequestErased(LinkInvalid):
    """Nothing is known of the person of this request any more: its links open nothing, nobody acts on it."""

    message = "Les données de cette demande ont été effacées\u00a0: il n’y a plus rien à y faire."
    status = 410

    def __init__(self, request: object) -> None:
        super().__init__()
        self.request = request  # the CandidateRequest, which this module is too low to know


class SignInRefused(RdvError):
    message = "Adresse électronique ou mot de passe incorrect."
    status = 400


class WeakPassword(RdvError):
    message = (
        "Choisissez un mot de passe d’au moins 12 caractères mêlant trois sortes (minuscules, majuscules, "
        "chiffres, signes), ou une phrase d’au moins 20 caractères."
    )
    status = 400


class TooManyAttempts(TooManyRequests):
    message = (
        "Trop d’essais pour ce compte ou depuis cette connexion. Attendez une heure, ou choisissez un nouveau mot de "
        "passe par « Mot de passe oublié »."
    )


class WrongPassword(RdvError):
    message = "Ce mot de passe n’est pas le bon."
    status = 400


class AlreadyMember(RdvError):
    message = "Cette personne fait déjà partie de votre équipe."
    status = 409


class AccountClosed(RdvError):
    message = "Ce compte a été fermé par l’équipe du service. Écrivez-lui pour le rouvrir."
    status = 409


class LastManager(RdvError):
    message = "Un centre garde au moins un responsable qui peut se connecter. Nommez-en d’abord un autre."
    status = 409


class AlreadyActivated(RdvError):
    """Somebody opened this CFA's account before."""

    message = "L’espace de ce centre est déjà ouvert."
    status = 410


class CatalogueError(RdvError):
    message = "Ce fichier de catalogue n’a pas pu être lu."
    status = 400
