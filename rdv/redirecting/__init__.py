"""A request goes on elsewhere: to another place of its centre, or to another centre if the person agrees.

The person keeps one page: the link of a request that was passed on leads to the one that continues it (`followed`).
"""

from __future__ import annotations

from rdv.redirecting.acts import AlreadyRedirected as AlreadyRedirected
from rdv.redirecting.acts import accept as accept
from rdv.redirecting.acts import redirect as redirect
from rdv.redirecting.agreement import AgreementMissing as AgreementMissing
from rdv.redirecting.agreement import Question as Question
from rdv.redirecting.agreement import ask as ask
from rdv.redirecting.agreement import pending as pending
from rdv.redirecting.agreement import refuse as refuse
from rdv.redirecting.agreement import spoken as spoken
from rdv.redirecting.followed import continued as continued
from rdv.redirecting.followed import followed as followed
from rdv.redirecting.followed import passed_on_by as passed_on_by
from rdv.redirecting.target import Target as Target
from rdv.redirecting.target import find as find
