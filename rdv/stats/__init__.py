"""What a CFA, a candidate and the service team read of how requests are answered: given filters, numbers. Writes medians alone."""

from __future__ import annotations

from rdv.stats.medians import changes as changes
from rdv.stats.medians import write as write
from rdv.stats.quantiles import MEDIAN_FROM as MEDIAN_FROM
from rdv.stats.quantiles import NINTH_FROM as NINTH_FROM
from rdv.stats.quantiles import Spread as Spread
