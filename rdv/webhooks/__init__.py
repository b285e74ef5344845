"""What platforms are told of the requests that they sent (docs/webhooks.md).

`relaying` turns the events of requests into deliveries, `content` writes what they say, `sending` posts them,
`endpoints` is what the service team decides.
"""

from rdv.webhooks.endpoints import KEPT as KEPT
from rdv.webhooks.endpoints import OVERLAP as OVERLAP
from rdv.webhooks.endpoints import WrongEndpoint as WrongEndpoint
from rdv.webhooks.endpoints import change as change
from rdv.webhooks.endpoints import create as create
from rdv.webhooks.endpoints import get as get
from rdv.webhooks.endpoints import purge as purge
from rdv.webhooks.endpoints import resend as resend
from rdv.webhooks.endpoints import rotate as rotate
from rdv.webhooks.endpoints import secret as secret
from rdv.webhooks.endpoints import send_test as send_test
from rdv.webhooks.endpoints import set_active as set_active
from rdv.webhooks.relaying import erased as erased
from rdv.webhooks.relaying import relay as relay
from rdv.webhooks.sending import CLAIM as CLAIM
from rdv.webhooks.sending import PATIENCE as PATIENCE
from rdv.webhooks.sending import WAITS as WAITS
from rdv.webhooks.sending import deliver_due as deliver_due
