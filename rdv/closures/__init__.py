"""Closures of a CFA or a site, absences of an adviser: what they cover and what they meet. `rdv.closing` writes them.

Wall days and hours of each site they touch. An absence counts in the CFA where it was given. It knows models alone, so
that any module may ask it.
"""

from __future__ import annotations

from rdv.closures.cover import Timed as Timed
from rdv.closures.cover import absent as absent
from rdv.closures.cover import bounds as bounds
from rdv.closures.cover import covering as covering
from rdv.closures.cover import of_place as of_place
from rdv.closures.cover import turns as turns
from rdv.closures.lists import Listed as Listed
from rdv.closures.lists import get_for_cfa as get_for_cfa
from rdv.closures.lists import listed as listed
from rdv.closures.touched import Draft as Draft
from rdv.closures.touched import Touched as Touched
from rdv.closures.touched import coming_slots as coming_slots
from rdv.closures.touched import count_to_decide as count_to_decide
from rdv.closures.touched import to_decide as to_decide
from rdv.closures.touched import touched_by as touched_by
