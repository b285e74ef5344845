"""Slots that repeat in wall time: a rule, its preview with what it meets, its publication; weeks copied, lines read.

`rule` and `quick` are pure; `plan` reads, `publishing` writes; `weeks` plans from slots that exist; `listed` shows.
"""

from __future__ import annotations

from rdv.series.listed import coming as coming
from rdv.series.listed import get_for_cfa as get_for_cfa
from rdv.series.listed import last_offer as last_offer
from rdv.series.listed import of_cfa as of_cfa
from rdv.series.listed import rule_of as rule_of
from rdv.series.plan import Conflict as Conflict
from rdv.series.plan import Occurrence as Occurrence
from rdv.series.plan import Planned as Planned
from rdv.series.plan import advised as advised
from rdv.series.plan import check_possible as check_possible
from rdv.series.plan import dated as dated
from rdv.series.plan import fingerprint as fingerprint
from rdv.series.plan import plan as plan
from rdv.series.plan import preview as preview
from rdv.series.plan import same_slots as same_slots
from rdv.series.plan import without as without
from rdv.series.publishing import NothingChosen as NothingChosen
from rdv.series.publishing import PlanChanged as PlanChanged
from rdv.series.publishing import Published as Published
from rdv.series.publishing import publish as publish
from rdv.series.rule import MOST_SLOTS as MOST_SLOTS
from rdv.series.rule import Range as Range
from rdv.series.rule import Rule as Rule
from rdv.series.rule import WrongPlan as WrongPlan
from rdv.series.rule import days as days
from rdv.series.rule import walls as walls
from rdv.series.weeks import Copied as Copied
from rdv.series.weeks import copy_week as copy_week
from rdv.series.words import rule_in_words as rule_in_words
