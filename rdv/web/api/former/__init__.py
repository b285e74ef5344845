"""The contracts that platforms already speak, answered byte for byte: they change a host name and nothing else.

Source of every field and sentence: reference/predecessor.md §3.2 (open v1), §3.3 (token v2), §3.4 (lists).
"""

from rdv.web.api.former import context as context
from rdv.web.api.former import lists as lists
from rdv.web.api.former import token as token
