"""Who asks, and what they typed: the same for the three modes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rdv.contacts import fold, person_key
from rdv.settings import settings

# Keys and labels of today's service (reference/predecessor.md §2.3), in the order shown.
REASONS: dict[str, str] = {
    "modalite": "Modalités d’inscription",
    "place": "Places disponibles",
    "accompagnement": "Accompagnement dans la recherche d’entreprise",
    "frais": "Frais d’inscription",
    "contenu": "Contenu de la formation",
    "horaire": "Horaires et rythme de la formation",
    "debouche": "Situation des élèves en sortie de formation",
    "plus": "En savoir plus sur l’alternance",
    "suivi": "Suivi de ma candidature",
    "lieu": "Lieu de la formation",
    "porte": "Portes ouvertes",
    "autre": "Autre",
}
ASKERS: dict[str, str] = {
    "candidate": "Le candidat ou la candidate",
    "parent": "Un parent ou représentant légal",
    "helper": "Une personne qui accompagne (conseiller, éducateur, professeur)",
}
CALLBACK_WINDOWS: dict[str, str] = {
    "matin": "Le matin (9 h – 12 h)",
    "midi": "Entre midi et deux (12 h – 14 h)",
    "apres-midi": "L’après-midi (14 h – 17 h)",
    "soir": "En fin de journée (17 h – 19 h)",
}
# Why a seat is given back, as the three buttons say it to the candidate, then to everybody else.
CANCEL_BUTTONS: dict[str, str] = {
    "company": "J’ai trouvé une entreprise",
    "other_cfa": "J’ai choisi un autre centre",
    "not_available": "Je ne suis plus disponible",
}
CANCEL_WORDS: dict[str, str] = {
    "company": "A trouvé une entreprise",
    "other_cfa": "A choisi un autre centre",
    "not_available": "N’est plus disponible",
}


@dataclass(frozen=True)
class Candidate:
    """A person who asks, already validated: `email` normalised or None, `phone` in E.164 or None, one at least."""

    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    asker: str = "candidate"
    reasons: list[str] = field(default_factory=list)
    text: str | None = None
    platform_id: int | None = None
    # Who asks for somebody else may give their own name and contact: two people, each told what concerns them.
    asker_first_name: str | None = None
    asker_last_name: str | None = None
    asker_email: str | None = None
    asker_phone: str | None = None
    source: str | None = None  # the tag of the poster that they come from
    email_state: str | None = None  # « doubtful »: kept by the person though it looks mistyped

    def __post_init__(self) -> None:
        """Let the asker's contact stand as the candidate's where they gave none: somebody can always be reached."""
        object.__setattr__(self, "email", self.email or self.asker_email)
        object.__setattr__(self, "phone", self.phone or self.asker_phone)

    def person_key(self, secret: str) -> str:
        """Return the keyed hash that says « the same person »."""
        return person_key(secret, self.first_name, self.last_name, self.email, self.phone)

    def columns(self, reference: str) -> dict[str, Any]:
        """Return the columns of CandidateRequest that say who asks and what."""
        # Found by the name and number of whoever calls.
        numbers = dict.fromkeys(filter(None, (self.phone, self.asker_phone)))
        known = [
            self.first_name, self.last_name, self.email, *(number.lstrip("+") for number in numbers),
            self.asker_first_name, self.asker_last_name, reference,
        ]  # fmt: skip
        return {
            "first_name": self.first_name,
            "last_name": self.last_name,
            "email": self.email,
            "phone": self.phone,
            "asker": self.asker,
            "reasons": self.reasons,
            "text": self.text,
            "platform_id": self.platform_id,
            "source": self.source,
            "asker_first_name": self.asker_first_name,
            "asker_last_name": self.asker_last_name,
            "asker_email": self.asker_email,
            "asker_phone": self.asker_phone,
            "email_state": self.email_state,
            "person_key": self.person_key(settings().secret_key),
            "name_key": fold(f"{self.first_name} {self.last_name}")[:170],
            "search_text": " ".join(fold(each) for each in known if each)[:400],
        }


@dataclass(frozen=True)
class Submission:
    """One posted form: the id of its rendering, and a digest of what was posted."""

    id: str
    digest: str
