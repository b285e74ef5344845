"""Replies that a CFA keeps ready: shared by its staff, with variables, reread from time to time since prices age."""

from rdv.replies.library import STALE_AFTER as STALE_AFTER
from rdv.replies.library import STARTERS as STARTERS
from rdv.replies.library import Draft as Draft
from rdv.replies.library import TitleTaken as TitleTaken
from rdv.replies.library import begin as begin
from rdv.replies.library import change as change
from rdv.replies.library import create as create
from rdv.replies.library import delete as delete
from rdv.replies.library import for_request as for_request
from rdv.replies.library import get_for_cfa as get_for_cfa
from rdv.replies.library import is_stale as is_stale
from rdv.replies.library import listed as listed
from rdv.replies.library import review as review
from rdv.replies.library import used as used
from rdv.replies.values import KEPT as KEPT
from rdv.replies.values import set_values as set_values
from rdv.replies.values import values_of as values_of
from rdv.replies.variables import SLOTS as SLOTS
from rdv.replies.variables import VARIABLES as VARIABLES
from rdv.replies.variables import Filled as Filled
from rdv.replies.variables import Unfilled as Unfilled
from rdv.replies.variables import fill as fill
from rdv.replies.variables import unknown as unknown
