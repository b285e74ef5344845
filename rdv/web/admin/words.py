"""What the service team reads instead of our codes; a code without a word is shown as it is."""

from __future__ import annotations

from typing import Any

MAILS = {
    "booking_confirmed": "Rendez-vous confirmé",
    "booking_moved": "Rendez-vous déplacé",
    "booking_changed": "Rendez-vous modifié",
    "booking_cancelled": "Rendez-vous annulé",
    "request_received": "Demande reçue",
    "request_answered": "Réponse du centre",
    "call_missed": "Appel manqué (au candidat)",
    "redirect_asked": "Accord demandé pour transmettre (au candidat)",
    "redirect_refused": "Accord refusé (au centre)",
    "request_redirected": "Demande transmise (au candidat)",
    "personal_link": "Lien personnel",
    "cfa_new_request": "Nouvelle demande (au centre)",
    "training_closed": "Formation qui n’est plus proposée (au candidat)",
    "centre_unreached": "Centre non joint (au candidat)",
    "adviser_new_booking": "Nouveau rendez-vous (au conseiller)",
    "adviser_booking_cancelled": "Rendez-vous annulé (au conseiller)",
    "adviser_booking_moved": "Rendez-vous déplacé (au conseiller)",
    "adviser_slots_changed": "Créneaux modifiés ou confiés (au conseiller)",
    "adviser_candidate_late": "Retard annoncé (au conseiller)",
    "waitlist_joined": "Inscription en liste d’attente",
    "candidate_replied": "Le candidat a répondu (au centre)",
    "cfa_link_again": "Lien renvoyé (au centre)",
    "request_closed": "Demande terminée sans réponse (au candidat)",
    "follow_up_owner": "Réponse attendue (au centre)",
    "follow_up_team": "Réponse en retard (au centre)",
    "follow_up_candidate": "Pas encore de réponse (au candidat)",
    "contact_check": "Avez-vous été contacté ?",
    "not_contacted": "Le candidat n’a pas été contacté (au centre)",
    "digest": "Récapitulatif du matin",
    "seat_offered": "Place proposée",
    "offer_ended": "Place qui n’est plus gardée",
    "waitlist_closed": "Liste d’attente close",
    "missed_you": "On vous a manqué (au candidat)",
    "outcomes_missing": "Rendez-vous sans suite (au conseiller)",
    "move_instead": "Déplacer plutôt qu’en prendre un autre (au candidat)",
    "no_slot_left": "Plus aucun créneau (à l’équipe)",
    "reminder_week": "Rappel, une semaine avant",
    "reminder_day": "Rappel, la veille",
    "platform_silent": "Plateforme silencieuse (à l’équipe du service)",
    "platform_heard": "Plateforme de nouveau entendue (à l’équipe du service)",
    "calendar_forgotten": "Calendrier abonné que personne ne lit",
    "adviser_invitation": "Invitation dans l’agenda du conseiller",
    "invitation": "Invitation",
    "password_reset": "Mot de passe oublié",
    "password_changed": "Mot de passe changé",
    "cfa_activation": "Activer l’espace du centre",
    "cfa_activated_notice": "Espace du centre activé",
    "webhook_dead": "Événements coupés (à l’équipe du service)",
    "optout_invited": "Affichage annoncé (au centre)",
    "optout_active": "Affichage ouvert (au centre)",
    "optout_active_contact": "Affichage ouvert (à qui reçoit les demandes)",
    "optout_refused": "Affichage refusé (au centre)",
    "premium_invited": "Invitation d’une plateforme (au centre)",
    "premium_followed_up": "Invitation d’une plateforme, relance (au centre)",
    "premium_active": "Plateforme acceptée (au centre)",
    "premium_active_contact": "Plateforme acceptée (à qui reçoit les demandes)",
    "premium_refused": "Plateforme refusée (au centre)",
    "premium_reminder": "Rappel de l’engagement annuel",
    "platform_question": "Question d’un centre sur une plateforme (à l’équipe)",
}

TEXTS = {
    "confirmed": "Rendez-vous confirmé",
    "moved": "Rendez-vous déplacé",
    "changed": "Rendez-vous modifié",
    "cancelled": "Rendez-vous annulé",
    "reminder_day": "Rappel, la veille",
    "seat_offered": "Place proposée",
    "centre_unreached": "Centre non joint",
    "unanswered": "Pas encore de réponse",
    "call_missed": "Appel manqué",
    "closed": "Demande terminée sans réponse",
    "personal_link": "Lien personnel",
}

LIFE_CYCLES = {
    "always": "Aucun accord demandé",
    "opt_out": "Sauf refus",
    "premium": "Accord demandé",
    "own_site": "Site du centre",
}

CONSENTS = {"invited": "Attendue", "active": "Accepté", "refused": "Refusé"}

DECIDED_BY = {"link": "Lien du courriel", "manager": "Responsable", "silence": "Silence", "team": "Équipe du service"}

DELIVERIES = {
    "delivered": "Remis",
    "deferred": "Retardé",
    "soft_bounce": "Revenu, boîte pleine ou absente un moment",
    "hard_bounce": "Revenu, adresse inconnue",
    "blocked": "Bloqué",
    "complaint": "Signalé indésirable",
    "unsubscribed": "Désinscription",
}

# Why nothing is sent to an address any more.
DEATHS = {
    "hard_bounce": "L’adresse n’existe pas",
    "blocked": "Le serveur bloque nos courriels",
    "complaint": "Signalés comme indésirables",
    "unsubscribed": "Désinscription",
    "soft_bounce": "Boîte toujours pleine ou absente",
}

JOBS = {
    "purge": "Ménage des données périmées",
    "erase_old": "Effacement des personnes dont le délai de conservation est passé",
    "remind": "Rappels avant les rendez-vous",
    "recall_outcomes": "Rendez-vous sans suite à rappeler",
    "end_offers": "Places proposées dont le délai est passé",
    "offer_overlooked": "Places libres à proposer aux listes d’attente",
    "follow_up": "Relances des demandes sans réponse",
    "write_digests": "Récapitulatifs du matin",
    "tell_no_slot": "Prévenir quand un lien n’a plus de créneau",
    "sync_catalogue": "Catalogue des formations",
    "finish_catalogue": "Catalogue à reprendre, retraits autorisés",
    "complete_catalogue": "Catalogue complété par les registres",
    "watch_platforms": "Plateformes devenues silencieuses",
    "refresh_medians": "Délais de réponse montrés aux candidats",
    "invite_advisers": "Invitations dans les agendas",
    "open_platforms": "Ouverture des plateformes que personne n’a refusées",
    "invite_to_platforms": "Invitations et rappels des plateformes",
    "keep_bookable": "Formations ouvertes du jour, pour l’API",
    "check_integrity": "Contrôle d’intégrité de la base",
    "demo_top_up": "Créneaux de la démonstration",
}

# State of a run of the catalogue: words, and the colour of their badge.
CATALOGUE_STATES = {
    "running": ("En cours", "info"),
    "done": ("Terminé", "success"),
    "interrupted": ("Interrompu", "warning"),
    "waiting": ("Refusé, en attente d’accord", "danger"),
    "failed": ("Échoué", "danger"),
}

CATALOGUE_STEPS = {"fetch": "Réception", "import": "Lecture", "close": "Fermeture des formations absentes"}

# In the order of the page: what asks for a person first.
CATALOGUE_KINDS = {
    "to_close": "À fermer",
    "refused": "Refusées",
    "closed": "Fermées",
    "added": "Ajoutées",
    "reopened": "Rouvertes",
    "replaced": "Clés remplacées",
    "changed": "Modifiées",
    "place": "Lieux modifiés",
    "centre": "Centres modifiés",
}

CATALOGUE_COUNTED = {
    "to_close": ("formation à fermer", "formations à fermer"),
    "added": ("ajoutée", "ajoutées"),
    "changed": ("modifiée", "modifiées"),
    "replaced": ("clé remplacée", "clés remplacées"),
    "reopened": ("rouverte", "rouvertes"),
    "closed": ("fermée", "fermées"),
    "place": ("lieu modifié", "lieux modifiés"),
    "centre": ("centre modifié", "centres modifiés"),
    "refused": ("ligne refusée", "lignes refusées"),
}

_CATALOGUE_COLUMNS = {
    "address": "Adresse", "affelnet_id": "Code Affelnet", "affelnet_visible": "Publiée sur Affelnet", "cfa": "Centre (SIRET)",
    "city": "Ville", "department": "Département", "diploma": "Diplôme", "diploma_code": "Code diplôme (CFD)",
    "email": "Adresse électronique", "latitude": "Latitude", "level": "Niveau", "longitude": "Longitude", "name": "Nom",
    "onisep_id": "Identifiant Onisep", "parcoursup_id": "Identifiant Parcoursup",
    "parcoursup_visible": "Publiée sur Parcoursup", "phone": "Téléphone", "place": "Lieu", "postal_code": "Code postal",
    "published": "Publiée au catalogue", "rco_id": "Identifiant RCO", "reason": "Motif", "remote": "À distance",
    "rncp": "Code RNCP", "starts_on": "Rentrées", "territory": "Territoire", "timezone": "Fuseau horaire",
    "title": "Intitulé", "training_key": "Clé ministères éducatifs", "uai": "UAI",
    # Kept as the catalogue says it.
    "source.affelnet_perimetre_prise_rdv": "Rendez-vous Affelnet", "source.affelnet_statut": "Statut Affelnet",
    "source.annee": "Année", "source.capacite": "Capacité", "source.catalogue": "Catalogue",
    "source.catalogue_published": "Publiée au catalogue", "source.cfd_date_fermeture": "Fin du code diplôme",
    "source.duree": "Durée", "source.niveau_formation_diplome": "Niveau du diplôme", "source.nom_academie": "Académie",
    "source.onisep_url": "Page Onisep", "source.parcoursup_perimetre_prise_rdv": "Rendez-vous Parcoursup",
    "source.parcoursup_statut": "Statut Parcoursup",
}  # fmt: skip

_ACTS = {
    "accepted": "accepté",
    "allowed": "retrait autorisé",
    "activated": "activé",
    "activation_sent": "lien d’activation envoyé",
    "archived": "archivé",
    "cancelled": "annulé",
    "changed": "modifié",
    "closed": "fermé aux réservations",
    "created": "créé",
    "deleted": "supprimé",
    "ended": "terminé",
    "erased": "données effacées",
    "exported": "exportées",
    "forgotten": "retiré de la liste",
    "handed_over": "transmis",
    "invitation_accepted": "invitation acceptée",
    "invited": "invitation envoyée",
    "invited_again": "invitation renvoyée",
    "meetings_cancelled": "rendez-vous annulés",
    "meetings_kept": "rendez-vous maintenus",
    "lifted": "remise en service",
    "links_revoked": "liens révoqués",
    "notices_changed": "messages choisis",
    "open": "ouvert aux réservations",
    "overbooked": "place ajoutée",
    "password_changed": "mot de passe changé",
    "printed": "imprimée",
    "published": "publiés",
    "read": "consulté",
    "refused": "refusé",
    "renewed": "adresse changée",
    "restored": "rétabli",
    "retried": "renvoyé",
    "reviewed": "relu",
    "revoked": "retiré",
    "rotated": "remplacé",
    "season_reset": "nouvelle campagne",
    "service_team": "équipe du service",
    "settings_changed": "réglages modifiés",
    "signed_out_everywhere": "déconnecté partout",
    "tested": "essayée",
    "paused": "mise en pause",
    "resumed": "remise en service",
    "values_changed": "valeurs modifiées",
}

_NOUNS = {
    "api_key": "Clé de l’API",
    "calendar_feed": "Calendrier",
    "catalogue_run": "Passage du catalogue",
    "cfa": "Centre",
    "closure": "Fermeture",
    "dead_address": "Adresse en erreur",
    "feed": "Calendrier",
    "mail": "Courriel",
    "meeting_type": "Type de rendez-vous",
    "membership": "Rattachement",
    "outgoing_mail": "Courriel",
    "outgoing_sms": "SMS",
    "cfa_domain": "Sites web du centre",
    "platform": "Plateforme",
    "platform_consent": "Réponse à une plateforme",
    "platform_site": "Affichage d’un lieu sur une plateforme",
    "reply": "Réponse type",
    "request": "Demande",
    "requests": "Demandes",
    "rule": "Règle",
    "sheet": "Feuille",
    "site": "Lieu",
    "slot": "Créneau",
    "slots": "Créneaux",
    "sms": "SMS",
    "training": "Formation",
    "user": "Compte",
    "webhook": "Adresse d’événements",
    "webhook_delivery": "Événement",
}

_FACTS = {
    "adviser": "conseiller",
    "after": "après",
    "before": "avant",
    "cancelled": "annulés",
    "centres": "centres",
    "days": "jours",
    "kept": "maintenus",
    "lines": "lignes",
    "opened": "rouverts",
    "shut": "fermés",
    "changes": "changements",
    "contacts": "coordonnées",
    "count": "nombre",
    "detail": "détail",
    "fields": "champs",
    "from": "du",
    "hours": "horaires",
    "requests": "demandes",
    "name": "nom",
    "platform": "plateforme",
    "replaces": "remplace",
    "role": "rôle",
    "scope": "étendue",
    "scopes": "droits",
    "seats": "places",
    "sites": "lieux",
    "to": "au",
    "told": "personnes prévenues",
    "why": "raison",
}

_VALUES = {
    **{code: words[:1].lower() + words[1:] for code, words in DEATHS.items()},
    "one": "ce créneau",
    "following": "ce créneau et les suivants",
    "all": "toute la série",
    "active": "compte ouvert",
    "adviser": "conseiller",
    "callback_open": "être rappelé",
    "cfa": "centre",
    "chosen_email": "adresse choisie",
    "chosen_name": "nom choisi",
    "closed_at": "fermeture",
    "code": "code",
    "disability_contact": "contact handicap",
    "email": "adresse de contact",
    "full": "complet",
    "is_service_team": "équipe du service",
    "manager": "responsable",
    "message_open": "message",
    "sms_open": "SMS à tous",
    "updated_at": "date de modification",
    "url": "adresse du site",
}


def catalogue_column(name: str) -> str:
    """« Intitulé » for a column that the catalogue changed; what it says of itself keeps its own name."""
    return _CATALOGUE_COLUMNS.get(name, name.removeprefix("source."))


def noun(code: str | None) -> str:
    """« Calendrier » for an object of the journal."""
    return _NOUNS.get(code or "", code or "–")


def act(code: str) -> str:
    """« Calendrier : adresse changée » for an action of the journal; the service team's own acts say so."""
    thing, _, verb = code.removeprefix("admin.").rpartition(".")
    said = f"{noun(thing)}\u00a0: {_ACTS.get(verb, verb)}"
    return f"{said} (par le service)" if code.startswith("admin.") else said


def facts(data: dict[str, Any]) -> str:
    """« nombre : 8, conseiller : k4y5… » for the details of a line of the journal."""
    return ", ".join(f"{_FACTS.get(key, key)}\u00a0: {_told(value)}" for key, value in data.items()) or "–"


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{_told(key)} {_told(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return " / ".join(map(_told, value))
    if isinstance(value, bool):
        return "oui" if value else "non"
    return "–" if value is None else _VALUES.get(str(value), str(value))
