"""What each figure is called, and what it counts: read beside it on the page, and in the sheet of an export."""

from __future__ import annotations

from dataclasses import dataclass

from rdv.french import NBSP
from rdv.stats.quantiles import MEDIAN_FROM, NINTH_FROM


@dataclass(frozen=True)
class Definition:
    """A figure's name, and what is counted or not."""

    label: str
    text: str


DEFINITIONS = {
    "received": Definition(
        "Demandes reçues",
        "Demandes de rappel et messages arrivés pendant la période. Les rendez-vous réservés directement n’attendent pas de réponse"
        f"{NBSP}: ils sont comptés à part.",
    ),
    "answered": Definition(
        "Répondues",
        "Une personne du centre a écrit, parlé au candidat ou fixé un rendez-vous. Un courriel automatique, une note ou un "
        "message vocal n’est pas une réponse, ni une réponse annulée par son auteur.",
    ),
    "on_time": Definition(
        "Dans le délai promis", "Première réponse donnée avant la date annoncée au candidat, ou le jour convenu avec lui."
    ),
    "waiting": Definition("En attente", "Demandes de la période qui attendent encore une première réponse."),
    "unanswered": Definition(
        "Closes sans réponse",
        "Personne injoignable, demande retirée, transmise, ne concernant pas le centre ou sans suite.",
    ),
    "median": Definition(
        "Délai médian",
        "La moitié des premières réponses a pris ce temps ou moins, compté en heures d’ouverture du lieu, sans les fermetures "
        f"ni les jours fériés. À partir de {MEDIAN_FROM}{NBSP}réponses.",
    ),
    "ninth": Definition(
        "9 réponses sur 10",
        f"Neuf premières réponses sur dix ont pris ce temps ou moins, en heures d’ouverture. À partir de {NINTH_FROM}{NBSP}réponses.",
    ),
    "people": Definition(
        "Demandes, tous moyens",
        "Demandes de rappel, messages, rendez-vous réservés directement et inscriptions en liste d’attente arrivés pendant la période.",
    ),
    "met": Definition(
        "Avec un rendez-vous", "Parmi elles, celles qui ont mené à un rendez-vous non annulé, passé ou à venir."
    ),
    "came": Definition("Venues", "Parmi elles, les personnes notées présentes au rendez-vous."),
    "booked": Definition(
        "Inscriptions", "Personnes inscrites à un rendez-vous qui commence pendant la période, annulations comprises."
    ),
    "attended": Definition("Présents", "Personnes notées présentes."),
    "no_show": Definition("Absents", "Personnes notées absentes, sans avoir prévenu."),
    "excused": Definition("Excusés", "Personnes notées excusées."),
    "unknown": Definition("Sans suite notée", "Rendez-vous passés dont personne n’a dit qui est venu."),
    "cancelled": Definition("Annulations", "Rendez-vous annulés avant d’avoir lieu, par le candidat ou par le centre."),
    "coming": Definition("À venir", "Inscriptions à un rendez-vous qui n’a pas encore eu lieu."),
}  # fmt: skip
DIMENSION_LABELS = {
    "adviser": "Conseiller",
    "site": "Lieu",
    "training": "Formation",
    "platform": "Origine",
    "source": "Affiche",
    "mode": "Type",
}
