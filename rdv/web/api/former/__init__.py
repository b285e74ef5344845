"""The contracts that platforms already speak, answered field for field: they change a host name, and their key where there is one.

Source of every field and sentence: reference/predecessor.md §3.2 (open v1), §3.3 (token v2), §3.4 (lists).
"""

from rdv.web.api.former import context as context
from rdv.web.api.former import lists as lists
from rdv.web.api.former import token as token
