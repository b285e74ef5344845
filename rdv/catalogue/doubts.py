"""Trainings that a refused row may be about: a whole catalogue that names them badly still names them."""

from __future__ import annotations

from dataclasses import dataclass, field

from rdv.catalogue import fields
from rdv.catalogue.rows import Cells

# Rows that nothing can be tied to, out of a thousand, beyond which a file cannot be trusted to close anything.
MOST_OBSCURE = 1
_SIRETS = ("etablissement_gestionnaire_siret", "etablissement_formateur_siret")


@dataclass(slots=True)
class Doubts:
    """The keys, else the centres and places, that refused rows name; how many name nothing."""

    identities: set[str] = field(default_factory=set)
    sirets: set[str] = field(default_factory=set)
    obscure: int = 0

    def note(self, cells: Cells) -> None:
        """Keep what a refused row says of itself: its key, else its establishments, else that it says nothing."""
        key = fields.or_none(fields.training_key, cells.get("cle_ministere_educatif"))
        if key:
            self.identities.add(key.group())
            return
        named = {siret for column in _SIRETS if (siret := fields.siret_or_none(cells.get(column)))}
        self.sirets |= named
        self.obscure += not named

    def covers(self, identity: str, *sirets: str | None) -> bool:
        """Say whether a refused row may be this training, of a centre and places with these SIRET."""
        return identity in self.identities or not self.sirets.isdisjoint(filter(None, sirets))

    def too_many(self, rows: int) -> bool:
        """Say whether too many of the rows of a file say nothing of themselves."""
        return self.obscure * 1000 > MOST_OBSCURE * rows
