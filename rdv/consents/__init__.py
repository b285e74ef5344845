"""Life cycle of what centres accept on platforms: invited, active, refused (reference/predecessor.md §7.4, §7.5).

opt_out: a notice, days to refuse, then silence is a yes. premium: an explicit yes, asked again each season.
Every change of state is one guarded UPDATE: two clicks, or the clock and a click, never both win.
"""

from rdv.consents.acts import NotPossible as NotPossible
from rdv.consents.acts import accept as accept
from rdv.consents.acts import ask as ask
from rdv.consents.acts import hide as hide
from rdv.consents.acts import refuse as refuse
from rdv.consents.acts import show_at as show_at
from rdv.consents.acts import turn_on as turn_on
from rdv.consents.addresses import contacts as contacts
from rdv.consents.addresses import decision_maker as decision_maker
from rdv.consents.campaigns import activate as activate
from rdv.consents.campaigns import follow_up as follow_up
from rdv.consents.campaigns import invite_opt_out as invite_opt_out
from rdv.consents.campaigns import invite_premium as invite_premium
from rdv.consents.campaigns import purge as purge
from rdv.consents.campaigns import remind as remind
from rdv.consents.campaigns import reset as reset
from rdv.consents.campaigns import to_activate as to_activate
from rdv.consents.campaigns import to_follow_up as to_follow_up
from rdv.consents.campaigns import to_invite_opt_out as to_invite_opt_out
from rdv.consents.campaigns import to_invite_premium as to_invite_premium
from rdv.consents.domains import MOST_DOMAINS as MOST_DOMAINS
from rdv.consents.domains import WrongHost as WrongHost
from rdv.consents.domains import host as host
from rdv.consents.domains import set_domains as set_domains
from rdv.consents.seasons import in_campaign as in_campaign
from rdv.consents.seasons import last_day as last_day
from rdv.consents.signed import opened_by as opened_by
from rdv.consents.standing import chosen_sites as chosen_sites
from rdv.consents.standing import get as get
from rdv.consents.standing import of_cfa as of_cfa
from rdv.consents.standing import together as together
