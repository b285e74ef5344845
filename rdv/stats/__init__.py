"""How requests are answered and meetings held: given filters, numbers. It writes the medians that candidates read, no more."""

from __future__ import annotations

from rdv.stats.counts import Met as Met
from rdv.stats.counts import Received as Received
from rdv.stats.figures import DIMENSIONS as DIMENSIONS
from rdv.stats.figures import LONGEST_LINES as LONGEST_LINES
from rdv.stats.figures import Line as Line
from rdv.stats.figures import Month as Month
from rdv.stats.figures import Total as Total
from rdv.stats.figures import lines as lines
from rdv.stats.figures import total as total
from rdv.stats.figures import trend as trend
from rdv.stats.filters import LONGEST_PERIOD as LONGEST_PERIOD
from rdv.stats.filters import Filters as Filters
from rdv.stats.filters import Period as Period
from rdv.stats.filters import months_before as months_before
from rdv.stats.listing import MOST as MOST
from rdv.stats.listing import count as count
from rdv.stats.listing import listed as listed
from rdv.stats.medians import changes as changes
from rdv.stats.medians import write as write
from rdv.stats.quantiles import MEDIAN_FROM as MEDIAN_FROM
from rdv.stats.quantiles import NINTH_FROM as NINTH_FROM
from rdv.stats.quantiles import Spread as Spread
from rdv.stats.whole import Origin as Origin
from rdv.stats.whole import Service as Service
from rdv.stats.whole import service as service
from rdv.stats.words import DEFINITIONS as DEFINITIONS
from rdv.stats.words import DIMENSION_LABELS as DIMENSION_LABELS
