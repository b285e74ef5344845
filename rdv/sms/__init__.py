"""Text messages: whom they may reach, what they say, who carries them. Written with the business rows, like mails."""

from __future__ import annotations

from rdv.sms.reach import available as available
from rdv.sms.reach import night_until as night_until
from rdv.sms.reach import numbers as numbers
