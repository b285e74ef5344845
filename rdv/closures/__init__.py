"""Closures of a CFA or a site, absences of an adviser: what they cover. The lowest reader: it knows models alone."""

from __future__ import annotations

from rdv.closures.cover import Timed as Timed
from rdv.closures.cover import bounds as bounds
from rdv.closures.cover import covering as covering
