"""What may be chosen about a request, and how each choice reads."""

from __future__ import annotations

# From each state, where an act may lead. An internal note leads nowhere: it changes no state.
TRANSITIONS: dict[str, tuple[str, ...]] = {
    "new": ("in_progress", "waiting_candidate", "closed"),
    "in_progress": ("in_progress", "waiting_candidate", "closed"),
    "waiting_candidate": ("in_progress", "waiting_candidate", "closed"),
    "closed": ("in_progress",),
}
STATUS_LABELS = {
    "new": "Nouvelle",
    "in_progress": "En cours",
    "waiting_candidate": "En attente du candidat",
    "closed": "Terminée",
}
MODE_LABELS = {"callback": "À rappeler", "message": "Message", "slot": "Rendez-vous"}
OUTCOME_LABELS = {
    "meeting_set": "Rendez-vous pris",
    "answered": "Répondu",
    "unreachable": "Injoignable",
    "not_for_us": "Ne nous concerne pas",
    "redirected": "Transmise à un autre centre",
    "cancelled_by_candidate": "Annulé par le candidat",
    "cancelled_by_cfa": "Annulé par le centre",
    "no_follow_up": "Sans suite",
    "waitlisted": "En liste d’attente",
}
# What staff may choose when closing by hand.
CLOSING_OUTCOMES = ("answered", "meeting_set", "unreachable", "not_for_us", "no_follow_up")
# Of those, what leaves the person without an answer: they are told, and may go elsewhere.
TOLD_WHEN_CLOSED = ("unreachable", "not_for_us", "no_follow_up")
# Result of a call; only a conversation is an answer (design.md §4).
CALL_RESULTS = {
    "reached": "J’ai parlé à la personne",
    "voicemail": "J’ai laissé un message vocal",
    "no_answer": "Pas de réponse",
    "wrong_number": "Mauvais numéro",
    "call_later": "La personne demande à être rappelée plus tard",
}
# Nobody was reached: the next attempt is planned, and the candidate is offered slots.
NOT_REACHED = ("voicemail", "no_answer", "wrong_number")
