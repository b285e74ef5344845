"""The API of platforms, version 1: `document` says what it is, the other modules answer."""

from rdv.web.api.v1 import documentation as documentation
from rdv.web.api.v1 import figures as figures
from rdv.web.api.v1 import following as following
from rdv.web.api.v1 import listing as listing
from rdv.web.api.v1 import sending as sending
from rdv.web.api.v1 import trainings as trainings
