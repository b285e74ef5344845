"""Every kind of mail: how it is written, and when it is no longer worth sending."""

from __future__ import annotations

from rdv.mails import accounts, candidate, cfa, day
from rdv.mails.message import Kind

KINDS: dict[str, Kind] = {**candidate.KINDS, **cfa.KINDS, **accounts.KINDS, **day.KINDS}
